"""`mintmark admin person`: operators, and the admins, developers and auditors of tenants."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from mintmark.authorization_server.administration.operations import person as people
from mintmark.cli import output, secret_input
from mintmark.cli.admin.options import Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import UsageFault
from mintmark.values.person import Role

noun = Noun("person", "People: operators, and the admins, developers and auditors of tenants.")
Username = Annotated[str, typer.Argument(metavar="USERNAME", help="The person's user name.")]
RoleName = Annotated[str, typer.Option("--role", help="operator, admin, developer or auditor.")]


@noun.command("create")
def create(
    call: Call,
    username: Username,
    role: RoleName = "operator",
    tenant: Annotated[
        str, typer.Option("--tenant", help="The tenant whose person this is.", show_default=False)
    ] = "",
    name: Annotated[
        str, typer.Option("--name", help="Name for people [the user name].", show_default=False)
    ] = "",
    openid: Annotated[
        str, typer.Option("--openid", help="sub or address at the OpenID provider.", show_default=False)
    ] = "",
    no_password: Annotated[
        bool, typer.Option("--no-password", help="The person signs in otherwise.")
    ] = False,
    password_file: secret_input.PasswordFile = None,
    password_stdin: secret_input.PasswordStdin = False,
    password_env: secret_input.PasswordEnvironment = None,
) -> Answer:
    """Create a person; the user names of a tenant's people end in @ and its handle."""
    password = None
    if not no_password:
        password = secret_input.read("password", password_file, password_stdin, password_env)
    elif password_file is not None or password_stdin or password_env is not None:
        raise UsageFault("--no-password and a given password exclude each other: choose one.")
    given = people.PersonToMake(username, cast(Role, role), tenant, name, password, openid)
    return Fields(call.run(people.create, given))


@noun.command("list")
def listing(
    call: Call,
    tenant: Annotated[str, typer.Option("--tenant", help="Of this tenant only.", show_default=False)] = "",
) -> Answer:
    """List people."""
    found = call.run(people.listing, people.PeopleOf(tenant))
    return Table(("username", "name", "role", "tenant", "enabled", "created_at"), found)


@noun.command("show")
def show(call: Call, username: Username) -> Answer:
    """Show a person."""
    return Fields(call.run(people.show, people.OfPerson(username)))


@noun.command("change")
def change(
    call: Call,
    username: Username,
    name: Annotated[str | None, typer.Option("--name", help="Name for people.", show_default=False)] = None,
    role: Annotated[
        str | None,
        typer.Option("--role", help="operator, admin, developer or auditor.", show_default=False),
    ] = None,
    openid: Annotated[
        str | None,
        typer.Option("--openid", help="sub or address at the OpenID provider.", show_default=False),
    ] = None,
) -> Answer:
    """Change what is given; user name and tenant stay."""
    given = people.PersonChange(username, name, cast(Role | None, role), openid)
    return Fields(call.change(people.change, given))


@noun.command("change-password")
def change_password(
    call: Call,
    username: Username,
    password_file: secret_input.PasswordFile = None,
    password_stdin: secret_input.PasswordStdin = False,
    password_env: secret_input.PasswordEnvironment = None,
) -> Answer:
    """Replace a person's password at once."""
    password = secret_input.read("password", password_file, password_stdin, password_env)
    return Fields(call.run(people.change_password, people.PersonPassword(username, password)))


@noun.command("reset-sign-in")
def reset_sign_in(call: Call, username: Username, yes: Yes = False) -> Answer:
    """Take one-time codes and passkeys away from somebody who has lost a device; the password stays."""
    output.confirm(f"{username} signs in by password alone then.", yes=yes)
    return Fields(call.run(people.reset_sign_in, people.OfPerson(username)))


@noun.command("disable")
def disable(call: Call, username: Username) -> Answer:
    """Lock a person out; the last operator cannot be."""
    return Fields(call.run(people.disable, people.OfPerson(username)))


@noun.command("enable")
def enable(call: Call, username: Username) -> Answer:
    """Let a disabled person in again."""
    return Fields(call.run(people.enable, people.OfPerson(username)))


@noun.command("delete")
def delete(call: Call, username: Username, yes: Yes = False) -> Answer:
    """Delete a person; a developer's applications stay and belong to nobody."""
    output.confirm(f"This deletes the person {username}.", yes=yes)
    call.run(people.delete, people.OfPerson(username))
    return Fields({"deleted": username})
