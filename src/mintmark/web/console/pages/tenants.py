"""Operate → Tenants: the customers, each with its environments side by side, and its quota."""

from __future__ import annotations

from mintmark.authorization_server.administration.operations import environment as environments
from mintmark.authorization_server.administration.operations import person as people
from mintmark.authorization_server.administration.operations import quota as quotas
from mintmark.authorization_server.administration.operations import tenant as tenants
from mintmark.authorization_server.administration.operations.inputs import Nothing, OfTenant
from mintmark.authorization_server.administration.showing import row
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit

ONE = "/tenants/{tenant}"


@page("GET", "/tenants")
async def listing(visit: Visit) -> Answer:
    """The list."""
    places = await visit.rows(environments.listing, environments.EnvironmentsOf())
    rows = [
        {**each, "places": [place for place in places if place["id"].startswith(f"{each['handle']}/")]}
        for each in await visit.rows(tenants.listing, Nothing())
    ]
    return Page("tenants.html", {"rows": rows})


@page("GET", "/tenants/new")
async def new(visit: Visit) -> Answer:
    """The form of a new tenant."""
    del visit
    return Page("tenant_new.html")


@page("POST", "/tenants", again=new)
async def create(visit: Visit) -> Answer:
    """Make it."""
    form = visit.form
    made = await visit.run(
        tenants.create,
        tenants.NewTenant(form.one("handle"), form.one("name"), form.number("daily_token_limit")),
    )
    return SeeOther(f"/console/tenants/{made.handle}", "tenant_created")


@page("GET", ONE)
async def show(visit: Visit) -> Answer:
    """One tenant: its environments, people and quota."""
    handle = visit.where["tenant"]
    shown = row(await visit.run(tenants.show, OfTenant(handle)))
    values = {
        "tenant": shown,
        "places": await visit.rows(environments.listing, environments.EnvironmentsOf(handle)),
        "people": await visit.rows(people.listing, people.PeopleOf(handle)),
        "quota": row(await visit.run(quotas.show_tenant, OfTenant(handle)))
        if visit.may("tenant_quota.show")
        else None,
        "may": visit.may("tenant.change"),
    }
    return Page("tenant.html", values)


@page("POST", f"{ONE}/change", again=show)
async def change(visit: Visit) -> Answer:
    """Another name."""
    await visit.run(tenants.change, tenants.TenantChange(visit.where["tenant"], visit.form.one("name")))
    return _back(visit, "saved")


@page("POST", f"{ONE}/rate", again=show)
async def rate(visit: Visit) -> Answer:
    """Another limit per minute, or none; enforced or only watched."""
    form = visit.form
    given = tenants.TenantChange(
        visit.where["tenant"],
        rate_limit=form.number("rate_limit") or 0,
        rate_watched=form.one("rate_watched") == "yes",
    )
    await visit.run(tenants.change, given)
    return _back(visit, "saved")


@page("POST", f"{ONE}/quota", again=show)
async def quota(visit: Visit) -> Answer:
    """Another limit, or none."""
    limit = visit.form.number("daily_token_limit")
    if limit is None:
        await visit.run(quotas.clear_tenant, OfTenant(visit.where["tenant"]))
    else:
        await visit.run(quotas.set_tenant, quotas.TenantLimit(visit.where["tenant"], limit))
    return _back(visit, "saved")


@page("POST", f"{ONE}/disable", again=show)
async def disable(visit: Visit) -> Answer:
    """Stop everything of it."""
    await visit.run(tenants.disable, OfTenant(visit.where["tenant"]))
    return _back(visit, "disabled")


@page("POST", f"{ONE}/enable", again=show)
async def enable(visit: Visit) -> Answer:
    """Let it work again."""
    await visit.run(tenants.enable, OfTenant(visit.where["tenant"]))
    return _back(visit, "enabled")


@page("POST", f"{ONE}/delete", again=show)
async def delete(visit: Visit) -> Answer:
    """Delete it with everything; its handle has to be typed."""
    handle = visit.where["tenant"]
    await visit.run(tenants.show, OfTenant(handle))
    if visit.form.one("handle") != handle:
        return _back(visit, "not_confirmed")
    await visit.run(tenants.delete, OfTenant(handle))
    return SeeOther("/console/tenants", "tenant_deleted")


def _back(visit: Visit, said: str) -> SeeOther:
    return SeeOther(f"/console/tenants/{visit.where['tenant']}", said)
