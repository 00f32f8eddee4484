"""The tables, the same for every database: one per record type, and the change log, counts, last uses and audit trail.

Columns of the records follow from their fields (`rows.columns`); here stand keys, references and uniqueness. A
change of these tables is a new revision in `migrations/versions` and in `schema.REVISIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mintmark.storage.rows import KEYS, Scalar, columns
from mintmark.values.audit_event import AuditEvent
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SecretVersion, SignatureKey
from mintmark.values.hand_over import HandOver
from mintmark.values.kept_answer import KeptAnswer
from mintmark.values.notice import Notice
from mintmark.values.passkey import Passkey
from mintmark.values.person import Person
from mintmark.values.session import Session
from mintmark.values.tenancy import AccessRequest, Api, Environment, SigningKey, Tenant

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_TYPES: Mapping[Scalar, type[sa.types.TypeEngine[Any]]] = {
    "text": sa.Text,
    "integer": sa.BigInteger,
    "boolean": sa.Boolean,
    "real": sa.Double,
}


def _below(parent: str, *names: str) -> sa.ForeignKeyConstraint:
    where = ["id"] if parent == "environment" else list(names)
    return sa.ForeignKeyConstraint(names, [f"{parent}.{name}" for name in where], ondelete="CASCADE")


#: What rows that are older than a column hold in it.
_DEFAULTS: Mapping[tuple[str, str], str | sa.TextClause | sa.False_] = {
    ("api", "status_list"): sa.false(),
    ("tenant", "rate_limit"): sa.text("0"),
    ("tenant", "rate_watched"): sa.false(),
    ("environment", "address_rate_limit"): sa.text("0"),
    ("environment", "address_rate_watched"): sa.false(),
    ("environment", "reissue_seconds"): sa.text("0"),
    ("client", "protects"): "[]",
    ("client", "owner"): sa.text("''"),
    ("person", "totp"): sa.text("''"),
    ("person", "openid"): sa.text("''"),
    ("person", "totp_used"): sa.text("0"),
}


def _record_table(kind: type, name: str, *constraints: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        *(
            sa.Column(
                column.name,
                _TYPES[column.scalar],
                primary_key=column.name in KEYS[kind],
                nullable=column.nullable,
                autoincrement=False,
                server_default=_DEFAULTS.get((name, column.name)),
            )
            for column in columns(kind)
        ),
        *constraints,
    )


#: The table of each record type.
TABLES: dict[type, sa.Table] = {
    Tenant: _record_table(Tenant, "tenant"),
    Environment: _record_table(
        Environment,
        "environment",
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.UniqueConstraint("issuer"),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.handle"], ondelete="CASCADE"),
    ),
    Api: _record_table(Api, "api", _below("environment", "environment")),
    Client: _record_table(Client, "client", _below("environment", "environment")),
    SecretVersion: _record_table(
        SecretVersion, "secret_version", _below("client", "environment", "client_id")
    ),
    MachineUser: _record_table(
        MachineUser,
        "machine_user",
        sa.UniqueConstraint("environment", "username"),
        _below("environment", "environment"),
    ),
    ApiToken: _record_table(
        ApiToken,
        "api_token",
        _below("environment", "environment"),
        sa.Index(None, "environment", "client_id"),
    ),
    LegacyToken: _record_table(LegacyToken, "legacy_token", _below("environment", "environment")),
    SignatureKey: _record_table(SignatureKey, "signature_key", _below("environment", "environment")),
    SigningKey: _record_table(SigningKey, "signing_key", _below("environment", "environment")),
    AccessRequest: _record_table(AccessRequest, "access_request"),
    Person: _record_table(Person, "person", sa.Index(None, "tenant"), sa.Index(None, "openid")),
    Passkey: _record_table(Passkey, "passkey", _below("person", "username"), sa.Index(None, "username")),
    KeptAnswer: _record_table(KeptAnswer, "kept_answer", sa.Index(None, "created_at")),
    HandOver: _record_table(
        HandOver,
        "hand_over",
        _below("environment", "environment"),
        sa.Index(None, "environment"),
        sa.Index(None, "created_at"),
    ),
    Notice: _record_table(Notice, "notice"),
    Session: _record_table(Session, "session", sa.Index(None, "username"), sa.Index(None, "created_at")),
}


def whole(kind: type) -> sa.Select[Any]:
    """Whole records of a type, before any condition."""
    return sa.select(*(TABLES[kind].c[column.name] for column in columns(kind)))


#: Host names of all environments: a host leads to one environment in one role.
host_alias = sa.Table(
    "host_alias",
    metadata,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("environment", sa.Text, nullable=False),
    _below("environment", "environment"),
)

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")

#: Which subjects changed, in the order of the commits; its newest `seq` is the position of a view.
change_log = sa.Table(
    "change_log",
    metadata,
    sa.Column("seq", _SEQUENCE, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sqlite_autoincrement=True,
)

#: What was revoked in an environment, numbered from 1 and chained (values.revocation); the newest always stays.
revocation = sa.Table(
    "revocation",
    metadata,
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("prev", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("issued_before", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    _below("environment", "environment"),
    # Each covers what is asked of it: SQLite would rather read through the whole environment than look twice.
    sa.Index("ix_revocation_environment_kind_id", "environment", "kind", "id", "issued_before"),
    sa.Index("ix_revocation_environment_until", "environment", "until"),
    sqlite_with_rowid=False,
)

#: Tokens per quota subject and UTC day. The day leads the key, so that a day's counts lie together.
quota_use = sa.Table(
    "quota_use",
    metadata,
    sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("used", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: When and from where a credential was last used, to the minute.
credential_use = sa.Table(
    "credential_use",
    metadata,
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("credential_id", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("peer", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

#: One row: the id of the key-encryption key that everything sealed and hashed here was made with (sealing_key.py).
sealing_key = sa.Table("sealing_key", metadata, sa.Column("id", sa.Text, primary_key=True))

#: What vouches for the events, one row for each transaction that wrote some (crypto/audit_chain.py).
audit_link = sa.Table(
    "audit_link",
    metadata,
    sa.Column("lane", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("first_id", sa.BigInteger, nullable=False),
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("anchor", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("mac", sa.Text, nullable=False),
    sa.Index("ix_audit_link_first_id_lane_seq", "first_id", "lane", "seq"),
    sqlite_with_rowid=False,
)

#: One row at most: events before that id were removed on purpose (storage/retention.py).
audit_cut = sa.Table(
    "audit_cut",
    metadata,
    sa.Column("first_kept", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("mac", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

#: The newest check of the trail that found it whole, and the newest that did not (storage/trail_checked.py).
audit_check = sa.Table(
    "audit_check",
    metadata,
    sa.Column("outcome", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("up_to", sa.BigInteger, nullable=False),
    sa.Column("said", sa.Text, nullable=False),
)

#: Processes that serve, and what each said of itself last (storage/nodes.py).
node = sa.Table(
    "node",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("seen", sa.Double, nullable=False),
    sa.Column("told", sa.Text, nullable=False),
)

_EVENT_TYPES = {"at": sa.Double, "count": sa.BigInteger}

#: The audit trail; ids rise with time.
audit_event = sa.Table(
    "audit_event",
    metadata,
    sa.Column("id", _SEQUENCE, primary_key=True),
    *(sa.Column(name, _EVENT_TYPES.get(name, sa.Text), nullable=False) for name in AuditEvent._fields),
    sqlite_autoincrement=True,
)
# Each index is paid for by every token: those that grow at one end are cheap, one by client would not be
# (docs/storage.md has the measurement), so clients are indexed for what is not an issued token.
sa.Index("ix_audit_event_environment", audit_event.c.environment, audit_event.c.id)
sa.Index("ix_audit_event_environment_at", audit_event.c.environment, audit_event.c.at)
sa.Index("ix_audit_event_request_id", audit_event.c.request_id)
_rare = audit_event.c.outcome != "issued"
sa.Index(
    "ix_audit_event_client_not_issued",
    audit_event.c.client_id,
    audit_event.c.id,
    sqlite_where=_rare,
    postgresql_where=_rare,
)
