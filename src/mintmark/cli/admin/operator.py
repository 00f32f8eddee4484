"""`mintmark admin operator`: the people who run the service."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration import Act, imported_secrets, operators
from mintmark.cli import secret_input
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import Opened
from mintmark.cli.views import row
from mintmark.values.tenancy import Operator

noun = Noun("operator", "Operators: the people who run the service.")
Username = Annotated[str, typer.Argument(metavar="USERNAME", help="The operator's name.")]


@noun.command("create")
def create(
    call: Call,
    username: Username,
    password_file: secret_input.PasswordFile = None,
    password_stdin: secret_input.PasswordStdin = False,
    password_env: secret_input.PasswordEnvironment = None,
) -> Answer:
    """Create an operator."""
    password = secret_input.read("password", password_file, password_stdin, password_env)

    async def task(opened: Opened, act: Act) -> Operator:
        digest = imported_secrets.password_digest(act, password)
        return await opened.store.write(
            lambda tx: operators.create(tx, act, username=username, digest=digest)
        )

    return Fields(row(call.administer(task)))


@noun.command("list")
def listing(call: Call) -> Answer:
    """List the operators."""
    found = call.read(lambda tx, _: operators.listing(tx))
    return Table(("username", "enabled", "created_at"), [row(operator) for operator in found])


@noun.command("change-password")
def change_password(
    call: Call,
    username: Username,
    password_file: secret_input.PasswordFile = None,
    password_stdin: secret_input.PasswordStdin = False,
    password_env: secret_input.PasswordEnvironment = None,
) -> Answer:
    """Replace an operator's password at once."""
    password = secret_input.read("password", password_file, password_stdin, password_env)

    async def task(opened: Opened, act: Act) -> Operator:
        digest = imported_secrets.password_digest(act, password)
        return await opened.store.write(
            lambda tx: operators.change_password(tx, act, username, digest=digest)
        )

    return Fields(row(call.administer(task)))


@noun.command("disable")
def disable(call: Call, username: Username) -> Answer:
    """Lock an operator out; the last one cannot be."""
    return Fields(row(call.write(lambda tx, act: operators.disable(tx, act, username))))


@noun.command("enable")
def enable(call: Call, username: Username) -> Answer:
    """Let a disabled operator in again."""
    return Fields(row(call.write(lambda tx, act: operators.enable(tx, act, username))))
