"""`mintmark init` and `mintmark migrate`: what stands before a server can be started, made all or nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path

from mintmark.authorization_server.administration import AdministrationFault, imported_secrets, people
from mintmark.authorization_server.ports import StorageUnavailable, Transaction
from mintmark.cli.services import Initialised, InitOptions, Migrated, UsageFault
from mintmark.compose import operators
from mintmark.compose.config_text import commented_toml
from mintmark.compose.demo import is_demo_directory
from mintmark.compose.installation import Installation, open_database, open_installation
from mintmark.compose.private_files import private_directory, write_private
from mintmark.config import ConfigFault, Settings, load_settings
from mintmark.storage import key_encryption_key, schema
from mintmark.storage.engines.sqlite import SqliteDatabase
from mintmark.values.secret import Secret
from mintmark.web.loopback import listen_for

CONFIG, DATABASE, KEY = "mintmark.toml", "mintmark.db", "mintmark.key"


def init(options: InitOptions) -> Initialised:
    """Write configuration, key and database with the first operator, or nothing. Raises UsageFault."""
    directory = options.directory
    files = (CONFIG, KEY) if options.database else (CONFIG, DATABASE, KEY)
    for name in files:
        if (directory / name).exists():
            raise UsageFault(f"{directory / name}: this exists already; nothing was changed")
    if is_demo_directory(directory):
        raise UsageFault(f"{directory}: this is a demo's directory; choose another")
    private_directory(directory)
    work = Path(tempfile.mkdtemp(prefix=".mintmark-init-", dir=directory))
    try:
        password = _make(work, options)
        moved: list[Path] = []
        try:
            for name in reversed(files):
                os.link(work / name, directory / name)
                moved.append(directory / name)
        except OSError as fault:
            for path in moved:
                path.unlink()
            raise UsageFault(f"{directory}: the files cannot be put there: {fault.strerror}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Initialised(tuple(moved), options.operator, None if options.password else password)


def _make(work: Path, options: InitOptions) -> Secret:
    try:
        values = {
            "public_url": options.public_url,
            "database": options.database or DATABASE,
            "key_encryption_key": f"file:{KEY}",
        }
        if options.database_password:
            kind, _, rest = options.database_password.partition(":")
            absolute = f"file:{Path(rest).expanduser().resolve()}"
            values["database_password"] = absolute if kind == "file" else options.database_password
        listen = listen_for(options.public_url)
        if listen is not None:
            values["listen"] = listen
        write_private(work / CONFIG, commented_toml(values))
        settings = load_settings(work / CONFIG)
    except ConfigFault as fault:
        raise UsageFault(str(fault).replace(f"{work}{os.sep}", "")) from None
    key_encryption_key.create_file(work / KEY, os.urandom)
    if options.database:
        _refuse_used(settings)
    with open_installation(settings, schema.create) as installation:
        try:
            return asyncio.run(_first_operator(installation, options))
        except AdministrationFault as fault:
            raise UsageFault(str(fault)) from None


def _refuse_used(settings: Settings) -> None:
    """A database that has tables belongs to an installation, whose key is not the one that was just made."""
    database = open_database(settings)
    try:
        if schema.state(database) != "empty":
            raise UsageFault(
                f"{database.name}: an installation is there already; a further node takes a copy of its configuration "
                "and key"
            )
    except StorageUnavailable as fault:
        raise UsageFault(f"{database.name}: {fault}") from None
    finally:
        database.close()


async def _first_operator(installation: Installation, options: InitOptions) -> Secret:
    act = installation.act("init")
    password = options.password or imported_secrets.new_password(act)
    digest = imported_secrets.password_digest(act, password)

    def work(tx: Transaction) -> None:
        people.create_first(tx, act, username=options.operator, digest=digest)
        operators.make(tx, act, installation.settings.public_url, installation.dialects)

    await installation.store.write(work)
    return password


def migrate(settings: Settings, *, no_backup: bool = False) -> Migrated:
    """Bring the database's schema up to this program's, with a copy of a file beside it first. Raises UsageFault.

    `no_backup`: that of a PostgreSQL database somebody else has made one.
    """
    file = settings.database_file
    if file is not None and not file.is_file():
        raise UsageFault(f"{file}: there is no database; `mintmark init` makes one")
    if file is not None and no_backup:
        raise UsageFault("--no-backup is for PostgreSQL: a file is always copied first")
    database = open_database(settings)
    backup: Path | None = None
    if file is not None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        backup = file.with_name(f"{file.name}.{stamp}.backup")

    def back_up() -> None:
        if isinstance(database, SqliteDatabase) and backup is not None:
            database.back_up(backup)
        elif not no_backup:
            raise UsageFault(
                f"{database.name}: a PostgreSQL database is not backed up by this command: make a backup, as with "
                f"`pg_dump --format=custom --file=mintmark.dump {database.name}`, then repeat it with --no-backup"
            )

    try:
        before = schema.state(database)
        done = schema.migrate(database, back_up)
    except FileExistsError:
        raise UsageFault(f"{backup}: this backup exists already; wait a second and try again") from None
    except (schema.SchemaMismatch, StorageUnavailable) as fault:
        raise UsageFault(f"{database.name}: {fault}") from None
    finally:
        database.close()
    after = schema.REVISIONS[-1]
    if not done:
        return Migrated(after, after)
    return Migrated(before, after, backup if backup is not None and backup.exists() else None)
