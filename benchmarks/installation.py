"""An installation with many clients, and the requests of each of them, ready to be sent.

Tenant, environment and API are made as an administrator makes them; the clients go into their tables in bulk,
because a hundred thousand acts of administration are not what is measured.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from benchmarks.load import SEPARATOR
from mintmark.authorization_server.administration import apis, environments, tenants
from mintmark.authorization_server.ports import Transaction
from mintmark.compose.installation import Installation as Opened
from mintmark.compose.installation import open_installation
from mintmark.config import load_settings
from mintmark.crypto.secret_hash import digest_secret
from mintmark.storage import key_encryption_key, schema
from mintmark.storage.rows import encode
from mintmark.storage.tables import TABLES
from mintmark.values.client import Client
from mintmark.values.credential import SecretVersion
from mintmark.values.secret import CLIENT_SECRET, new_identifier, new_secret
from mintmark.values.tenancy import Algorithm, Mount

AUDIENCE, SCOPES = "https://api.bench.example", ("read", "write")
ENVIRONMENT, PATH = "bench/production", "/oauth/token"
#: No limit of requests per minute gets in the way: ten clients are to ask thousands of times a second.
RATE_LIMIT = 1_000_000_000
#: One client in so many has a daily limit, which is counted against and never reached.
LIMITED, GENEROUS = 10, 1_000_000
_BLOCK = 5_000


@dataclass(frozen=True, slots=True)
class Books:
    """`events`: issued tokens in the audit trail. `of_limited`: those of clients with a daily limit. `counted`: theirs
    by the daily counts.
    """

    events: int
    of_limited: int
    counted: int


@dataclass(frozen=True, slots=True)
class Installation:
    """`directory` holds everything, `requests` one request of each client. `port` is free, or was a moment ago.

    `postgres`: the URL of its database, if that is no file. `settings`: further lines of its configuration.
    """

    directory: Path
    port: int
    postgres: str = ""
    settings: str = ""

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.directory / "mintmark.toml"

    @property
    def database(self) -> Path:
        """The database file."""
        return self.directory / "mintmark.db"

    @property
    def requests(self) -> Path:
        """The prebuilt requests."""
        return self.directory / "requests"

    def books(self) -> Books:
        """What is on record."""
        issued = "kind = 'token' AND outcome = 'issued'"
        limited = "SELECT client_id FROM client WHERE daily_token_limit IS NOT NULL"
        with closing(self._opened()) as connection:

            def number(statement: str) -> int:
                row = connection.execute(statement).fetchone()
                return int(row[0]) if row else 0

            return Books(
                number(f"SELECT count(*) FROM audit_event WHERE {issued}"),
                number(f"SELECT count(*) FROM audit_event WHERE {issued} AND client_id IN ({limited})"),
                number(
                    "SELECT coalesce(sum(used), 0) FROM quota_use "
                    f"WHERE subject IN (SELECT 'client:{ENVIRONMENT}/' || client_id FROM ({limited}))"
                ),
            )

    def _opened(self) -> sqlite3.Connection | psycopg.Connection:
        if self.postgres:
            return psycopg.connect(self.postgres)
        return sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)

    def copy(self, directory: Path) -> Installation:
        """The same installation once more, on a port of its own."""
        shutil.copytree(self.directory, directory)
        copied = replace(self, directory=directory, port=free_port())
        copied.write_config()
        return copied

    def write_config(self) -> None:
        """Write the configuration file; requests and issuer name the same address whatever the port."""
        self.config.write_text(
            f'public_url = "http://127.0.0.1:8080"\nlisten = "127.0.0.1:{self.port}"\n'
            f'database = "{self.postgres or self.database.name}"\n{self.settings}'
            'key_encryption_key = "file:mintmark.key"\nlog_level = "warning"\n'
        )


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def install(
    directory: Path, algorithm: Algorithm, clients: int, postgres: str = "", settings: str = ""
) -> Installation:
    """Make an installation in the new folder `directory` whose one API signs with `algorithm`."""
    directory.mkdir(mode=0o700)
    made = Installation(directory, free_port(), postgres, settings)
    made.write_config()
    key_encryption_key.create_file(directory / "mintmark.key", os.urandom)
    with open_installation(load_settings(made.config), prepare=schema.create) as opened:
        asyncio.run(_provision(opened, algorithm))
        with made.requests.open("wb") as file:
            for number, (client, secret) in enumerate(_fill(opened, clients)):
                file.write(SEPARATOR * bool(number) + request(client, secret, basic=number % 2 == 0))
    return made


async def _provision(opened: Opened, algorithm: Algorithm) -> None:
    act = opened.act("benchmark")

    def work(tx: Transaction) -> None:
        tenants.create(tx, act, handle="bench", name="Bench")
        environments.create(
            tx,
            act,
            tenant="bench",
            name="production",
            issuer=f"{opened.settings.public_url}/t/{ENVIRONMENT}",
            dialects=opened.dialects,
            mounts=(Mount(PATH, "standard"),),
            rate_limit=RATE_LIMIT,
        )
        apis.create(
            tx,
            act,
            environment=ENVIRONMENT,
            audience=AUDIENCE,
            name="Bench API",
            scopes=dict.fromkeys(SCOPES, ""),
            algorithm=algorithm,
        )

    await opened.store.write(work)


def _fill(opened: Opened, count: int) -> Iterator[tuple[str, str]]:
    """Write `count` clients with one secret each; yields ids and secrets."""
    act = opened.act("benchmark")
    for start in range(0, count, _BLOCK):
        clients, versions, made = [], [], []
        for number in range(start, min(start + _BLOCK, count)):
            client_id = new_identifier(os.urandom, 16, lower=True)
            version_id = new_identifier(os.urandom, 6)
            secret = new_secret(CLIENT_SECRET, version_id, os.urandom).reveal()
            client = Client(
                environment=ENVIRONMENT,
                client_id=client_id,
                client_name=f"client {number}",
                allowed={AUDIENCE: SCOPES},
                daily_token_limit=GENEROUS if number % LIMITED == 0 else None,
                created_at=act.now,
            )
            version = SecretVersion(
                environment=ENVIRONMENT,
                client_id=client_id,
                id=version_id,
                hash_kind="hmac",
                digest=digest_secret(act.secret_key, secret),
                created_at=act.now,
            )
            clients.append(encode(client))
            versions.append(encode(version))
            made.append((client_id, secret))
        _insert(opened, clients, versions)
        yield from made


def _insert(
    opened: Opened, clients: Sequence[dict[str, object]], versions: Sequence[dict[str, object]]
) -> None:
    opened.database.writing(
        lambda connection: (
            connection.execute(TABLES[Client].insert(), clients),
            connection.execute(TABLES[SecretVersion].insert(), versions),
        )
    )


def request(client_id: str, secret: str, *, basic: bool) -> bytes:
    """The bytes of a token request (RFC 6749 §4.4.2): client_secret_basic, or client_secret_post."""
    body = "grant_type=client_credentials"
    authorization = ""
    if basic:
        authorization = (
            "authorization: Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode() + "\r\n"
        )
    else:
        body += f"&client_id={client_id}&client_secret={secret}"
    head = (
        f"POST /t/{ENVIRONMENT}{PATH} HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nuser-agent: bench/1\r\naccept: */*\r\n"
        f"{authorization}content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode("ascii")
