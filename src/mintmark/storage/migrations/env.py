"""Alembic's entry: runs the revisions on the connection, and in the transaction, that `schema` hands in."""

from __future__ import annotations

from alembic import context

from mintmark.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
