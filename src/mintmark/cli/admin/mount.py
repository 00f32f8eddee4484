"""`mintmark admin mount`: the token endpoints of an environment, each with its dialect."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from mintmark.authorization_server.administration.operations import mount as mounts
from mintmark.cli import output
from mintmark.cli.admin.options import EndsAt, Environment, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import UsageFault
from mintmark.cli.typed import instant, period
from mintmark.values.tenancy import HostRole

noun = Noun("mount", "Mounts: the token endpoints of an environment, each with its dialect.")
MountPath = Annotated[
    str, typer.Argument(metavar="PATH", help="Path below the environment, such as /oauth/token.")
]

Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help="Hosts on which it stands: api, auth, manager [api]; may be repeated.",
        show_default=False,
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin", help="Web origin that may call it from a browser; may be repeated.", show_default=False
    ),
]


@noun.command("add")
def add(
    call: Call,
    environment: Environment,
    path: MountPath,
    dialect: Annotated[
        str, typer.Option("--dialect", help="How requests are written there.", show_default=False)
    ],
    role: Roles = None,
    slow_secrets: Annotated[
        bool, typer.Option("--slow-secrets", help="Admit imported secrets and people's passwords here.")
    ] = False,
    origin: Origins = None,
    at: Annotated[
        str | None, typer.Option("--ends", help="Period, date or time of its end.", show_default=False)
    ] = None,
) -> Answer:
    """Add a token endpoint."""
    given = mounts.NewMount(
        environment,
        path,
        dialect,
        roles=cast(tuple[HostRole, ...], tuple(role or ["api"])),
        ends_at=instant(at, call.now, "--ends"),
        slow_secrets=slow_secrets,
        origins=tuple(origin or ()),
    )
    return Fields(call.run(mounts.add, given))


@noun.command("list")
def listing(
    call: Call,
    environment: Environment,
    since: Annotated[str, typer.Option("--since", help="Period in which use counts.")] = "30d",
) -> Answer:
    """List token endpoints and who still uses them."""
    given = mounts.MountsOf(environment, period(since, "--since") or 0)
    return Table(
        ("path", "dialect", "roles", "ends_at", "used_by"),
        call.run(mounts.listing, given),
        f"{environment} has no token endpoint yet: add one with `mintmark admin mount add`.",
    )


@noun.command("change")
def change(
    call: Call,
    environment: Environment,
    path: MountPath,
    role: Roles = None,
    slow_secrets: Annotated[
        bool | None,
        typer.Option(
            "--slow-secrets/--no-slow-secrets",
            help="Admit imported secrets and people's passwords here.",
            show_default=False,
        ),
    ] = None,
    origin: Origins = None,
) -> Answer:
    """Change what is given of a token endpoint; roles and origins replace all there were."""
    given = mounts.MountChange(
        environment,
        path,
        roles=None if role is None else cast(tuple[HostRole, ...], tuple(role)),
        slow_secrets=slow_secrets,
        origins=None if origin is None else tuple(origin),
    )
    return Fields(call.change(mounts.change, given))


@noun.command("end")
def end(
    call: Call,
    environment: Environment,
    path: MountPath,
    at: EndsAt = None,
    never: Annotated[bool, typer.Option("--never", help="Take a date back that is still ahead.")] = False,
    yes: Yes = False,
) -> Answer:
    """Let a token endpoint answer 410 from a date on."""
    if never and at is not None:
        raise UsageFault("--never and --at exclude each other: name one.")
    ends_at = None if never else instant(at, call.now, "--at") or call.now
    if not never:
        output.confirm(
            f"Clients that still use {path} of {environment} get no more tokens after its end.", yes=yes
        )
    return Fields(call.run(mounts.end, mounts.MountEnd(environment, path, ends_at)))


@noun.command("remove")
def remove(call: Call, environment: Environment, path: MountPath, yes: Yes = False) -> Answer:
    """Remove a token endpoint: its path answers 404."""
    output.confirm(f"Clients that still use {path} of {environment} get no more tokens.", yes=yes)
    call.run(mounts.remove, mounts.OfMount(environment, path))
    return Fields({"removed": path})
