"""`mintmark guard`: its options, and handing them over."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mintmark.cli import output
from mintmark.cli.services import GuardOptions, UsageFault

LISTEN = "127.0.0.1:9090"
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+):(\d{1,5})", re.ASCII)


class FeedPolicy(StrEnum):
    """What a guard does that is cut off from the revocation feed."""

    serve = "serve"
    close = "close"


class LogLevel(StrEnum):
    """The least level of line that is written."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


def register(app: typer.Typer, guard: Callable[[GuardOptions, Callable[[str], None]], None]) -> None:
    """Add the command to the outermost group. `guard` runs until it is stopped."""

    @app.command("guard")
    def command(
        issuer: Annotated[list[str], typer.Option("--issuer", help="Whose tokens are good; repeatable.")],
        audience: Annotated[list[str], typer.Option("--audience", help="Whom they must be for; repeatable.")],
        policy: Annotated[Path, typer.Option("--policy", help="Which path needs which scopes (TOML).")],
        listen: Annotated[str, typer.Option("--listen", help="Address and port to listen on.")] = LISTEN,
        trusted_proxies: Annotated[
            list[str] | None,
            typer.Option(
                "--trusted-proxies",
                help="Address or network that may ask; repeatable [this machine].",
                show_default=False,
            ),
        ] = None,
        profile: Annotated[
            str, typer.Option("--profile", help="What the issuer's tokens look like.")
        ] = "rfc9068",
        jwks_uri: Annotated[
            str | None,
            typer.Option(
                "--jwks-uri", help="Where the issuer's keys are [its metadata says].", show_default=False
            ),
        ] = None,
        client_id: Annotated[
            str | None, typer.Option("--client-id", help="The guard's own client.", show_default=False)
        ] = None,
        secret_file: Annotated[
            Path | None, typer.Option("--secret-file", help="File with its secret.", show_default=False)
        ] = None,
        secret_env: Annotated[
            str | None,
            typer.Option("--secret-env", help="Environment variable with its secret.", show_default=False),
        ] = None,
        follow_revocations: Annotated[
            bool, typer.Option("--follow-revocations", help="Follow the issuer's revocation feed.")
        ] = False,
        feed_policy: Annotated[
            FeedPolicy,
            typer.Option("--feed-policy", help="Cut off from the feed: serve for an hour, or close at once."),
        ] = FeedPolicy.serve,
        log_level: Annotated[
            LogLevel, typer.Option("--log-level", help="The least level of log line.")
        ] = LogLevel.info,
    ) -> None:
        """Check requests for a proxy: nginx, Caddy, Traefik, HAProxy, Envoy or Apache asks, the guard answers."""
        guard(
            GuardOptions(
                tuple(issuer),
                tuple(audience),
                policy,
                *_address(listen),
                tuple(trusted_proxies or ()),
                profile,
                jwks_uri,
                client_id,
                secret_file,
                secret_env,
                follow_revocations,
                feed_policy.value,
                log_level.value,
            ),
            output.say,
        )


def _address(text: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match[2]) < 65536:
        raise UsageFault(f"--listen {text}: it must be an address and a port, as in {LISTEN}.")
    return match[1].strip("[]"), int(match[2])
