"""`mintmark admin signing-key`: the keys that sign tokens, and their rotation."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from mintmark.authorization_server.administration import Act, signing_keys
from mintmark.authorization_server.administration.showing import row
from mintmark.cli import output
from mintmark.cli.admin.options import Environment, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import Administration
from mintmark.values.tenancy import Algorithm, SigningKey

noun = Noun("signing-key", "Signing keys: see what is published, rotate, withdraw.")
AlgorithmOption = Annotated[str, typer.Option("--algorithm", help="ES256, RS256 or EdDSA.")]


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List signing keys and what each does now."""
    found = call.read(lambda tx, now: signing_keys.listing(tx, environment, now))
    return Table(
        ("kid", "algorithm", "state", "published_at", "signs_at", "retires_at", "removed_at"),
        [row(entry) for entry in found],
        f"{environment} has no signing keys yet: the first one comes with its first API.",
    )


@noun.command("rotate")
def rotate(call: Call, environment: Environment, algorithm: AlgorithmOption = "ES256") -> Answer:
    """Publish the next key now; it signs after the publish-ahead period, and no token is refused."""

    async def task(opened: Administration, act: Act) -> SigningKey:
        return await opened.store.write(
            lambda tx: signing_keys.rotate(
                tx,
                act,
                environment=environment,
                algorithm=cast(Algorithm, algorithm),
                schedule=opened.schedule,
            )
        )

    return Fields(row(call.administer(task)))


@noun.command("withdraw")
def withdraw(
    call: Call,
    environment: Environment,
    kid: Annotated[str, typer.Argument(metavar="KID", help="The key's id, as listed.")],
    yes: Yes = False,
) -> Answer:
    """Stop trusting a leaked key now; its tokens are refused, and another key signs at once."""
    output.confirm(
        f"Every token that the key {kid} of {environment} has signed is refused from now on.", yes=yes
    )
    made = call.write(lambda tx, act: signing_keys.withdraw(tx, act, environment=environment, kid=kid))
    return Fields(row(made), ("This key signs now.",))
