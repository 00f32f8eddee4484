"""What the command line needs from outside: a frozen record of callables that `compose` fills.

The commands know neither storage nor web: they open an installation, run administration functions in it, and
hand long-running work (`serve`, `demo`) over. A fault that a user can mend is raised as `UsageFault`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from mintmark.authorization_server.administration.running import Administration as Administration
from mintmark.cli.faults import Failure as Failure
from mintmark.cli.faults import UsageFault as UsageFault
from mintmark.dialect import Catalogue
from mintmark.values.secret import Secret
from mintmark.wire.http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class Place:
    """Where the installation is: a configuration file, the directory of a demo, or a server's URL; exactly one is set.

    `profile`: the saved profile whose client is used with the server; None: what the environment says.
    """

    config: Path | None = None
    directory: Path | None = None
    server: str | None = None
    profile: str | None = None

    def __post_init__(self) -> None:
        if sum(each is not None for each in (self.config, self.directory, self.server)) != 1:
            raise ValueError("a place is a configuration file, a demo directory or a server, one of them")


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`mintmark demo`. `port` None: the kept one, else 8080, else a free one."""

    directory: Path
    host: str = "127.0.0.1"
    port: int | None = None
    credentials_out: Path | None = None


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """`mintmark serve`. None: as the configuration says."""

    config: Path
    workers: int | None = None
    host: str | None = None
    port: int | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None


@dataclass(frozen=True, slots=True)
class InitOptions:
    """`mintmark init`. `operator`: user name of the first operator; `password` None: one is generated.

    `database`, `database_password`: as the settings have them, for PostgreSQL.
    """

    directory: Path
    operator: str = "operator"
    password: Secret | None = None
    public_url: str = "http://127.0.0.1:8080"
    database: str | None = None
    database_password: str | None = None


@dataclass(frozen=True, slots=True)
class Initialised:
    """`written`: the files made. `password`: the generated one, to be shown once, or None."""

    written: tuple[Path, ...]
    operator: str
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Migrated:
    """Schema versions before and after, and the backup made (None: nothing had to be done)."""

    before: str
    after: str
    backup: Path | None = None


#: ``progress(done, all)``: how far something long is.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup. `bytes`: its size. `made_at`: seconds since the epoch. `program`, `schema`: what made it. `rows`: by
    table. `files`: beside the database. `left_out`: files that the configuration names elsewhere.
    """

    path: Path
    bytes: int
    made_at: int
    program: str
    schema: str
    rows: Mapping[str, int]
    files: Sequence[str]
    left_out: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class StoreMove:
    """`mintmark migrate-store`: two databases as the setting names them, and where the password of each comes from."""

    source: str
    target: str
    source_password: str = ""
    target_password: str = ""


@dataclass(frozen=True, slots=True)
class MovedStore:
    """`rows`, `digests`: table -> how many, and SHA-256 over them, the same on both sides."""

    source: str
    target: str
    rows: Mapping[str, int]
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Restored:
    """`made_at`, `rows`: of the backup. `written`: what is there now; `left_alone`: what was there and stays."""

    database: str
    made_at: int
    rows: Mapping[str, int]
    written: Sequence[str]
    left_alone: Sequence[str]


@dataclass(frozen=True, slots=True)
class Backups:
    """Making, checking and restoring backups; all raise UsageFault and Failure.

    `make(config, target, actor, progress)`; `check(source, config, key_from, progress)`; `restore(source, config,
    key_from, actor, progress)`. `key_from`: a place of the key-encryption key, as the setting says it; None: the
    configuration's.
    """

    make: Callable[[Path, Path, str, Progress], BackedUp] = field(repr=False)
    check: Callable[[Path, Path, str | None, Progress], BackedUp] = field(repr=False)
    restore: Callable[[Path, Path, str | None, str, Progress], Restored] = field(repr=False)


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """`mintmark guard`. `client_id`: the guard's own. `trusted_proxies`: who may ask, if not this machine."""

    issuers: tuple[str, ...]
    audiences: tuple[str, ...]
    policy: Path
    host: str
    port: int
    trusted_proxies: tuple[str, ...] = ()
    profile: str = "rfc9068"
    jwks_uri: str | None = None
    client_id: str | None = None
    secret_file: Path | None = None
    secret_env: str | None = None
    follow_revocations: bool = False
    feed_policy: str = "serve"
    log_level: str = "info"


@dataclass(frozen=True, slots=True)
class Services:
    """Everything handed to the command line.

    `clock()`: seconds since the epoch. `open(place)`: reads the configuration, checks the schema, opens the
    store; raises UsageFault. `dialects(place)`: the shipped ones, and the operator's when a place is given.
    `remote(place)`: asks the admin API of a server, with an access token; the path of a request is below the API. It
    raises UsageFault without credentials, and Failure when no token or no answer comes.
    `serve`, `demo` and `guard` run until stopped; `say(line)` shows a line of text on the terminal. `init` raises
    UsageFault when something is there already. `migrate(place, no_backup)` backs a file up
    first, and is told of others that somebody has.
    `ask(url)`: status and body; raises Failure when nobody answers.
    """

    version: str
    clock: Callable[[], float] = field(repr=False)
    open: Callable[[Place], AbstractAsyncContextManager[Administration]] = field(repr=False)
    dialects: Callable[[Place | None], Catalogue] = field(repr=False)
    serve: Callable[[ServeOptions, Callable[[str], None]], None] = field(repr=False)
    demo: Callable[[DemoOptions, Callable[[str], None]], None] = field(repr=False)
    init: Callable[[InitOptions], Initialised] = field(repr=False)
    migrate: Callable[[Place, bool], Migrated] = field(repr=False)
    move_store: Callable[[StoreMove, Progress], MovedStore] = field(repr=False)
    backups: Backups = field(repr=False)
    guard: Callable[[GuardOptions, Callable[[str], None]], None] = field(repr=False)
    remote: Callable[[Place], Callable[[HttpRequest], HttpResponse]] = field(repr=False)
    ask: Callable[[str], tuple[int, bytes]] = field(repr=False)
