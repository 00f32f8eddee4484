"""PostgreSQL, for any number of nodes: writers take turns by an advisory lock, readers see one snapshot each.

A transaction that writes begins with the lock and reads as of each statement (READ COMMITTED), so it sees all that was
committed before its turn; the server lets go of the lock only after the commit is on disk and visible. Nothing waits
for ever: not for a connection, an answer, a lock, or a node that went away with the lock in its hands.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql

from mintmark.storage.database import ASIDE, WRITES, Database
from mintmark.storage.engines.partitions import Partitions
from mintmark.storage.tables import metadata

Result = TypeVar("Result")

#: The lock of whoever writes, one in each database; and the channel on which changes are announced.
TURN, CHANNEL = 0x6D696E746D61726B, "mintmark_changes"
#: Seconds until a connection stands, and until a statement is answered, whatever happens to the path in between.
CONNECT_PATIENCE, ANSWER_PATIENCE = 4, 15.0
#: Seconds for an answer where somebody takes time.
LEISURE = 3600.0
#: In the session: a statement, a lock, and a transaction that is left open are ended by the server.
_LIMITS = {
    "statement_timeout": "12s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "8s",
    # The server's own looks whether a node is still there.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_SESSION = ";".join(f"SET {name} = '{value}'" for name, value in _LIMITS.items()) + (
    # A commit is on disk before a token leaves, whatever the server's default is.
    ";SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
_BEGIN = {
    True: f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({TURN})",
    ASIDE: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = 'off'",
    False: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}
_READY_NONE = 0


class PostgresDatabase(Database):
    """What `open_postgres` opens."""

    mark = "%s"

    def __init__(self, engine: sa.Engine, name: str, audit_key: bytes, readers: int) -> None:
        super().__init__(engine, name, audit_key, readers)
        self.layout = Partitions()

    def rows(self, table: str, names: Sequence[str], after: str = "") -> Arrays:
        """One statement for any number of rows."""
        return Arrays(table, names, after)

    def announce(self, connection: sa.Connection) -> None:
        """Notify, with the commit."""
        connection.exec_driver_sql(f"NOTIFY {CHANNEL}")

    def renumber(self, connection: sa.Connection) -> None:
        """The sequences know nothing of numbers that were given, nor the partitions of what came: all of it is read."""
        self.take_time(connection)
        for table, column in (("change_log", "seq"), ("audit_event", "id")):
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), coalesce(max({column}), 0) + 1, false)"  # noqa: S608
                f" FROM {table}"
            )
        self.layout.settle(connection)

    def take_time(self, connection: sa.Connection) -> None:
        """Until the transaction ends; the driver, until the connection is given back."""
        driver: Any = connection.connection.driver_connection
        driver.patience = LEISURE
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")

    def now(self, connection: sa.Connection) -> float:
        """The server's."""
        return float(
            connection.exec_driver_sql(
                "SELECT extract(epoch FROM clock_timestamp())::double precision"
            ).scalar_one()
        )

    def size(self, connection: sa.Connection) -> int:
        """As the server counts."""
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())

    @contextlib.contextmanager
    def following(self, wake: Callable[[], object]) -> Iterator[bool]:
        """Listen on a connection and a thread of its own; whenever it breaks, a new one is made."""
        over = threading.Event()
        thread = threading.Thread(
            target=_listen, args=(self, wake, over), name="mintmark-listen", daemon=True
        )
        thread.start()
        try:
            yield True
        finally:
            over.set()
            thread.join()


class Arrays:
    """INSERT ... SELECT from one array for each column: one statement, planned once, for any number of rows."""

    def __init__(self, table: str, names: Sequence[str], after: str) -> None:
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        columns = metadata.tables[table].c
        types = [columns[name].type.compile(dialect) for name in names]
        arrays = ", ".join(f"%s::{column_type}[]" for column_type in types)
        self._texts = [column_type == "TEXT" for column_type in types]
        self._statement = f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM unnest({arrays}) {after}"  # noqa: S608

    def write(self, cursor: Any, rows: Sequence[tuple[Any, ...]], each: Callable[[], object] = int) -> None:
        """Insert `rows`."""
        if rows:
            columns = zip(*rows, strict=True)
            literals = [
                (text_array if text else plain_array)(column)
                for text, column in zip(self._texts, columns, strict=True)
            ]
            cursor.execute(self._statement, literals)
            each()


