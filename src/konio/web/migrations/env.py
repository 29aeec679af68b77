"""Alembic runs this; the connection comes from `konio.web.database.migrate`."""

from __future__ import annotations

from alembic import context

from konio.web.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
