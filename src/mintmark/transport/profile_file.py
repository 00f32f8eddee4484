"""The user's saved profiles: one TOML file of mode 0600 in the configuration directory, replaced as a whole under a
lock.

Reading is cheap and light to import, because `mintmark token` does it at each start. A file that others may write, or
read although it holds a secret, is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mintmark.client.errors import Misconfigured
from mintmark.client.profile_entry import ProfileEntry, read_entry
from mintmark.values.secret import Secret

LARGEST = 1 << 20


def configuration_directory() -> Path:
    """The user's configuration directory for us (XDG Base Directory Specification: ``$XDG_CONFIG_HOME``)."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(home) if home.startswith("/") else Path("~/.config").expanduser()) / "mintmark"


class ProfileFile:
    """The profiles at `path`. Every method raises Misconfigured, whose sentence names the file and no value."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or configuration_directory() / "profiles.toml"

    def all(self) -> dict[str, ProfileEntry]:
        """Every profile, by name."""
        return {name: self._entry(name, table) for name, table in sorted(self._load().items())}

    def get(self, name: str) -> ProfileEntry:
        """The profile of that name."""
        tables = self._load()
        if name not in tables:
            known = ", ".join(sorted(tables)) or "none"
            raise Misconfigured(f"there is no profile '{name}'; there are: {known} ({self.path})")
        return self._entry(name, tables[name])

    def put(self, entry: ProfileEntry, *, replace: bool = False) -> None:
        """Save a profile; one of that name is replaced only when asked for."""
        with self._changing() as tables:
            if entry.name in tables and not replace:
                raise Misconfigured(
                    f"there is a profile '{entry.name}' already: take another name, or --replace"
                )
            tables[entry.name] = entry.table()

    def remove(self, name: str) -> ProfileEntry:
        """Forget a profile and return what it was."""
        entry = self.get(name)
        with self._changing() as tables:
            tables.pop(name, None)
        return entry

    def _entry(self, name: str, table: object) -> ProfileEntry:
        try:
            return read_entry(name, table)
        except Misconfigured as fault:
            raise Misconfigured(f"{self.path}: {fault.sentence}") from None

    def _load(self) -> dict[str, object]:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        except OSError as fault:
            raise Misconfigured(f"{self.path} cannot be read: {fault.strerror}") from None
        try:
            with os.fdopen(descriptor, "rb") as file:
                seen = os.fstat(file.fileno())
                data = file.read(LARGEST + 1)
            if seen.st_uid not in (os.getuid(), 0) or stat.S_IMODE(seen.st_mode) & 0o022:
                raise Misconfigured(f"{self.path} can be written by others: chmod 600 it, and be its owner")
            if len(data) > LARGEST:
                raise Misconfigured(f"{self.path} is too large")
            tables = tomllib.loads(data.decode())
        except OSError as fault:
            raise Misconfigured(f"{self.path} cannot be read: {fault.strerror}") from None
        except tomllib.TOMLDecodeError as fault:
            place = str(fault).rpartition("(at ")[2].rstrip(")")
            raise Misconfigured(f"{self.path} is not TOML: see {place}") from None
        except (ValueError, RecursionError):
            raise Misconfigured(f"{self.path} is not TOML in UTF-8") from None
        if stat.S_IMODE(seen.st_mode) & 0o077 and any(
            isinstance(read_entry(name, table).table().get(key), Secret)
            for name, table in tables.items()
            for key in (table if isinstance(table, Mapping) else ())
        ):
            raise Misconfigured(f"{self.path} holds a secret and can be read by others: chmod 600 it")
        return tables

    @contextmanager
    def _changing(self) -> Iterator[dict[str, object]]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(
                self.path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                tables = self._load()
                yield tables
                self._store(tables)
            finally:
                os.close(lock)
        except OSError as fault:
            raise Misconfigured(f"{self.path} cannot be written: {fault.strerror}") from None

    def _store(self, tables: Mapping[str, object]) -> None:
        text = "\n".join(_written(name, table) for name, table in sorted(tables.items()))
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def _written(name: str, table: object) -> str:
    lines = [f"[{_key(name)}]"]
    if isinstance(table, Mapping):
        lines += [f"{_key(str(key))} = {_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(str(key))} = {_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return _quoted(value.reveal() if isinstance(value, Secret) else str(value))


def _quoted(text: str) -> str:
    """A TOML basic string, which serves as a key, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(text: str) -> str:
    """A key, bare where it may be (TOML 1.0, "Keys")."""
    return text if text.isascii() and text.replace("-", "").replace("_", "").isalnum() else _quoted(text)
