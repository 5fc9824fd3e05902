"""Alembic's entry: runs the migrations over the engine that `open_ledger` hands in."""

from alembic import context

from resources.ledger.schema import metadata

with context.config.attributes["engine"].begin() as connection:
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()
