"""Alembic's entry: runs the migrations over the engine that `open_ledger` hands in."""

from alembic import context

from resources.ledger.schema import metadata

# One process migrates, the others wait for it; one that dies leaves the ledger as it was. SQLite
# makes no transaction around DDL unless it is told to.
LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(20260306)"}

with context.config.attributes["engine"].begin() as connection:
    connection.exec_driver_sql(LOCKS[connection.dialect.name])
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
