"""Alembic's entry: runs the migrations in the transaction that `open_ledger` hands in."""

from alembic import context

from resources.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
