"""Alembic's entry: runs the revisions on the connection, and in the transaction, that `schema` hands in."""

from __future__ import annotations

from alembic import context

from mintmark.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
    if connection.dialect.name == "postgresql":
        # Text is compared and put in order byte by byte, as on SQLite, whatever the database's own language is.
        for table, column in connection.exec_driver_sql(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' ORDER BY 1, 2"
        ).all():
            if table in metadata.tables:
                connection.exec_driver_sql(f'ALTER TABLE {table} ALTER "{column}" TYPE text COLLATE "C"')
