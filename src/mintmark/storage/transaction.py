"""The `Transaction` of the ports on a SQL connection: reads, writes, conflicts in words, and the change log.

Every write appends the subjects it touched before the transaction commits, so whoever sees the change sees its
position too. Conflicts are looked up first; the constraints of the tables hold when two nodes race.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa

from mintmark.authorization_server.ports import AuditQuery, Conflict, Transaction
from mintmark.storage import audit, changes, many, quotas, revocations
from mintmark.storage.rows import KEYS, decode, encode, is_storable, refuse_unstorable
from mintmark.storage.tables import TABLES, change_log, credential_use, host_alias, whole
from mintmark.storage.trail import Trail
from mintmark.values.audit_event import AuditEvent
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, MachineUser, SecretVersion
from mintmark.values.person import Person
from mintmark.values.revocation import Revocation, RevocationEntry, revocations_of
from mintmark.values.tenancy import Environment, Tenant

Record = TypeVar("Record")
Result = TypeVar("Result")


@cache
def _select(dialect: sa.Dialect, kind: type, names: tuple[str, ...]) -> str:
    """The SELECT by these fields in the driver's own words: compiled once, for it is most of what a read costs."""
    table = TABLES[kind]
    found = whole(kind).where(*(table.c[name] == sa.bindparam(name) for name in names))
    return str(found.order_by(*(table.c[name] for name in KEYS[kind])).compile(dialect=dialect))


def _named(record: object) -> str:
    kind = type(record)
    key = "/".join(str(getattr(record, name)) for name in KEYS[kind])
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).strip()
    return f"{words} '{key}'"


def perform(
    connection: sa.Connection, trail: Trail, work: Callable[[Transaction], Result]
) -> tuple[Result, bool]:
    """What `work` gives on a connection that may write, and whether it changed what caches hold.

    Its events are written last, together.
    """
    transaction = SqlTransaction(connection, trail)
    result = work(transaction)
    if transaction.noted:
        with contextlib.closing(connection.connection.cursor()) as cursor:
            trail.append(cursor, transaction.noted)
    return result, transaction.changed


