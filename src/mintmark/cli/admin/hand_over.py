"""`mintmark admin hand-over`: credentials that somebody fetches by a one-time link."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import hand_over as hand_overs
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.cli import output, secret_input
from mintmark.cli.admin.options import Environment, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun

noun = Noun("hand-over", "Hand-overs: credentials that somebody fetches by a one-time link.")


@noun.command("create")
def create(
    call: Call,
    environment: Environment,
    about: Annotated[
        str,
        typer.Option(
            "--about", help="What it is, for who fetches it and for the audit trail.", show_default=False
        ),
    ],
    hours: Annotated[int, typer.Option("--hours", help="Hours that the link lasts.", min=1, max=336)] = 72,
    secret_file: secret_input.SecretFile = None,
    secret_stdin: secret_input.SecretStdin = False,
    secret_env: secret_input.SecretEnvironment = None,
) -> Answer:
    """Seal a text until somebody fetches it, once, by the link that is answered."""
    text = secret_input.read("secret", secret_file, secret_stdin, secret_env)
    given = hand_overs.HandOverToMake(environment, about, text, hours * 3600)
    return Fields(call.run(hand_overs.create, given))


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List hand-overs that nobody has fetched yet."""
    found = call.run(hand_overs.listing, OfEnvironment(environment))
    return Table(("hand_over_id", "about", "created_by", "created_at", "expires_at"), found)


@noun.command("withdraw")
def withdraw(
    call: Call,
    environment: Environment,
    hand_over_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the hand-over, as listed.")],
    yes: Yes = False,
) -> Answer:
    """Let a link lead nowhere."""
    output.confirm(f"Withdraw the hand-over {hand_over_id[:12]}? Its link leads nowhere then.", yes=yes)
    call.run(hand_overs.withdraw, hand_overs.OfHandOver(environment, hand_over_id))
    return Fields({"withdrawn": hand_over_id})
