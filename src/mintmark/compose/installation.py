"""An installation: its settings, keys, database and dialects, opened for a server or for administration.

Whatever a person can mend (a missing file, a wrong key, another schema) is a `UsageFault` with one sentence.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mintmark.authorization_server.administration import Act
from mintmark.authorization_server.administration.key_schedule import KeySchedule
from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.cli.services import UsageFault
from mintmark.config import Settings
from mintmark.crypto.seal import NONCE_BYTES, Seal, derive
from mintmark.crypto.secret_hash import hash_password
from mintmark.dialect import Catalogue, DialectFault, catalogue
from mintmark.jose.keyring import Keyring, SigningKeyLife
from mintmark.storage import key_encryption_key, schema, sealing_key
from mintmark.storage.database import Database
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.key_encryption_key import KeyUnavailable
from mintmark.storage.store import SqlStore
from mintmark.values.secret import set_fingerprint_key
from mintmark.values.tenancy import SigningKey


@dataclass(frozen=True, slots=True)
class Keys:
    """Derived from the key-encryption key. `secrets`: keys the hash of generated secrets. `audit`: keys the links of
    the audit trail. `backup`: seals backups.
    """

    secrets: bytes = field(repr=False)
    seal: Seal = field(repr=False)
    audit: bytes = field(repr=False)
    backup: bytes = field(repr=False)

    @classmethod
    def derived(cls, key: bytes) -> Keys:
        """From the 32 bytes; masks in logs carry their fingerprint from now on."""
        set_fingerprint_key(derive(key, "fingerprint"))
        return cls(
            derive(key, "secrets"), Seal(derive(key, "seal")), derive(key, "audit"), derive(key, "backup")
        )

    def sealed(self, plain: bytes, context: str) -> str:
        """`plain` sealed for `context`, with a fresh nonce."""
        return self.seal.seal(plain, context, os.urandom(NONCE_BYTES))

    def keyring(self, records: Sequence[SigningKey]) -> Keyring:
        """The loaded keys of an environment. Raises Unsealable, KeyFault."""
        return Keyring(
            tuple(
                SigningKeyLife.load(
                    record,
                    self.seal.unseal(record.sealed, f"signing_key:{record.environment}/{record.kid}"),
                )
                for record in records
            )
        )


@dataclass(frozen=True, slots=True)
class Installation:
    """Open until its context ends."""

    settings: Settings
    keys: Keys
    database: Database
    store: SqlStore
    dialects: Catalogue

    @property
    def schedule(self) -> KeySchedule:
        """Of its signing keys."""
        return KeySchedule(self.settings.signing_key_publish_ahead, self.settings.signing_key_signs_for)

    def act(self, actor: str, request_id: str = "", peer: str = "") -> Act:
        """An act of administration by `actor`, at the present time."""
        return Act(
            now=int(time.time()),
            actor=actor,
            entropy=os.urandom,
            secret_key=self.keys.secrets,
            seal=self.keys.sealed,
            hash_password=lambda password: hash_password(password, os.urandom),
            request_id=request_id,
            peer=peer,
        )


def read_key(source: str) -> bytes:
    """The key-encryption key from where the setting says. Raises UsageFault."""
    kind, _, rest = source.partition(":")
    try:
        if kind == "file" and rest:
            return key_encryption_key.from_file(Path(rest))
        if kind == "env" and rest:
            return key_encryption_key.from_environment(rest, os.environ)
        if kind == "command" and rest:
            return key_encryption_key.from_command(shlex.split(rest))
    except (KeyUnavailable, ValueError) as fault:
        raise UsageFault(str(fault)) from None
    raise UsageFault(
        "key_encryption_key: it must be file:PATH, env:NAME or command:PROGRAM ARGUMENTS; "
        "the key itself does not belong in the settings"
    )


def read_dialects(directory: Path | None) -> Catalogue:
    """The shipped dialects, and the operator's own from `directory`. Raises UsageFault."""
    if directory is not None and not directory.is_dir():
        raise UsageFault(f"dialects: {directory} is not a directory")
    try:
        paths = sorted(directory.glob("*.toml")) if directory is not None else []
        return catalogue([(str(path), path.read_text("utf-8")) for path in paths])
    except (DialectFault, OSError, UnicodeDecodeError) as fault:
        raise UsageFault(f"dialects: {fault}") from None


def open_database(settings: Settings, audit_key: bytes = b"") -> Database:
    """The database that the settings name; nothing is asked of it yet. Raises UsageFault."""
    return open_database_at(settings.database, settings.database_password, audit_key)


def open_database_at(place: Path | str, password_from: str, audit_key: bytes = b"") -> Database:
    """The database at a place as the setting `database` says it. Raises UsageFault."""
    if isinstance(place, Path):
        return open_sqlite(place, audit_key)
    try:
        from mintmark.storage.engines.postgres import open_postgres
    except ImportError:
        raise UsageFault("PostgreSQL needs a driver: pip install 'mintmark[postgres]'") from None
    try:
        return open_postgres(place, audit_key, password=read_password("database_password", password_from))
    except ValueError as fault:
        raise UsageFault(f"database: {fault}") from None


def read_password(setting: str, source: str) -> str | None:
    """From where the setting says. Raises UsageFault."""
    kind, _, rest = source.partition(":")
    what = setting.replace("_", " ")
    try:
        match kind:
            case "":
                return None
            case "file" if rest:
                found = key_encryption_key.private_text(Path(rest), what).decode()
            case "env" if rest:
                found = os.environ.get(rest, "")
            case "command" if rest:
                found = key_encryption_key.printed(shlex.split(rest), what).decode()
            case _:
                raise UsageFault(f"{setting}: it must be file:PATH, env:NAME or command:PROGRAM ARGUMENTS")
    except (KeyUnavailable, ValueError) as fault:
        raise UsageFault(f"{setting}: {fault}") from None
    if not found.strip():
        raise UsageFault(f"{setting}: there is no password at {kind}:{rest.split()[0]}")
    return found.rstrip("\r\n")


@contextmanager
def open_installation(
    settings: Settings, prepare: Callable[[Database], None] = schema.check
) -> Iterator[Installation]:
    """Open it; `prepare` looks after the schema.

    Raises UsageFault, also when the key-encryption key is not the one that the data was made with: nobody works
    with another, for what it hashed and sealed would be lost to the right one.
    """
    file = settings.database_file
    if prepare is schema.check and file is not None and not file.is_file():
        raise UsageFault(f"{file}: there is no database; `mintmark init` makes one")
    keys = Keys.derived(read_key(settings.key_encryption_key))
    dialects = read_dialects(settings.dialects)
    if prepare is schema.create and file is not None:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    database = open_database(settings, keys.audit)
    try:
        try:
            prepare(database)
            made_with = sealing_key.claim(database, keys.seal.key_id)
        except (schema.SchemaMismatch, StorageUnavailable) as fault:
            raise UsageFault(f"{settings.database}: {fault}") from None
        if made_with != keys.seal.key_id:
            raise UsageFault(
                f"{settings.database}: this was made with the key-encryption key {made_with}, not with the present "
                f"one, {keys.seal.key_id}: configure the key that the data was made with."
            )
        yield Installation(settings, keys, database, SqlStore(database), dialects)
    finally:
        database.close()