def text_array(values: Sequence[str | None]) -> str:
    """The literal of a text[]."""
    try:
        inside = '","'.join(values)  # type: ignore[arg-type]
    except TypeError:
        return (
            "{" + ",".join("NULL" if value is None else text_array((value,))[1:-1] for value in values) + "}"
        )
    if "\\" in inside or inside.count('"') != 2 * (len(values) - 1):
        inside = '","'.join([value.replace("\\", "\\\\").replace('"', '\\"') for value in values])  # type: ignore[union-attr]
    return f'{{"{inside}"}}'


def plain_array(values: Sequence[object]) -> str:
    """The literal of an array of numbers or truth values."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


class _Connection(psycopg.Connection[Any]):
    """A connection that waits for no answer longer than `ANSWER_PATIENCE`, even when the server only stands still.

    `patience`: seconds instead, where they were set.
    """

    patience: float | None = None

    def wait(self, gen: Generator[Any, Any, Result], *args: Any, **more: Any) -> Result:
        """As its parent, within that time."""
        patience = ANSWER_PATIENCE if self.patience is None else self.patience
        return super().wait(_within(gen, time.monotonic() + patience, self), *args, **more)


def _within(
    gen: Generator[Any, Any, Result], deadline: float, connection: _Connection
) -> Generator[Any, Any, Result]:
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready == _READY_NONE and time.monotonic() >= deadline:
                connection.pgconn.finish()
                patience = connection.patience or ANSWER_PATIENCE
                raise psycopg.OperationalError(f"there was no answer within {patience:.0f} seconds")
            wanted = gen.send(ready)
    except StopIteration as end:
        result: Result = end.value
        return result


def open_postgres(
    place: sa.URL | str, audit_key: bytes = b"", *, password: str | None = None, readers: int = 2
) -> PostgresDatabase:
    """The database at `place` (``postgresql://user@host:port/name?sslmode=...``), whose tables are in the first schema
    of the role's search path. Nothing is asked of it yet.

    `audit_key`: as `Database` has it. `password`: None: as libpq finds it. Raises ValueError when `place` is malformed.
    """
    try:
        url = sa.make_url(place)
    except sa.exc.ArgumentError:
        raise ValueError("it must be a URL such as postgresql://mintmark@db.example.com/mintmark") from None
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        paramstyle="format",
        hide_parameters=True,
        pool_size=readers + 2,
        max_overflow=2,
        pool_timeout=5,
        pool_use_lifo=True,
        pool_pre_ping=True,
        use_native_hstore=False,
        connect_args={
            # We say when a transaction begins and how; the driver's own BEGIN would be one more round trip.
            "autocommit": True,
            "connect_timeout": CONNECT_PATIENCE,
            "keepalives": 1,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            "application_name": "mintmark",
            **({} if password is None else {"password": password}),
        },
    )

    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql(_BEGIN[writes], execution_options={"no_parameters": True})

    def connect(_dialect: object, _record: object, arguments: Any, named: Any) -> _Connection:
        return _Connection.connect(*arguments, **named)

    def configure(connection: _Connection, _record: object) -> None:
        connection.execute(_SESSION, prepare=False)

    def given_back(connection: _Connection | None, _record: object) -> None:
        if connection is not None:
            connection.patience = None

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
    event.listen(engine, "checkin", given_back)
    return PostgresDatabase(engine, url.render_as_string(hide_password=True), audit_key, readers)


def _listen(database: PostgresDatabase, wake: Callable[[], object], over: threading.Event) -> None:
    while not over.is_set():
        try:
            with contextlib.closing(database.engine.raw_connection()) as pooled:
                connection: Any = pooled.driver_connection
                pooled.detach()
                with connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    wake()  # What was announced before is caught up with.
                    while not over.is_set():
                        if any(True for _ in connection.notifies(timeout=0.5, stop_after=1)):
                            wake()
        except (psycopg.Error, sa.exc.SQLAlchemyError):
            over.wait(0.5)
