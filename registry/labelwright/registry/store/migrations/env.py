"""Alembic's entry point. The connection comes from labelwright.registry.store.migration, with a lock held."""

from alembic import context
from labelwright.registry.store.models import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
