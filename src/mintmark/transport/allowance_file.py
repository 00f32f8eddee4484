"""The small file that remembers, across restarts, what vendors said is left of their tokens: counts, never tokens.

One JSON file of mode 0600 in the user's state directory, replaced as a whole under a lock, shared by all processes of
the user. Who is counted is written as a keyed hash. Whatever goes wrong here costs memory, never a token.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mintmark.client.allowance import Allowance

logger = logging.getLogger("mintmark.client")
LARGEST = 1 << 20
MOST_IDENTITIES = 1000
_LOCK_LIMIT = 1.0


class AllowanceFile:
    """The ledger at `path`; implements `client.means.AllowanceLedger`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._complained = False

    def read(self, identity: str) -> tuple[Allowance, ...]:
        """What is known of this identity's allowances; nothing when the file is missing or damaged."""
        try:
            table = self._load()
        except OSError as fault:
            self._complain(fault)
            return ()
        return _allowances(table.get(_key(table, identity)))

    def spend(self, identity: str, now: float) -> None:
        """Every allowance that has not yet been reset shrinks by one."""
        known = self.read(identity)
        if known:
            with self._changing() as table:
                key = _key(table, identity)
                left = [item.spent(now) for item in _allowances(table.get(key)) if now < item.resets_at]
                table[key] = [_plain(item) for item in left]

    def write(self, identity: str, allowances: tuple[Allowance, ...]) -> None:
        """Replace what was known under the same names."""
        with self._changing() as table:
            key = _key(table, identity)
            known = {item.name: item for item in _allowances(table.get(key))}
            known |= {item.name: item for item in allowances}
            table[key] = [_plain(item) for item in known.values()]

    def _load(self) -> dict[str, object]:
        try:
            with self._path.open("rb") as file:
                data = file.read(LARGEST)
            table = json.loads(data)
        except FileNotFoundError:
            table = {}
        except (ValueError, RecursionError):
            table = {}
        return table if isinstance(table, dict) else {}

    @contextmanager
    def _changing(self) -> Iterator[dict[str, object]]:
        """The file's content; what the block makes of it is written. A fault is logged once and otherwise ignored."""
        table: dict[str, object] = {}
        yielded = False
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(
                self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            try:
                _take(lock)
                table = self._load()
                if not isinstance(table.get("key"), str):
                    table = {"key": os.urandom(32).hex()}
                yielded = True
                yield table
                self._store(table)
            finally:
                os.close(lock)
        except OSError as fault:
            self._complain(fault)
            if not yielded:
                yield {"key": ""}

    def _store(self, table: dict[str, object]) -> None:
        while len(table) > MOST_IDENTITIES:
            del table[next(name for name in table if name != "key")]
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with suppress(FileNotFoundError):
            beside.unlink()
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                json.dump(table, file)
            beside.replace(self._path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise

    def _complain(self, fault: OSError) -> None:
        if not self._complained:
            self._complained = True
            logger.warning("what vendors say is left is not remembered: %s: %s", self._path, fault.strerror)


def _take(lock: int) -> None:
    """Lock the file, waiting a second at most; OSError after that."""
    ends_by = time.monotonic() + _LOCK_LIMIT
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= ends_by:
                raise
            time.sleep(0.005)


def _key(table: dict[str, object], identity: str) -> str:
    key = str(table.get("key", "")).encode()
    return hmac.new(key, identity.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


def _plain(allowance: Allowance) -> dict[str, object]:
    return {
        "name": allowance.name,
        "limit": allowance.limit,
        "remaining": allowance.remaining,
        "resets_at": allowance.resets_at,
        "asked_at": allowance.asked_at,
    }


def _allowances(value: object) -> tuple[Allowance, ...]:
    found = []
    for item in value if isinstance(value, list) else ():
        try:
            found.append(
                Allowance(
                    str(item["name"]),
                    int(item["limit"]),
                    int(item["remaining"]),
                    float(item["resets_at"]),
                    float(item["asked_at"]),
                )
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return tuple(found)