class SqlTransaction:
    """One unit of work on `connection`. Without a `trail` every write is an error; with one, `perform` it."""

    def __init__(self, connection: sa.Connection, trail: Trail | None) -> None:
        self._connection = connection
        self._trail = trail
        self.noted: list[AuditEvent] = []
        self.changed = False

    def get(self, kind: type[Record], *key: str) -> Record | None:
        """The record of that type and key, or None."""
        names = KEYS[kind]
        if len(key) != len(names):
            raise TypeError(f"{kind.__name__} has the key {names}, not {len(key)} values")
        found = self._rows(kind, dict(zip(names, key, strict=True)))
        return decode(kind, found[0]) if found else None

    def find(self, kind: type[Record], **equal: str) -> list[Record]:
        """All records of that type whose fields equal these values, ordered by key."""
        return [decode(kind, row) for row in self._rows(kind, equal)]

    def add(self, record: object, *, now: float) -> None:
        """Insert. Raises Conflict when something unique is taken, KeyError when its parent does not exist.

        Raises ValueError, as `put` does, when a text in it cannot be stored.
        """
        self._writing()
        refuse_unstorable(record)
        if self._present(record) is not None:
            raise Conflict(f"The {_named(record)} exists already.")
        self._refuse_taken(record)
        self._guarded(record, lambda: self._insert(record))
        self._note(changes.subjects_of(record), now)

    def add_many(self, records: Sequence[object], *, now: float) -> None:
        """Insert records of one type, none of them an environment. Raises Conflict, without saying which."""
        self._writing()
        many.add(self._connection, records)
        subjects = dict.fromkeys(subject for record in records for subject in changes.subjects_of(record))
        self._note(tuple(subjects), now)

    def client_ids(self, environment: str, among: Sequence[str]) -> set[str]:
        """Which of these client ids the environment has."""
        return many.client_ids(self._connection, environment, among)

    def encoded_client_ids(self, environment: str) -> list[str]:
        """The client ids of an environment that hold ``%`` or ``+``."""
        return many.encoded_client_ids(self._connection, environment)

    def put(self, record: object, *, now: float) -> None:
        """Replace the record with the same key. Raises KeyError when there is none, Conflict as `add`."""
        self._writing()
        refuse_unstorable(record)
        self._refuse_taken(record)
        table = TABLES[type(record)]
        before = self._present(record)
        if isinstance(before, Client | Tenant) and isinstance(record, Client | Tenant):
            quotas.limit_changed(self._connection, before, record, now)
        changed = self._guarded(
            record,
            lambda: (
                self._connection.execute(
                    table.update().where(self._is(record)).values(**encode(record))
                ).rowcount
            ),
        )
        if not changed:
            raise KeyError(f"There is no {_named(record)}.")
        if isinstance(record, Environment):
            self._connection.execute(host_alias.delete().where(host_alias.c.environment == record.id))
            self._insert_hosts(record)
        self._note(changes.subjects_of(record), now)
        self._publish(before, record, now)

    def remove(self, record: object, *, now: float) -> None:
        """Delete the record and all that hangs below it; nothing happens when it is gone already."""
        self._writing()
        before = self._present(record)
        subjects = changes.subjects_of(record)
        match record:
            case Tenant():
                environments = self.find(Environment, tenant=record.handle)
                subjects += tuple(f"environment:{environment.id}" for environment in environments)
                people = TABLES[Person]
                self._connection.execute(people.delete().where(people.c.tenant == record.handle))
            case Environment():
                self._connection.execute(
                    credential_use.delete().where(credential_use.c.environment == record.id)
                )
            case Client():
                self._remove_tokens(record.environment, "client_id", record.client_id, now)
            case MachineUser():
                self._remove_tokens(record.environment, "user_id", record.id, now)
        self._connection.execute(TABLES[type(record)].delete().where(self._is(record)))
        self._note(subjects, now)
        self._publish(before, None, now)

    def forget(self, kind: type, *, created_before: float) -> None:
        """Delete the records of that type that were made before an instant; no cache holds them."""
        self._writing()
        table = TABLES[kind]
        self._connection.execute(table.delete().where(table.c.created_at < created_before))

    def revoke(self, environment: str, revocation: Revocation, *, now: float) -> None:
        """Publish a revocation that no record stands for: of one JWT. Raises KeyError without that environment."""
        self._writing()
        if revocations.append(self._connection, environment, revocation, now):
            self._note((changes.revocations_subject(environment),), now)

    def revocations_after(self, environment: str, seq: int) -> list[RevocationEntry]:
        """The kept entries of an environment's revocations behind `seq`, in order."""
        return revocations.after(self._connection, environment, seq)

    def audit(self, event: AuditEvent) -> None:
        """Append to the audit trail in this same transaction, when it ends."""
        self._writing()
        self.noted.append(audit.clean(event))

    def used(self, subject: str, day: int) -> int:
        """Tokens issued to a quota subject on a UTC day."""
        return quotas.used(self._connection, subject, day)

    def last_use(self, environment: str, credential_id: str) -> tuple[float, str] | None:
        """When and from which address a credential was last used, or None."""
        row = self._connection.execute(
            sa.select(credential_use.c.at, credential_use.c.peer).where(
                credential_use.c.environment == environment, credential_use.c.credential_id == credential_id
            )
        ).one_or_none()
        return None if row is None else (row[0], row[1])

    def events(self, query: AuditQuery) -> list[tuple[int, AuditEvent]]:
        """Audit events with their ids, by the filters of `query`."""
        return audit.search(self._connection, query)

    def mount_users(self, environment: str, mount: str, since: float) -> list[tuple[str, int, float]]:
        """(client id, tokens, last at) of who got tokens at a mount since then."""
        return audit.mount_users(self._connection, environment, mount, since)

    def tally(self, environment: str, since: int, span: int) -> list[tuple[int, str, str, str, int]]:
        """(beginning of the span, client id, outcome, reason, how many) of what was issued and refused since then."""
        return audit.tally(self._connection, environment, since, span)

    def position(self) -> int:
        """The newest position of the change log that this transaction sees."""
        return changes.position(self._connection)

    def changes_since(self, start: int) -> list[tuple[int, str]]:
        """(position, subject) of every change after the position `start`, in order."""
        return changes.since(self._connection, start)

    def clients_after(self, after: tuple[str, str], most: int) -> tuple[list[Client], list[SecretVersion]]:
        """The next clients behind the key (environment, client id), in order, and all of their secrets."""
        return many.clients_after(self._connection, after, most)

    def clients_at(self, keys: Sequence[tuple[str, str]]) -> tuple[list[Client], list[SecretVersion]]:
        """The clients with these keys (environment, client id), those that there are, and all of their secrets."""
        return many.clients_at(self._connection, keys)

    def _present(self, record: Any) -> object | None:
        """The stored record with the key of `record`."""
        kind = type(record)
        found: object | None = self.get(kind, *(getattr(record, name) for name in KEYS[kind]))
        return found

    def _publish(self, before: Any, after: object | None, now: float) -> None:
        """What the change revokes, in every environment that it touches."""
        for revocation in revocations_of(before, after):
            match before:
                case Tenant():
                    places = [environment.id for environment in self.find(Environment, tenant=before.handle)]
                case Environment():
                    places = [before.id]
                case _:
                    places = [before.environment]
            for place in places:
                self.revoke(place, revocation, now=now)

    def _writing(self) -> None:
        if self._trail is None:
            raise RuntimeError("this unit of work only reads: use Store.write")

    def _rows(self, kind: type, equal: dict[str, str]) -> Sequence[sa.Row[Any]]:
        if not all(is_storable(value) for value in equal.values()):
            return ()  # What cannot be stored is not there; a driver would stumble over it.
        statement = _select(self._connection.dialect, kind, tuple(equal))
        return self._connection.exec_driver_sql(statement, tuple(equal.values())).all()

    def _is(self, record: Any) -> sa.ColumnElement[bool]:
        table = TABLES[type(record)]
        return sa.and_(*(table.c[name] == getattr(record, name) for name in KEYS[type(record)]))

    def _refuse_taken(self, record: object) -> None:
        if isinstance(record, MachineUser):
            for other in self.find(MachineUser, environment=record.environment, username=record.username):
                if other.id != record.id:
                    raise Conflict(
                        f"The user name '{record.username}' is taken in the environment '{record.environment}'."
                    )
        elif isinstance(record, Environment):
            for environment in self.find(Environment, issuer=record.issuer):
                if environment.id != record.id:
                    raise Conflict(
                        f"The issuer '{record.issuer}' belongs to the environment '{environment.id}'."
                    )
            hosts = [alias.host for alias in record.hosts]
            if len(hosts) != len(set(hosts)):
                raise Conflict(f"The {_named(record)} names a host twice.")
            taken = self._connection.execute(
                sa.select(host_alias.c.host, host_alias.c.environment).where(
                    host_alias.c.host.in_(hosts), host_alias.c.environment != record.id
                )
            ).first()
            if taken is not None:
                raise Conflict(f"The host '{taken[0]}' belongs to the environment '{taken[1]}'.")

    def _insert(self, record: object) -> None:
        row = encode(record)
        if isinstance(record, Environment):
            row["id"] = record.id
        self._connection.execute(TABLES[type(record)].insert().values(**row))
        if isinstance(record, Environment):
            self._insert_hosts(record)

    def _insert_hosts(self, record: Environment) -> None:
        if record.hosts:
            self._connection.execute(
                host_alias.insert(),
                [{"host": alias.host, "environment": record.id} for alias in record.hosts],
            )

    def _guarded(self, record: object, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except sa.exc.IntegrityError as error:
            if "foreign" in str(error.orig).lower():
                raise KeyError(f"What the {_named(record)} belongs to does not exist.") from None
            raise Conflict(f"The {_named(record)} or a unique part of it exists already.") from None

    def _remove_tokens(self, environment: str, field: str, value: str, now: float) -> None:
        table = TABLES[ApiToken]
        theirs = sa.and_(table.c.environment == environment, table.c[field] == value)
        gone = sa.select(
            sa.literal("api_token:", sa.Text) + table.c.environment + "/" + table.c.id, sa.literal(now)
        ).where(theirs)
        self._connection.execute(change_log.insert().from_select(["subject", "at"], gone))
        self._connection.execute(table.delete().where(theirs))

    def _note(self, subjects: tuple[str, ...], now: float) -> None:
        changes.append(self._connection, subjects, now)
        self.changed = self.changed or bool(subjects)
