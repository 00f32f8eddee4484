"""The audit trail in partitions, on PostgreSQL."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
_INDEXES = (
    "ix_audit_event_environment",
    "ix_audit_event_environment_at",
    "ix_audit_event_request_id",
    "ix_audit_event_client_not_issued",
)


def upgrade() -> None:
    """The table becomes the first partition, where it lies: it is read through once, and nothing is copied."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    following = connection.exec_driver_sql("SELECT coalesce(max(id), 0) + 1 FROM audit_event").scalar_one()
    old = "audit_event_0" if following > 1 else "audit_event_open"
    definitions = [
        connection.exec_driver_sql(f"SELECT pg_get_indexdef('{name}'::regclass)").scalar_one()
        for name in _INDEXES
    ]
    for name in (*_INDEXES, "pk_audit_event"):
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_{old.rpartition('_')[2]}")
    op.execute(f"ALTER TABLE audit_event RENAME TO {old}")
    op.execute(
        f"CREATE TABLE audit_event (LIKE {old} INCLUDING DEFAULTS, CONSTRAINT pk_audit_event PRIMARY KEY (id))"
        " PARTITION BY RANGE (id)"
    )
    op.execute("ALTER SEQUENCE audit_event_id_seq OWNED BY audit_event.id")
    for definition in definitions:
        op.execute(definition)
    ends = following if following > 1 else "MAXVALUE"
    op.execute(f"ALTER TABLE audit_event ATTACH PARTITION {old} FOR VALUES FROM (MINVALUE) TO ({ends})")
    if following > 1:
        op.execute(
            f"CREATE TABLE audit_event_open PARTITION OF audit_event FOR VALUES FROM ({following}) TO (MAXVALUE)"
        )
