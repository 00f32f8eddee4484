"""The command line as a person meets it, on an installation in a temporary folder."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import typer.testing
from typer.testing import CliRunner

from mintmark.authorization_server.administration import Act
from mintmark.authorization_server.administration.access import Principal
from mintmark.cli.main import build_app
from mintmark.cli.services import (
    Administration,
    BackedUp,
    Backups,
    DemoOptions,
    GuardOptions,
    Initialised,
    InitOptions,
    Migrated,
    MovedStore,
    Place,
    Progress,
    Restored,
    ServeOptions,
    Services,
    UsageFault,
)
from mintmark.crypto.seal import Seal
from mintmark.crypto.secret_hash import CHEAPEST, hash_password
from mintmark.dialect import Catalogue, catalogue
from mintmark.storage import schema
from mintmark.storage.database import Database
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.store import SqlStore
from mintmark.web.admin_api.application import AdminApi
from mintmark.web.admin_api.performing import Performance
from mintmark.web.admin_api.repeats import Repeats
from mintmark.web.callers import Caller
from mintmark.wire.http import HttpRequest, HttpResponse
from tests.databases import with_tables

NOW = 1_800_000_000
ENVIRONMENT = "acme/production"
AUDIENCE = "https://api.acme.example"
DIALECTS = catalogue()
# A runner builds all commands anew for each that it runs, which is most of what that takes.
typer.testing._get_command = lru_cache(maxsize=4)(typer.main.get_command)


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Anybody:
    """In place of `Authentication`: every caller is the operators' own command line."""

    async def principal(self, request: HttpRequest, caller: Caller, now: float) -> Principal:
        return Principal.installation("cli:tester")


