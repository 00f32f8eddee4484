"""Operate → Environment: issuer, hosts and limits, and its token endpoints with who uses them and when they end."""

from __future__ import annotations

from datetime import UTC, datetime

from mintmark.authorization_server.administration.act import forbidden
from mintmark.authorization_server.administration.operations import environment as environments
from mintmark.authorization_server.administration.operations import mount as mounts
from mintmark.authorization_server.administration.operations import tenant as tenants
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment, OfTenant
from mintmark.authorization_server.administration.showing import row
from mintmark.web.console.forms import Form
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit
from mintmark.wire.http import Malformed

HOME = "/e/{tenant}/{name}/settings"


@page("GET", "/tenants/{tenant}/environments/new")
async def new(visit: Visit) -> Answer:
    """The form of a new environment."""
    await visit.run(tenants.show, OfTenant(visit.where["tenant"]))
    if not visit.may("environment.create"):
        raise forbidden("Only operators make environments: ask them.")
    names = visit.services.administration.dialects.names()
    return Page("environment_new.html", {"handle": visit.where["tenant"], "dialects": names})


@page("POST", "/tenants/{tenant}/environments", again=new)
async def create(visit: Visit) -> Answer:
    """Make it, with a first token endpoint at the path of its dialect."""
    form, handle = visit.form, visit.where["tenant"]
    dialect = form.one("dialect")
    path = _own_path(visit, dialect) if dialect else ""
    made = await visit.run(
        environments.create,
        environments.NewEnvironment(
            f"{handle}/{form.one('name')}", form.one("issuer"), {path: dialect} if dialect else {}
        ),
    )
    return SeeOther(f"/console/e/{made.id}/settings", "environment_created")


@page("GET", HOME)
async def show(visit: Visit) -> Answer:
    """One environment."""
    shown = row(await visit.run(environments.show, OfEnvironment(visit.environment)))
    values = {
        "view": visit.view(),
        "place": shown,
        "mounts": await visit.rows(mounts.listing, mounts.MountsOf(visit.environment)),
        "dialects": visit.services.administration.dialects.names(),
        "may": visit.may("environment.change"),
    }
    return Page("environment.html", values)


@page("POST", f"{HOME}/change", again=show)
async def change(visit: Visit) -> Answer:
    """Other limits."""
    form = visit.form
    days = form.number("overlap_days")
    await visit.run(
        environments.change,
        environments.EnvironmentChange(
            visit.environment,
            live_secrets=form.number("live_secrets"),
            overlap=None if days is None else days * 86400,
            rate_limit=form.number("rate_limit"),
            address_rate_limit=form.number("address_rate_limit") or 0,
            address_rate_watched=form.one("address_rate_watched") == "yes",
            reissue_seconds=form.number("reissue_seconds") or 0,
        ),
    )
    return _back(visit, "saved")


@page("POST", f"{HOME}/disable", again=show)
async def disable(visit: Visit) -> Answer:
    """Stop everything in it."""
    await visit.run(environments.disable, OfEnvironment(visit.environment))
    return _back(visit, "disabled")


@page("POST", f"{HOME}/enable", again=show)
async def enable(visit: Visit) -> Answer:
    """Let it work again."""
    await visit.run(environments.enable, OfEnvironment(visit.environment))
    return _back(visit, "enabled")


@page("POST", f"{HOME}/delete", again=show)
async def delete(visit: Visit) -> Answer:
    """Delete it with everything; its name has to be typed."""
    await visit.run(environments.show, OfEnvironment(visit.environment))
    if visit.form.one("confirm") != visit.environment:
        return _back(visit, "not_confirmed")
    await visit.run(environments.delete, OfEnvironment(visit.environment))
    return SeeOther(f"/console/tenants/{visit.where['tenant']}", "environment_deleted")


@page("POST", f"{HOME}/mounts", again=show)
async def add_mount(visit: Visit) -> Answer:
    """A further token endpoint, at the path of its dialect unless another is given."""
    form = visit.form
    dialect = form.one("dialect")
    path = form.one("path") or _own_path(visit, dialect)
    await visit.run(
        mounts.add,
        mounts.NewMount(
            visit.environment, path, dialect, roles=("api", "auth"), slow_secrets=form.one("slow") == "yes"
        ),
    )
    return _back(visit, "saved")


@page("POST", HOME + "/mounts/{path}/end", again=show)
async def end_mount(visit: Visit) -> Answer:
    """From a date on it answers 410; without one it goes on."""
    ends_at = day(visit.form, "ends_at")
    await visit.run(mounts.end, mounts.MountEnd(visit.environment, visit.where["path"], ends_at))
    return _back(visit, "saved")


@page("POST", HOME + "/mounts/{path}/remove", again=show)
async def remove_mount(visit: Visit) -> Answer:
    """It answers 404 at once."""
    await visit.run(mounts.remove, mounts.OfMount(visit.environment, visit.where["path"]))
    return _back(visit, "saved")


def _own_path(visit: Visit, dialect: str) -> str:
    """The path at which a dialect's token endpoint stands by itself."""
    dialects = visit.services.administration.dialects
    if dialect not in dialects.names():
        raise Malformed("Choose one of the dialects that there are.")
    return dialects.get(dialect).path


def day(form: Form, name: str) -> int | None:
    """The beginning of a day (UTC) in seconds since the epoch, or None when left empty. Raises Malformed."""
    text = form.one(name)
    if not text:
        return None
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise Malformed("A date is written as 2027-01-31.") from None


def _back(visit: Visit, said: str) -> SeeOther:
    return SeeOther(f"{visit.home}/settings", said)
