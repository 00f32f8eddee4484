"""`mintmark admin signing-key`: the keys that sign tokens, and their rotation."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from mintmark.authorization_server.administration.operations import key as keys
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.cli import output
from mintmark.cli.admin.options import Environment, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.values.tenancy import Algorithm

noun = Noun("signing-key", "Signing keys: see what is published, rotate, withdraw.")
AlgorithmOption = Annotated[str, typer.Option("--algorithm", help="ES256, RS256 or EdDSA.")]


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List signing keys and what each does now."""
    found = call.run(keys.list_signing, OfEnvironment(environment))
    return Table(
        ("kid", "algorithm", "state", "published_at", "signs_at", "retires_at", "removed_at"),
        found,
        f"{environment} has no signing keys yet: the first one comes with its first API.",
    )


@noun.command("rotate")
def rotate(call: Call, environment: Environment, algorithm: AlgorithmOption = "ES256") -> Answer:
    """Publish the next key now; it signs after the publish-ahead period, and no token is refused."""
    given = keys.SigningKeyRotation(environment, cast(Algorithm, algorithm))
    return Fields(call.run(keys.rotate, given))


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
    return Fields(call.run(keys.withdraw, keys.OfSigningKey(environment, kid)), ("This key signs now.",))
