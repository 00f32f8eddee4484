"""`mintmark backup` and `mintmark restore`: a sealed file with everything but the key-encryption key, and the way back.

A backup is put at its place when it is whole. A restore reads the backup to its end first, makes the database beside
its place, and then puts database and files where they belong: all of them, or none.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from mintmark import __version__
from mintmark.authorization_server.administration.act import audited
from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.cli.services import BackedUp, Failure, Progress, Restored, UsageFault
from mintmark.compose.installation import Keys, open_database, open_installation, read_key
from mintmark.compose.private_files import new_file, put_all, refuse_present, work_folder, write_private
from mintmark.config import ConfigFault, Settings, load_settings
from mintmark.crypto import sealed_stream
from mintmark.crypto.seal import Unsealable
from mintmark.storage import backup, schema
from mintmark.storage.backup import BackupFault, File, Head, Summary
from mintmark.storage.database import Database
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.store import SqlStore
from mintmark.values.audit_event import AuditEvent

#: What the configuration is called in a backup, and where a key is looked for without one.
CONFIG, KEY = "mintmark.toml", "mintmark.key"
#: Bytes of a file beside the database that a backup takes along, at most.
LARGEST_FILE = 1 << 20


def make(config: Path, target: Path, actor: str, progress: Progress) -> BackedUp:
    """Write a backup of an installation, which may be serving, to the new file `target`. Raises UsageFault."""
    settings = _settings(config)
    files, left_out = _beside(config.resolve(), settings)
    with open_installation(settings) as opened, new_file(target) as file:
        summary = opened.database.reading(
            partial(_write, opened.database, opened.keys, file, files, progress)
        )
        size = file.tell()
        detail = f"{summary.head.rows} rows, {len(files)} files, {size} bytes"
        act = opened.act(actor)
        asyncio.run(opened.store.write(lambda tx: audited(tx, act, "backup.make", detail=detail)))
    return _told(target, size, summary, left_out)


def _write(
    database: Database,
    keys: Keys,
    file: BinaryIO,
    files: list[File],
    progress: Progress,
    connection: sa.Connection,
) -> Summary:
    database.take_time(connection)
    database.layout.hold(connection)
    counts = backup.count(connection)
    head = Head(__version__, schema.REVISIONS[-1], int(time.time()), sum(counts.values()))
    blocks = backup.lines(connection, head, files, counts, progress)
    salt = os.urandom(sealed_stream.SALT_BYTES)
    for sealed in sealed_stream.seal(keys.backup, keys.seal.key_id, salt, backup.pieces(blocks)):
        file.write(sealed)
    return Summary(head, counts, [each.path for each in files])


def check(source: Path, config: Path, key_from: str | None, progress: Progress) -> BackedUp:
    """Read a backup to its end. Raises UsageFault, and Failure when it is not whole."""
    keys = _keys(config, key_from)
    with _reading(source) as file:
        summary = backup.check(_opened(keys, file), lambda _: None, progress)
        return _told(source, os.fstat(file.fileno()).st_size, summary)


def restore(source: Path, config: Path, key_from: str | None, actor: str, progress: Progress) -> Restored:
    """Make the database that `config` names, and the files beside it that are not there, from a backup.

    Without a file at `config` the backup's own is put there. Raises UsageFault, also when there is a database, and
    Failure when the backup is not whole.
    """
    keys = _keys(config, key_from)
    if not config.parent.is_dir():
        raise UsageFault(f"{config.parent}: there is no such folder; make it first")
    if config.exists():
        _refuse_present(_settings(config))
    files: dict[str, File] = {}
    with _reading(source) as file, contextlib.ExitStack() as stack:
        backup.check(
            _opened(keys, file),
            lambda each: files.update({each.path: each}),
            lambda n, all_: progress(n, 2 * all_),
        )
        settings = _settings(config) if config.exists() else _settings_of(files, config)
        _refuse_present(settings)
        file.seek(0)
        places = []
        if (target := settings.database_file) is None:
            summary = _fill(open_database(settings, keys.audit), keys, file, actor, progress)
        else:
            draft = stack.enter_context(work_folder(target.parent)) / "database"
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            summary = _fill(open_sqlite(draft, keys.audit), keys, file, actor, progress)
            places.append((draft, target))
        beside = stack.enter_context(work_folder(config.parent))
        there = []
        for number, each in enumerate(files.values()):
            place = config if each.path == CONFIG else config.parent / each.path
            if os.path.lexists(place):
                there.append(str(place))
            else:
                write_private(beside / str(number), each.content)
                places.append((beside / str(number), place))
        put_all(places)
    written = [str(place) for _, place in places]
    return Restored(str(settings.database), summary.head.made_at, summary.counts, written, there)


def _refuse_present(settings: Settings) -> None:
    """Raises UsageFault when the database is a file that is there; of others only an empty one is filled."""
    if settings.database_file is not None:
        refuse_present(settings.database_file)


def _fill(database: Database, keys: Keys, file: BinaryIO, actor: str, progress: Progress) -> Summary:
    """Restore into the empty `database`, and close it."""
    try:
        summary = backup.restore(
            database, _opened(keys, file), lambda done, whole: progress(whole + done, 2 * whole)
        )
        made_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(summary.head.made_at))
        event = AuditEvent(
            at=time.time(),
            kind="admin.backup.restore",
            outcome="done",
            actor=actor,
            detail=f"{summary.head.rows} rows as of {made_at}",
        )
        asyncio.run(SqlStore(database).write(lambda tx: tx.audit(event)))
        return summary
    except (schema.SchemaMismatch, StorageUnavailable) as fault:
        raise Failure(f"The backup cannot be restored: {fault}") from None
    finally:
        database.close()


def _opened(keys: Keys, file: BinaryIO) -> Iterator[bytes]:
    return sealed_stream.unseal(keys.backup, keys.seal.key_id, file.read)


def _told(path: Path, size: int, summary: Summary, left_out: list[str] | None = None) -> BackedUp:
    head = summary.head
    return BackedUp(
        path, size, head.made_at, head.program, head.schema, summary.counts, summary.files, left_out or ()
    )


def _settings(config: Path) -> Settings:
    try:
        return load_settings(config)
    except ConfigFault as fault:
        raise UsageFault(str(fault)) from None


def _settings_of(files: dict[str, File], config: Path) -> Settings:
    """What the backup's own configuration says when it stands at `config`."""
    draft = config.with_name(f".{config.name}.{os.getpid()}.restoring")
    try:
        write_private(draft, files[CONFIG].content)
        return _settings(draft)
    except KeyError:
        raise UsageFault(f"{config}: there is no such file, and the backup has none either") from None
    finally:
        draft.unlink(missing_ok=True)


