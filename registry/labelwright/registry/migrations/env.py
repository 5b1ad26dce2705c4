"""Alembic's entry point. The connection comes from labelwright.registry.migration, in a transaction with a lock."""

from alembic import context
from labelwright.registry.models import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
