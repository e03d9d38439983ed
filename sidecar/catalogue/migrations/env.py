"""Alembic's way in: the migrations run in the transaction that `migration.migrate` has opened."""

from alembic import context

from sidecar.catalogue.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
