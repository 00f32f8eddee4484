"""Organization → People: who signs in here, with which role."""

from __future__ import annotations

from typing import cast

from mintmark.authorization_server.administration.operations import person as people
from mintmark.authorization_server.administration.showing import row
from mintmark.values.person import Role
from mintmark.values.secret import Secret
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit


@page("GET", "/people")
async def listing(visit: Visit) -> Answer:
    """The list."""
    return Page("people.html", {"rows": await visit.rows(people.listing, people.PeopleOf())})


@page("GET", "/people/new")
async def new(visit: Visit) -> Answer:
    """The form of a new person."""
    handles = sorted({view.tenant.handle for view in visit.environments()})
    return Page("person_new.html", {"handles": handles, "roles": _roles(visit)})


@page("POST", "/people", again=new)
async def create(visit: Visit) -> Answer:
    """Make one, with a first password."""
    form = visit.form
    password = (form.all("password") or [""])[0]
    await visit.run(
        people.create,
        people.PersonToMake(
            form.one("username"),
            cast(Role, form.one("role")),
            tenant=visit.principal.tenant or form.one("tenant"),
            name=form.one("name"),
            password=Secret(password) if password else None,
            openid=form.one("openid"),
        ),
    )
    return SeeOther("/console/people", "person_created")


@page("GET", "/people/{username}")
async def show(visit: Visit) -> Answer:
    """One person, and what can be done."""
    found = row(await visit.run(people.show, people.OfPerson(visit.where["username"])))
    return Page("person.html", {"person": found, "roles": _roles(visit), "may": visit.may("person.change")})


@page("POST", "/people/{username}/change", again=show)
async def change(visit: Visit) -> Answer:
    """Another name or role."""
    role = cast(Role, visit.form.one("role"))
    form = visit.form
    openid = form.one("openid") if visit.principal.is_operator else None
    await visit.run(
        people.change, people.PersonChange(visit.where["username"], form.one("name"), role, openid)
    )
    return SeeOther("/console/people", "saved")


@page("POST", "/people/{username}/password", again=show)
async def change_password(visit: Visit) -> Answer:
    """Another password at once; the person's sessions end."""
    typed = Secret((visit.form.all("password") or [""])[0])
    await visit.run(people.change_password, people.PersonPassword(visit.where["username"], typed))
    return SeeOther("/console/people", "password_changed")


@page("POST", "/people/{username}/reset-sign-in", again=show)
async def reset_sign_in(visit: Visit) -> Answer:
    """Take one-time codes and passkeys away from somebody who has lost a device."""
    await visit.run(people.reset_sign_in, people.OfPerson(visit.where["username"]))
    return SeeOther("/console/people", "sign_in_reset")


@page("POST", "/people/{username}/disable", again=show)
async def disable(visit: Visit) -> Answer:
    """Lock a person out at once."""
    await visit.run(people.disable, people.OfPerson(visit.where["username"]))
    return SeeOther("/console/people", "disabled")


@page("POST", "/people/{username}/enable", again=show)
async def enable(visit: Visit) -> Answer:
    """Let a person in again."""
    await visit.run(people.enable, people.OfPerson(visit.where["username"]))
    return SeeOther("/console/people", "enabled")


@page("POST", "/people/{username}/delete", again=show)
async def delete(visit: Visit) -> Answer:
    """Delete a person."""
    await visit.run(people.delete, people.OfPerson(visit.where["username"]))
    return SeeOther("/console/people", "person_deleted")


def _roles(visit: Visit) -> list[str]:
    roles = ["admin", "developer", "auditor"]
    return ["operator", *roles] if visit.principal.is_operator else roles
