"""`mintmark admin machine-user`: users that stand for integrations."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration import Act, imported_secrets, machine_users
from mintmark.authorization_server.administration.showing import row
from mintmark.cli import output, secret_input
from mintmark.cli.admin.options import Environment, Scopes, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import Administration, UsageFault
from mintmark.values.credential import MachineUser
from mintmark.values.permission import EVERYTHING
from mintmark.values.secret import Secret

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
    return _made(call, environment, username, given, scope, proxy_login, proxy_audience, imported=False)


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
    return _made(call, environment, username, given, scope, proxy_login, proxy_audience, imported=True)


def _made(
    call: Call,
    environment: str,
    username: str,
    given: Secret | None,
    scope: list[str] | None,
    proxy_login: bool,
    proxy_audience: str | None,
    *,
    imported: bool,
) -> Answer:
    async def task(opened: Administration, act: Act) -> tuple[MachineUser, Secret]:
        password = imported_secrets.new_password(act) if given is None else given
        digest = imported_secrets.password_digest(act, password, imported=imported)
        made = await opened.store.write(
            lambda tx: machine_users.create(
                tx,
                act,
                environment=environment,
                username=username,
                digest=digest,
                scopes=scope or (EVERYTHING,),
                proxy_login=proxy_login,
                proxy_audience=proxy_audience,
                imported=imported,
            )
        )
        return made, password

    made, password = call.administer(task)
    if given is not None:
        return Fields(row(made))
    return Fields({**row(made), "password": password}, (PASSWORD_ONCE,))


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List the machine users of an environment."""
    found = call.read(lambda tx, _: machine_users.listing(tx, environment))
    return Table(("username", "enabled", "scopes", "proxy_login", "id"), [row(user) for user in found])


@noun.command("show")
def show(call: Call, environment: Environment, username: Username) -> Answer:
    """Show a machine user."""
    return Fields(row(call.read(lambda tx, _: machine_users.show(tx, environment, username))))


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
    made = call.write(
        lambda tx, act: machine_users.change(
            tx,
            act,
            environment,
            username,
            scopes=scope,
            proxy_login=proxy_login,
            proxy_audience=proxy_audience,
        )
    )
    return Fields(row(made))


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

    async def task(opened: Administration, act: Act) -> tuple[MachineUser, Secret]:
        password = imported_secrets.new_password(act) if given is None else given
        digest = imported_secrets.password_digest(act, password)
        changed = await opened.store.write(
            lambda tx: machine_users.change_password(tx, act, environment, username, digest=digest)
        )
        return changed, password

    changed, password = call.administer(task)
    if given is not None:
        return Fields(row(changed))
    return Fields({**row(changed), "password": password}, (PASSWORD_ONCE,))


@noun.command("disable")
def disable(call: Call, environment: Environment, username: Username) -> Answer:
    """Refuse a machine user and its tokens at once."""
    return Fields(row(call.write(lambda tx, act: machine_users.disable(tx, act, environment, username))))


@noun.command("enable")
def enable(call: Call, environment: Environment, username: Username) -> Answer:
    """Let a disabled machine user work again."""
    return Fields(row(call.write(lambda tx, act: machine_users.enable(tx, act, environment, username))))


@noun.command("delete")
def delete(call: Call, environment: Environment, username: Username, yes: Yes = False) -> Answer:
    """Delete a machine user and the API tokens that act for it."""
    output.confirm(f"This deletes the machine user {username} of {environment} and its API tokens.", yes=yes)
    call.write(lambda tx, act: machine_users.delete(tx, act, environment, username))
    return Fields({"deleted": username})
