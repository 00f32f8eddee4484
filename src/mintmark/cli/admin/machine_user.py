"""`mintmark admin machine-user`: users that stand for integrations."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import machine_user as users
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.cli import output, secret_input
from mintmark.cli.admin.options import Environment, Scopes, Yes
from mintmark.cli.answer import Answer, Fields, Row, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import UsageFault
from mintmark.values.permission import EVERYTHING

noun = Noun(
    "machine-user", "Machine users: what stands for an integration, beside a client or at the proxy login."
)
Username = Annotated[str, typer.Argument(metavar="USERNAME", help="The machine user's name.")]
ProxyAudience = Annotated[
    str | None, typer.Option("--proxy-audience", help="API of its proxy login's tokens.", show_default=False)
]
Generate = Annotated[
    bool, typer.Option("--generate-password", help="Generate the password and show it once.")
]
PASSWORD_ONCE = "The password is shown this once: keep it now."


@noun.command("create")
def create(
    call: Call,
    environment: Environment,
    username: Username,
    scope: Scopes = None,
    proxy_login: Annotated[bool, typer.Option("--proxy-login", help="May use the proxy login.")] = False,
    proxy_audience: ProxyAudience = None,
    generate_password: Generate = False,
    password_file: secret_input.PasswordFile = None,
    password_stdin: secret_input.PasswordStdin = False,
    password_env: secret_input.PasswordEnvironment = None,
) -> Answer:
    """Create a machine user with a password, generated or given; without --scope it has no bound of its own."""
    given = None
    if not generate_password:
        given = secret_input.read("password", password_file, password_stdin, password_env)
    elif password_file is not None or password_stdin or password_env is not None:
        raise UsageFault("--generate-password and a given password exclude each other: choose one.")
    wanted = users.MachineUserToMake(
        environment, username, given, tuple(scope or (EVERYTHING,)), proxy_login, proxy_audience
    )
    return _shown(call.run(users.create, wanted))


@noun.command("import")
def import_user(
    call: Call,
    environment: Environment,
    username: Username,
    scope: Scopes = None,
    proxy_login: Annotated[bool, typer.Option("--proxy-login", help="May use the proxy login.")] = False,
    proxy_audience: ProxyAudience = None,
    password_file: secret_input.PasswordFile = None,
    password_stdin: secret_input.PasswordStdin = False,
    password_env: secret_input.PasswordEnvironment = None,
) -> Answer:
    """Import a machine user with the password that its programs hold already."""
    given = secret_input.read("password", password_file, password_stdin, password_env)
    wanted = users.MachineUserToImport(
        environment, username, given, tuple(scope or (EVERYTHING,)), proxy_login, proxy_audience
    )
    return Fields(call.run(users.import_user, wanted))


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List the machine users of an environment."""
    found = call.run(users.listing, OfEnvironment(environment))
    return Table(("username", "enabled", "scopes", "proxy_login", "id"), found)


@noun.command("show")
def show(call: Call, environment: Environment, username: Username) -> Answer:
    """Show a machine user."""
    return Fields(call.run(users.show, users.OfMachineUser(environment, username)))


@noun.command("change")
def change(
    call: Call,
    environment: Environment,
    username: Username,
    scope: Scopes = None,
    proxy_login: Annotated[
        bool | None,
        typer.Option("--proxy-login/--no-proxy-login", help="May use the proxy login.", show_default=False),
    ] = None,
    proxy_audience: ProxyAudience = None,
) -> Answer:
    """Change what is given; --scope replaces all it had."""
    given = users.MachineUserChange(
        environment, username, None if scope is None else tuple(scope), proxy_login, proxy_audience
    )
    return Fields(call.change(users.change, given))


@noun.command("change-password")
def change_password(
    call: Call,
    environment: Environment,
    username: Username,
    generate_password: Generate = False,
    password_file: secret_input.PasswordFile = None,
    password_stdin: secret_input.PasswordStdin = False,
    password_env: secret_input.PasswordEnvironment = None,
) -> Answer:
    """Replace the password at once; issued tokens stay valid."""
    given = None
    if not generate_password:
        given = secret_input.read("password", password_file, password_stdin, password_env)
    wanted = users.MachineUserPassword(environment, username, given)
    return _shown(call.run(users.change_password, wanted))


@noun.command("disable")
def disable(call: Call, environment: Environment, username: Username) -> Answer:
    """Refuse a machine user and its tokens at once."""
    return Fields(call.run(users.disable, users.OfMachineUser(environment, username)))


@noun.command("enable")
def enable(call: Call, environment: Environment, username: Username) -> Answer:
    """Let a disabled machine user work again."""
    return Fields(call.run(users.enable, users.OfMachineUser(environment, username)))


@noun.command("delete")
def delete(call: Call, environment: Environment, username: Username, yes: Yes = False) -> Answer:
    """Delete a machine user and the API tokens that act for it."""
    output.confirm(f"This deletes the machine user {username} of {environment} and its API tokens.", yes=yes)
    call.run(users.delete, users.OfMachineUser(environment, username))
    return Fields({"deleted": username})


def _shown(made: Row) -> Answer:
    return Fields(made, (PASSWORD_ONCE,) if "password" in made else ())
