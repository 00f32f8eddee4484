"""One database for a process: its engine, one thread that writes, a few that read, and what counts as unavailable.

Units of work run on these threads with a synchronous connection, so that a whole transaction costs the event loop
one hop and no lock is ever held across an await. A connection that failed is thrown away, never reused. What each
database does in its own way is in `engines/`.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Protocol, TypeVar

import sqlalchemy as sa

from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.storage.layout import Layout

Result = TypeVar("Result")

#: Execution option: this transaction will write, so it waits for its turn when it begins, not half-way.
WRITES = "mintmark_writes"
#: Its value for what is written beside all turns and may be lost in a crash: nothing that a token depends on.
ASIDE = "aside"


class Rows(Protocol):
    """An INSERT of any number of rows into one table, prepared once."""

    def write(self, cursor: Any, rows: Sequence[tuple[Any, ...]], each: Callable[[], object] = int) -> None:
        """Insert `rows`, in their order; `each` is called after each statement, to fetch what it returns."""


class Database(ABC):
    """An engine with its threads. Close it last: `close` waits for what runs.

    Transactions that write run one after another, over all processes, and each sees what the one before has committed;
    so what they append to the change log and to the audit trail stands in the order of their commits.
    `aside_engine`: an engine may give it connections of its own.
    `name`: what people are told of it. `mark`: a placeholder in a statement of the driver's.
    `layout`: how it lays out the audit trail.
    `audit_key`: 32 bytes that the links of the audit trail are made with (crypto/audit_chain.py); without them no
    event can be written.
    """

    mark: ClassVar[str]
    layout: Layout

    def __init__(self, engine: sa.Engine, name: str, audit_key: bytes, readers: int) -> None:
        self.engine = engine
        self.name = name
        self.audit_key = audit_key
        self.write_engine = engine.execution_options(**{WRITES: True})
        self.aside_engine: sa.Engine = engine.execution_options(**{WRITES: ASIDE})
        self.writer = ThreadPoolExecutor(1, thread_name_prefix="mintmark-write")
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="mintmark-read")

    @abstractmethod
    def rows(self, table: str, names: Sequence[str], after: str = "") -> Rows:
        """What inserts into these columns. `after`: what stands behind the rows, such as ON CONFLICT."""

    @abstractmethod
    def announce(self, connection: sa.Connection) -> None:
        """Called in a transaction that appended to the change log: wake who follows it, once it is committed."""

    @abstractmethod
    def renumber(self, connection: sa.Connection) -> None:
        """Called where rows came with their numbers: let the next ones follow them."""

    @abstractmethod
    def take_time(self, connection: sa.Connection) -> None:
        """What follows in this transaction may read whole tables: a statement may take an hour."""

    @abstractmethod
    def now(self, connection: sa.Connection) -> float:
        """The database's clock, in seconds since the epoch."""

    @abstractmethod
    def size(self, connection: sa.Connection) -> int:
        """Bytes that it takes on its disk."""

    @contextlib.contextmanager
    def following(self, wake: Callable[[], object]) -> Iterator[bool]:
        """While it lasts, `wake` is called on some thread after commits of other processes that changed something.

        Gives whether it is, when all goes well: whoever follows the change log looks at it now and then in any case.
        """
        del wake
        yield False

    async def read(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` on a reading thread against one snapshot. Raises StorageUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.reading, work)

    async def write(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` on the writing thread in one durable transaction. Raises StorageUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self.writer, self.writing, work)

    async def write_aside(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` on a reading thread in a transaction that takes no turn. Raises StorageUnavailable, which costs
        nobody else a connection.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._written, self.aside_engine, work)

    def reading(self, work: Callable[[sa.Connection], Result]) -> Result:
        """As `read`, on the calling thread."""
        with unavailable_as_such(), self.engine.connect() as connection, connection.begin():
            return work(connection)

    def writing(self, work: Callable[[sa.Connection], Result]) -> Result:
        """As `write`, on the calling thread."""
        return self._written(self.write_engine, work)

    def _written(self, engine: sa.Engine, work: Callable[[sa.Connection], Result]) -> Result:
        with unavailable_as_such(), engine.connect() as connection:
            try:
                with connection.begin():
                    return work(connection)
            except (sa.exc.OperationalError, sa.exc.InternalError):
                connection.invalidate()
                if engine is self.write_engine:
                    self.forget_connections()
                raise

    def forget_connections(self) -> None:
        """After a failed write: begin with new connections, for one opened while a file could only be read stays so."""
        self.engine.dispose()

    def close(self) -> None:
        """Let running work end, then close every connection."""
        self.writer.shutdown()
        self._readers.shutdown()
        self.engine.dispose()
        self.aside_engine.dispose()


@contextlib.contextmanager
def unavailable_as_such() -> Iterator[None]:
    """Turn what a driver raises when nothing can be read or written into StorageUnavailable, in one sentence."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except (sa.exc.OperationalError, sa.exc.InternalError, sa.exc.TimeoutError) as error:
        raise StorageUnavailable(sentence_of(getattr(error, "orig", None) or error)) from None
    except sa.exc.DatabaseError as error:
        if type(error) is not sa.exc.DatabaseError:
            raise
        raise StorageUnavailable(sentence_of(error.orig or error)) from None


def sentence_of(error: BaseException) -> str:
    """What the database said, without statement and values."""
    said = str(error.args[0] if error.args else error).strip().splitlines()
    return f"The database cannot be used: {said[0].rstrip('.') if said else type(error).__name__}."
