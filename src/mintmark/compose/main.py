"""The `mintmark` command: hands the command line everything that its commands need.

What a command does not need is not imported: the database, the web server and the settings come with the first
command that uses them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mintmark import __version__
from mintmark.cli.client.commands import COMMANDS
from mintmark.cli.faults import UsageFault

if TYPE_CHECKING:
    from mintmark.cli.services import (
        Administration,
        BackedUp,
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
        StoreMove,
    )
    from mintmark.config import Settings
    from mintmark.dialect import Catalogue
    from mintmark.wire.http import HttpRequest, HttpResponse


def main() -> None:
    """The entry point; exits with 0, 1 (it could not be done) or 2 (bad input), or as `mintmark call` says."""
    if len(sys.argv) > 1 and sys.argv[1] in COMMANDS:
        from mintmark.compose.client_commands import run

        sys.exit(run(sys.argv[1:]))
    try:
        from mintmark.cli.main import build_app
    except ModuleNotFoundError as fault:
        sys.exit(_client_only(fault.name or ""))
    build_app(_services())()


def _services() -> Services:
    from mintmark.cli.services import Backups, Services

    return Services(
        version=__version__,
        clock=time.time,
        open=_open,
        dialects=_dialects,
        serve=serve,
        demo=_demo,
        init=_init,
        migrate=_migrate,
        move_store=_move_store,
        backups=Backups(_backup, _check_backup, _restore),
        guard=_guard,
        remote=_remote,
        ask=_ask,
    )


def _client_only(missing: str) -> int:
    """The program without the server's libraries: the client commands alone."""
    if sys.argv[1:] in ([], ["--help"], ["-h"], ["help"]):
        width = max(map(len, COMMANDS))
        lines = [f"  {name.ljust(width)}  {about}" for name, (_, about) in COMMANDS.items()]
        print("Usage: mintmark COMMAND [ARGUMENT ...]\n", *lines, sep="\n")  # noqa: T201
        print("\nThe server and its administration need: pip install 'mintmark[server]'")  # noqa: T201
        return 0
    if sys.argv[1:] in (["version"], ["--version"]):
        print(f"mintmark {__version__}")  # noqa: T201
        return 0
    print(  # noqa: T201
        f"mintmark: This command needs {missing or 'more'}: pip install 'mintmark[server]'.", file=sys.stderr
    )
    return 2


def serve(options: ServeOptions, say: Callable[[str], None]) -> None:
    """`mintmark serve`: run the configured server until it is stopped. Raises UsageFault."""
    from mintmark.compose.demo import is_demo_directory
    from mintmark.compose.installation import open_installation
    from mintmark.compose.reloading import Source
    from mintmark.compose.running import listening_socket, run

    overrides: dict[str, object] = {
        "workers": options.workers,
        "tls_cert": options.tls_cert and options.tls_cert.resolve(),
        "tls_key": options.tls_key and options.tls_key.resolve(),
    }
    settings = _load(options, overrides)
    if (options.host, options.port) != (None, None):
        overrides["listen"] = settings.listen
    file = settings.database_file
    for directory in (options.config.resolve().parent, *(() if file is None else (file.parent,))):
        if is_demo_directory(directory):
            raise UsageFault(
                f"{directory}: this is a demo's directory; `mintmark serve` wants one of its own"
            )
    for name in ("otel", "otel_logs"):
        if getattr(settings, name):
            _refuse_without_opentelemetry(name)
    with open_installation(settings):
        pass  # What a person can mend is said before a worker starts.
    listener = listening_socket(settings.host, settings.port)
    run(
        settings,
        listener,
        source=Source(options.config.resolve(), overrides),
        started=lambda: say(f"Mintmark serves {settings.public_url} on {settings.listen}."),
    )


def _refuse_without_opentelemetry(setting: str) -> None:
    try:
        if find_spec("opentelemetry.exporter.otlp.proto.http") and find_spec("opentelemetry.sdk"):
            return
    except ModuleNotFoundError:
        pass  # some of it may be there: other libraries bring its API along
    raise UsageFault(f"{setting}: this needs OpenTelemetry: pip install 'mintmark[otel]'")


def _load(options: ServeOptions, overrides: dict[str, object]) -> Settings:
    from mintmark.config import ConfigFault, load_settings

    try:
        settings = load_settings(options.config, overrides)
        if options.host is None and options.port is None:
            return settings
        host = options.host or settings.host
        shown = f"[{host}]" if ":" in host else host
        listen = f"{shown}:{settings.port if options.port is None else options.port}"
        return load_settings(options.config, {**overrides, "listen": listen})
    except ConfigFault as fault:
        raise UsageFault(str(fault)) from None


def _settings(place: Place) -> Settings:
    """The settings of an installation, or of a demo. Raises UsageFault."""
    from mintmark.config import ConfigFault, load_settings

    if place.directory is not None:
        from mintmark.compose.demo import open_demo

        return open_demo(place.directory)
    assert place.config is not None  # noqa: S101 - a place is one of the two
    try:
        return load_settings(place.config)
    except ConfigFault as fault:
        raise UsageFault(str(fault)) from None


@asynccontextmanager
async def _open(place: Place) -> AsyncIterator[Administration]:
    from mintmark.compose.installation import open_installation

    with open_installation(_settings(place)) as installation:
        from mintmark.cli.services import Administration

        yield Administration(
            store=installation.store,
            act=installation.act,
            dialects=installation.dialects,
            public_url=installation.settings.public_url,
            schedule=installation.schedule,
        )


def _dialects(place: Place | None) -> Catalogue:
    from mintmark.compose.installation import read_dialects

    return read_dialects(None if place is None else _settings(place).dialects)


def _demo(options: DemoOptions, say: Callable[[str], None]) -> None:
    from mintmark.compose.demo import demo

    demo(options, say)


def _guard(options: GuardOptions, say: Callable[[str], None]) -> None:
    from mintmark.compose.guard_server import serve

    serve(options, say)


def _remote(place: Place) -> Callable[[HttpRequest], HttpResponse]:
    from mintmark.compose.remote import remote

    return remote(place)


def _ask(url: str) -> tuple[int, bytes]:
    from mintmark.compose.asking import ask

    return ask(url)


def _init(options: InitOptions) -> Initialised:
    from mintmark.compose.init import init

    return init(options)


def _move_store(options: StoreMove, progress: Progress) -> MovedStore:
    from mintmark.compose.store_move import move_store

    return move_store(options, progress)


def _migrate(place: Place, no_backup: bool) -> Migrated:
    from mintmark.compose.init import migrate

    return migrate(_settings(place), no_backup=no_backup)


def _backup(config: Path, target: Path, actor: str, progress: Progress) -> BackedUp:
    from mintmark.compose import backups

    return backups.make(config, target, actor, progress)


def _check_backup(source: Path, config: Path, key_from: str | None, progress: Progress) -> BackedUp:
    from mintmark.compose import backups

    return backups.check(source, config, key_from, progress)


def _restore(source: Path, config: Path, key_from: str | None, actor: str, progress: Progress) -> Restored:
    from mintmark.compose import backups

    return backups.restore(source, config, key_from, actor, progress)


if __name__ == "__main__":
    main()