def _keys(config: Path, key_from: str | None) -> Keys:
    """Of the place that was named, else of the configuration, else of the key's file beside where it will stand."""
    if key_from is not None:
        return Keys.derived(read_key(key_from))
    if config.exists():
        return Keys.derived(read_key(_settings(config).key_encryption_key))
    beside = config.parent / KEY
    if not beside.exists():
        raise UsageFault(
            f"{config}: there is no such file, and no {KEY} beside it: say where the key-encryption key is with "
            "--key-from"
        )
    return Keys.derived(read_key(f"file:{beside}"))


def _beside(config: Path, settings: Settings) -> tuple[list[File], list[str]]:
    """The configuration and the files that it names in its folder, and those that it names elsewhere."""
    taken, left_out = [File(CONFIG, _content(config))], []
    named = [Path(os.path.normpath(value)) for _, value in settings if isinstance(value, Path)]
    if settings.database_file is not None:
        named.remove(Path(os.path.normpath(settings.database_file)))
    if settings.dialects is not None:
        named.remove(Path(os.path.normpath(settings.dialects)))
        named += sorted(Path(os.path.normpath(settings.dialects)).glob("*.toml"))
    for path in dict.fromkeys(named):
        if path.is_relative_to(config.parent):
            taken.append(File(path.relative_to(config.parent).as_posix(), _content(path)))
        else:
            left_out.append(str(path))
    return taken, left_out


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as fault:
        raise UsageFault(f"{path}: this cannot be read for the backup: {fault.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise UsageFault(f"{path}: a backup takes files of at most {LARGEST_FILE} bytes along")
    return content


@contextlib.contextmanager
def _reading(source: Path) -> Iterator[BinaryIO]:
    try:
        file = source.open("rb")
    except OSError as fault:
        raise UsageFault(f"{source}: the backup cannot be read: {fault.strerror}") from None
    with file:
        try:
            yield file
        except (Unsealable, BackupFault) as fault:
            raise Failure(f"{source}: {fault}") from None
