"""Alembic's door: runs the migrations on the connection that the ledger hands in."""

from alembic import context

from papertape.tape.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
context.run_migrations()
