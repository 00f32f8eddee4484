"""Settings → Machine users: made, given another password, disabled, deleted. Issued tokens outlive a new password."""

from __future__ import annotations

from typing import Any

from mintmark.authorization_server.administration.operations import api as apis
from mintmark.authorization_server.administration.operations import machine_user as users
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.values.permission import EVERYTHING
from mintmark.values.secret import Secret
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit

PLACE = "/e/{tenant}/{name}/machine-users"
ONE = PLACE + "/{username}"


@page("GET", PLACE)
async def listing(visit: Visit) -> Answer:
    """The list."""
    return await _listing(visit)


async def _listing(visit: Visit, **more: Any) -> Page:
    rows = await visit.rows(users.listing, OfEnvironment(visit.environment))
    return Page("machine_users.html", {"view": visit.view(), "rows": rows, "made": None, **more})


@page("GET", f"{PLACE}/new")
async def new(visit: Visit) -> Answer:
    """The form of a new one."""
    known = await visit.run(apis.listing, OfEnvironment(visit.environment))
    return Page(
        "machine_user_new.html", {"view": visit.view(), "apis": [each for each in known if each.enabled]}
    )


@page("POST", PLACE, again=new)
async def create(visit: Visit) -> Answer:
    """Make it; a generated password is shown once."""
    form = visit.form
    proxy = form.one("proxy_login") == "yes"
    scopes = tuple(dict.fromkeys(form.all("scope"))) if form.one("bound") == "some" else (EVERYTHING,)
    made = await visit.run(
        users.create,
        users.MachineUserToMake(
            visit.environment,
            form.one("username"),
            password=_password(visit),
            scopes=scopes,
            proxy_login=proxy,
            proxy_audience=form.one("proxy_audience") or None if proxy else None,
        ),
    )
    return await _made(visit, made)


def _password(visit: Visit) -> Secret | None:
    typed = visit.form.all("password")
    return Secret(typed[0]) if typed and typed[0] else None


async def _made(visit: Visit, made: users.NewMachineUser) -> Page:
    shown = {"username": made.user.username, "password": made.password}
    return await _listing(visit, made=shown, then=f"{visit.home}/machine-users")


@page("GET", ONE)
async def show(visit: Visit) -> Answer:
    """One machine user, and what can be done with it."""
    found = await visit.rows(users.listing, OfEnvironment(visit.environment))
    await visit.run(users.show, users.OfMachineUser(visit.environment, visit.where["username"]))
    (user,) = (each for each in found if each["username"] == visit.where["username"])
    return Page(
        "machine_user.html", {"view": visit.view(), "user": user, "may": visit.may("machine_user.change")}
    )


@page("POST", f"{ONE}/password", again=show)
async def change_password(visit: Visit) -> Answer:
    """Another password at once; what it obtained lives on."""
    changed = await visit.run(
        users.change_password,
        users.MachineUserPassword(visit.environment, visit.where["username"], _password(visit)),
    )
    if changed.password is None:
        return SeeOther(f"{visit.home}/machine-users", "password_changed")
    return await _made(visit, changed)


@page("POST", f"{ONE}/disable", again=show)
async def disable(visit: Visit) -> Answer:
    """Refuse it and its tokens at once."""
    await visit.run(users.disable, users.OfMachineUser(visit.environment, visit.where["username"]))
    return SeeOther(f"{visit.home}/machine-users", "disabled")


@page("POST", f"{ONE}/enable", again=show)
async def enable(visit: Visit) -> Answer:
    """Let it work again."""
    await visit.run(users.enable, users.OfMachineUser(visit.environment, visit.where["username"]))
    return SeeOther(f"{visit.home}/machine-users", "enabled")


@page("POST", f"{ONE}/delete", again=show)
async def delete(visit: Visit) -> Answer:
    """Delete it with the API tokens that act for it."""
    await visit.run(users.delete, users.OfMachineUser(visit.environment, visit.where["username"]))
    return SeeOther(f"{visit.home}/machine-users", "user_deleted")
