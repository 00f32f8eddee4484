"""An installation to be treated badly: made once, copied for each test, served by a process, and read back."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from mintmark.authorization_server.administration import apis, clients, environments, tenants
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.ports import Transaction
from mintmark.compose.installation import open_installation
from mintmark.config import load_settings
from mintmark.jose.access_token import Expectation, verify
from mintmark.jose.key_set import parse_key_set
from mintmark.storage import key_encryption_key, schema
from mintmark.values.tenancy import Mount
from tests.end_to_end.server import PATIENCE, Answer, Running, call, free_port

ENVIRONMENT, AUDIENCE = "crash/production", "https://api.crash.example"
ISSUER = f"http://localhost:8080/t/{ENVIRONMENT}"
TOKEN_PATH, KEYS_PATH = f"/t/{ENVIRONMENT}/oauth/token", f"/t/{ENVIRONMENT}/jwks.json"
CLIENTS, DAILY_LIMIT = 12, 40
#: A limit that is counted against and never reached.
GENEROUS = 1_000_000
Result = TypeVar("Result")


@dataclass(frozen=True)
class Holder:
    """Who may ask: a client with its secret, which no test prints."""

    client_id: str
    secret: str

    def __repr__(self) -> str:
        return f"Holder({self.client_id})"


@dataclass(frozen=True)
class Site:
    """`holders`: clients, every other one with a generous daily limit. `limited`: one with a limit of `DAILY_LIMIT`."""

    directory: Path
    port: int
    holders: tuple[Holder, ...]
    limited: Holder
    #: As the setting has it.
    place: str = "mintmark.db"
    valkey: str = ""

    @property
    def config(self) -> Path:
        return self.directory / "mintmark.toml"

    @property
    def database(self) -> Path:
        return self.directory / "mintmark.db"

    def serve(self, *arguments: object) -> Running:
        """`mintmark serve`, once it answers."""
        server = Running("serve", "--config", self.config, *arguments, ready="Mintmark serves")
        ends = time.monotonic() + PATIENCE
        while self.keys() is None:
            if time.monotonic() > ends:
                kill(server)
                raise AssertionError(f"the server does not answer:\n{server.output}")
            time.sleep(0.02)
        return server

    def keys(self) -> bytes | None:
        """The published key set, or None while nobody answers."""
        try:
            answer = call("GET", f"http://127.0.0.1:{self.port}{KEYS_PATH}")
        except OSError:
            return None
        return answer.body if answer.status == 200 else None

    def accepts(self, token: str) -> bool:
        """Whether a resource server that fetches the keys now accepts the token."""
        document = self.keys()
        assert document is not None, "nobody publishes the keys"
        expected = Expectation(ISSUER, frozenset({AUDIENCE}), frozenset({"at+jwt"}))
        return bool(verify(token, parse_key_set(document), expected, time.time()))

    def ask(self, holder: Holder, source: str | None = None) -> Answer:
        """One token request on a connection of its own, from this machine's address `source`."""
        body = f"grant_type=client_credentials&client_id={holder.client_id}&client_secret={holder.secret}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return call(
            "POST", f"http://127.0.0.1:{self.port}{TOKEN_PATH}", headers=headers, body=body, source=source
        )

    def administer(self, work: Callable[[Transaction, Act], Result]) -> Result:
        """Run `work` as an administrator beside the server, from this process."""
        with open_installation(load_settings(self.config)) as opened:
            act = opened.act("operator")
            return asyncio.run(opened.store.write(lambda tx: work(tx, act)))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What is in the database."""
        if "://" in self.place:
            with psycopg.connect(self.place, connect_timeout=10) as served:
                return served.execute(statement).fetchall()  # type: ignore[call-overload]
        with closing(sqlite3.connect(self.database, timeout=30)) as connection:
            return connection.execute(statement).fetchall()

    def books(self) -> Books:
        """What is on record."""
        issued = "kind = 'token' AND outcome = 'issued'"
        integrity = "ok" if "://" in self.place else self.rows("PRAGMA integrity_check")[0][0]
        return Books(
            integrity,
            tuple(jti for (jti,) in self.rows(f"SELECT jti FROM audit_event WHERE {issued}")),
            {holder.client_id: 0 for holder in (*self.holders[::2], self.limited)}
            | dict(
                self.rows(f"SELECT client_id, count(*) FROM audit_event WHERE {issued} GROUP BY client_id")
            ),
            {
                subject.rpartition("/")[2]: used
                for subject, used in self.rows("SELECT subject, sum(used) FROM quota_use GROUP BY subject")
                if subject.startswith("client:")
            },
            tuple(holder.client_id for holder in (*self.holders[::2], self.limited)),
        )


@dataclass(frozen=True)
class Books:
    """`events`: the `jti` of each issued token. `issued`, `counted`: tokens by client, in trail and counts.

    `limits`: the clients that have a daily limit, and so are counted.
    """

    integrity: str
    events: tuple[str, ...]
    issued: dict[str, int]
    counted: dict[str, int]
    limits: tuple[str, ...]

    def check(self, received: list[str]) -> None:
        """Nothing that was received is missing, nothing is there twice, and the counts are those of the trail."""
        assert self.integrity == "ok"
        assert [jti for jti, times in Counter(self.events).items() if times > 1] == []
        assert len(set(received)) == len(received)
        missing = set(received) - set(self.events)
        assert not missing, f"{len(missing)} of {len(received)} tokens that left have no audit event"
        assert {client: self.counted.get(client, 0) for client in self.limits} == {
            client: self.issued[client] for client in self.limits
        }


def make(directory: Path, place: str = "mintmark.db", valkey: str = "") -> Site:
    """A fresh installation in the existing folder `directory`. `valkey`: the server that its nodes share."""
    site = Site(directory, free_port(), (), Holder("", ""), place, valkey)
    _configure(site)
    key_encryption_key.create_file(directory / "mintmark.key", os.urandom)

    def provision(tx: Transaction, act: Act, dialects: Any) -> list[Holder]:
        tenants.create(tx, act, handle="crash", name="Crash")
        environments.create(
            tx,
            act,
            tenant="crash",
            name="production",
            issuer=ISSUER,
            dialects=dialects,
            mounts=(Mount("/oauth/token", "standard"),),
            rate_limit=1_000_000,
        )
        apis.create(tx, act, environment=ENVIRONMENT, audience=AUDIENCE, name="API", scopes={"read": ""})
        made = []
        for number in range(CLIENTS + 1):
            new = clients.create(
                tx,
                act,
                environment=ENVIRONMENT,
                name=f"client {number}",
                allowed={AUDIENCE: ("read",)},
                daily_token_limit=DAILY_LIMIT if number == CLIENTS else (GENEROUS, None)[number % 2],
            )
            assert new.secret is not None
            made.append(Holder(new.client.client_id, new.secret.reveal()))
        return made

    with open_installation(load_settings(site.config), schema.create) as opened:
        act = opened.act("operator")
        holders = asyncio.run(opened.store.write(lambda tx: provision(tx, act, opened.dialects)))
    return replace(site, holders=tuple(holders[:-1]), limited=holders[-1])


def further_node(site: Site, directory: Path, place: str | None = None) -> Site:
    """Another node of the same installation, on a port of its own. `place`: by which it reaches the database."""
    directory.mkdir()
    shutil.copy(site.directory / "mintmark.key", directory)
    node = replace(site, directory=directory, port=free_port(), place=place or site.place)
    _configure(node)
    return node


def copy(site: Site, directory: Path) -> Site:
    """The same installation in the new folder `directory`, on a port of its own."""
    shutil.copytree(site.directory, directory)
    copied = replace(site, directory=directory, port=free_port())
    _configure(copied)
    return copied


def _configure(site: Site) -> None:
    site.config.write_text(
        f'public_url = "http://localhost:8080"\nlisten = "127.0.0.1:{site.port}"\n'
        f'database = "{site.place}"\nkey_encryption_key = "file:mintmark.key"\n'
        # Twenty seconds, so that a busy machine is not mistaken for a server that is away.
        + (f'valkey = "{site.valkey}"\nvalkey_timeout_ms = 20000\n' if site.valkey else "")
    )


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            try:
                found += map(int, (task / "children").read_text().split())
            except OSError:
                continue
    return found


def kill(server: Running) -> None:
    """SIGKILL to the server and all its workers: nobody gets to say goodbye."""
    for pid in family(server.pid):
        with suppress(ProcessLookupError):  # one may end by itself once its parent is gone
            os.kill(pid, signal.SIGKILL)
    server.stop()


def claims(token: str) -> dict[str, Any]:
    """Header and claims of a JWT, unverified, in one dictionary."""
    header, payload, _ = token.split(".")
    both: dict[str, Any] = {}
    for part in (header, payload):
        both |= json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return both