@dataclass
class Terminal:
    """Runs commands in `folder`; every installation there is the same one, whatever its configuration says.

    `answers`: what operators' listeners say, by URL.
    `server`: its URL is added to every administration command, so that the command goes through the admin API.
    """

    folder: Path
    now: int = NOW
    server: str = ""
    asked: list[object] = field(default_factory=list)
    answers: dict[str, object] = field(default_factory=dict)
    initialised: Initialised | BaseException = field(
        default_factory=lambda: Initialised((Path("mintmark.toml"),), "root")
    )

    def __post_init__(self) -> None:
        self._entropy = random.Random(7).randbytes
        self._seal = Seal(bytes(32))
        self._api: AdminApi | None = None
        self._database: Database | None = None
        self._app = build_app(
            Services(
                version="1.2.3",
                clock=lambda: self.now,
                open=self._open,
                dialects=self._dialects,
                serve=self._serve,
                demo=self._demo,
                init=self._init,
                migrate=self._migrate,
                move_store=lambda options, progress: MovedStore(
                    options.source, options.target, {"tenant": 2}, {"tenant": "ab"}
                ),
                backups=Backups(self._backup, self._check_backup, self._restore),
                guard=self._guard,
                remote=self._remote,
                ask=self._ask,
            )
        )

    def _ask(self, url: str) -> tuple[int, bytes]:
        return 200, json.dumps(self.answers[url]).encode()

    def __call__(self, *arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
        line = [*arguments, "--server", self.server] if self.server and arguments[0] == "admin" else arguments
        result = CliRunner(env=env or {}).invoke(self._app, list(line), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.stderr
        return Ran(result.exit_code, result.stdout, result.stderr)

    def admin(self, *arguments: str, **more: Any) -> Ran:
        """An administration command that must succeed."""
        ran = self("admin", *arguments, **more)
        assert ran.code == 0, ran.err
        return ran

    def made(self, *arguments: str, **more: Any) -> Any:
        """What an administration command answers as JSON."""
        return self.admin(*arguments, "--json", **more).json

    def refused(self, *arguments: str, code: int = 2, **more: Any) -> str:
        """The one sentence of a refusal."""
        ran = self(*arguments, **more)
        assert ran.code == code, (ran.out, ran.err)
        assert ran.out == ""
        assert ran.err.startswith("mintmark: ")
        assert ran.err.endswith((".\n", "?\n"))
        assert ran.err.count("\n") == 1
        return ran.err.removeprefix("mintmark: ").strip()

    def act(self, actor: str, request_id: str = "", peer: str = "") -> Act:
        return Act(
            now=self.now,
            actor=actor,
            entropy=self._entropy,
            secret_key=b"k" * 32,
            seal=lambda plain, context: self._seal.seal(plain, context, self._entropy(12)),
            hash_password=lambda text: hash_password(text, self._entropy, CHEAPEST),
        )

    @asynccontextmanager
    async def _open(self, place: Place) -> AsyncIterator[Administration]:
        self.asked.append(place)
        if place.config is not None and place.config.name == "broken.toml":
            raise UsageFault(f"{place.config}:3: there is no setting 'colour'.")
        database = open_sqlite(self.folder / "mintmark.db", bytes(32))
        try:
            schema.check(database)
            yield Administration(SqlStore(database), self.act, DIALECTS, "https://mint.example")
        finally:
            database.close()

    def _remote(self, place: Place) -> Callable[[HttpRequest], HttpResponse]:
        """The admin API over the same database, called in place, by an operator."""
        self.asked.append(place)
        if self._api is None:
            self._database = open_sqlite(self.folder / "mintmark.db", bytes(32))
            store = SqlStore(self._database)
            administration = Administration(store, self.act, DIALECTS, "https://mint.example")
            self._api = AdminApi(
                Anybody(),  # type: ignore[arg-type]
                Performance(administration, Repeats(self._seal.unseal), "https://mint.example/admin/v1"),
                "https://mint.example/t/mintmark/operators/oauth/token",
            )
        api = self._api

        def ask(request: HttpRequest) -> HttpResponse:
            whole = request._replace(path="/admin/v1" + request.path)
            return asyncio.run(api.respond(whole, Caller("192.0.2.1", "request-1"), float(self.now)))

        return ask

    def close(self) -> None:
        """Close what stood for a server."""
        if self._database is not None:
            self._database.close()

    def _dialects(self, place: Place | None) -> Catalogue:
        self.asked.append(place)
        return DIALECTS

    def _guard(self, options: GuardOptions, say: Callable[[str], None]) -> None:
        self.asked.append(options)
        say("guarding")

    def _serve(self, options: ServeOptions, say: Callable[[str], None]) -> None:
        self.asked.append(options)
        say("serving")

    def _demo(self, options: DemoOptions, say: Callable[[str], None]) -> None:
        self.asked.append(options)
        say("curl \x1b[31mhttp://127.0.0.1\nsecond line")

    def _init(self, options: InitOptions) -> Initialised:
        self.asked.append(options)
        if isinstance(self.initialised, BaseException):
            raise self.initialised
        return self.initialised

    def _backup(self, config: Path, target: Path, actor: str, progress: Progress) -> BackedUp:
        self.asked.append((config, target, actor))
        progress(1, 2)
        return BackedUp(
            target, 9, NOW, "1.2.3", "0009", {"tenant": 2, "api": 0}, ["mintmark.toml"], ["/etc/x.toml"]
        )

    def _check_backup(self, source: Path, config: Path, key_from: str | None, progress: Progress) -> BackedUp:
        self.asked.append((source, config, key_from))
        return BackedUp(source, 9, NOW, "1.2.3", "0009", {"tenant": 2}, [])

    def _restore(
        self, source: Path, config: Path, key_from: str | None, actor: str, progress: Progress
    ) -> Restored:
        self.asked.append((source, config, key_from, actor))
        return Restored(str(self.folder / "mintmark.db"), NOW, {"tenant": 2, "api": 3}, ["mintmark.db"], [])

    def _migrate(self, place: Place, no_backup: bool) -> Migrated:
        self.asked.append(place)
        return Migrated("0001", "0003", self.folder / "backup.db")


@pytest.fixture
def mintmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Terminal]:
    """A terminal in a folder that holds a configuration and a database without records."""
    monkeypatch.delenv("MINTMARK_SERVER", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINTMARK_CONFIG", raising=False)
    (tmp_path / "mintmark.toml").touch()
    with_tables(tmp_path / "mintmark.db")
    terminal = Terminal(tmp_path, server=getattr(request, "param", ""))
    yield terminal
    terminal.close()


@pytest.fixture
def acme(mintmark: Terminal) -> Terminal:
    """With a tenant, an environment, and an API."""
    mintmark.admin("tenant", "create", "acme", "--name", "Acme")
    mintmark.admin("environment", "create", ENVIRONMENT, "--mount", "/oauth/token=standard")
    mintmark.admin(
        "api",
        "create",
        ENVIRONMENT,
        AUDIENCE,
        "--scope",
        "orders:read Reading orders",
        "--scope",
        "orders:write",
    )
    return mintmark
