"""Operate → APIs: the resource servers of an environment, and which environments have which."""

from __future__ import annotations

from typing import cast

from mintmark.authorization_server.administration.operations import api as apis
from mintmark.authorization_server.administration.operations.inputs import OfApi, OfEnvironment
from mintmark.authorization_server.administration.showing import row
from mintmark.values.tenancy import Algorithm, TokenFormat
from mintmark.web.console.forms import Form
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit
from mintmark.wire.http import Malformed

PLACE = "/e/{tenant}/{name}/apis"
ONE = PLACE + "/{audience}"


@page("GET", "/apis")
async def everywhere(visit: Visit) -> Answer:
    """Every audience, and the environments that have it."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for view in visit.environments():
        for api in view.apis.values():
            found.setdefault(api.audience, []).append((view.environment.id, api.enabled))
    return Page("apis_everywhere.html", {"rows": sorted(found.items())})


@page("GET", PLACE)
async def listing(visit: Visit) -> Answer:
    """The APIs of one environment."""
    rows = await visit.rows(apis.listing, OfEnvironment(visit.environment))
    return Page("apis.html", {"view": visit.view(), "rows": rows})


@page("GET", f"{PLACE}/new")
async def new(visit: Visit) -> Answer:
    """The form of a new one."""
    return Page("api_edit.html", {"view": visit.view(), "api": None, "may": visit.may("api.create")})


@page("POST", PLACE, again=new)
async def create(visit: Visit) -> Answer:
    """Make it, with a signing key where the environment has none for its algorithm."""
    form = visit.form
    await visit.run(
        apis.create,
        apis.NewApi(
            visit.environment,
            form.one("audience"),
            form.one("name"),
            scopes(form),
            token_lifetime=form.number("token_lifetime") or 3600,
            token_format=cast(TokenFormat, form.one("token_format", "jwt")),
            algorithm=cast(Algorithm, form.one("algorithm", "ES256")),
            status_list=form.one("status_list") == "yes",
        ),
    )
    return SeeOther(f"{visit.home}/apis", "saved")


def scopes(form: Form) -> dict[str, str]:
    """Scope tokens with their meaning, one a line. Raises Malformed."""
    found: dict[str, str] = {}
    for line in form.one("scopes").split("\n"):
        token, _, words = line.strip().partition(" ")
        if not token:
            continue
        if token in found:
            raise Malformed(f"The scope {token[:80]} stands twice.")
        found[token] = words.strip() or token
    return found


@page("GET", ONE)
async def show(visit: Visit) -> Answer:
    """One API."""
    found = row(await visit.run(apis.show, OfApi(visit.environment, visit.where["audience"])))
    return Page("api_edit.html", {"view": visit.view(), "api": found, "may": visit.may("api.change")})


@page("POST", f"{ONE}/change", again=show)
async def change(visit: Visit) -> Answer:
    """Another name, lifetime, other scopes."""
    form = visit.form
    await visit.run(
        apis.change,
        apis.ApiChange(
            visit.environment,
            visit.where["audience"],
            name=form.one("name"),
            scopes=scopes(form),
            token_lifetime=form.number("token_lifetime"),
            status_list=form.one("status_list") == "yes",
        ),
    )
    return SeeOther(f"{visit.home}/apis", "saved")


@page("POST", f"{ONE}/disable", again=show)
async def disable(visit: Visit) -> Answer:
    """No more tokens for it, and those that exist are refused."""
    await visit.run(apis.disable, OfApi(visit.environment, visit.where["audience"]))
    return SeeOther(f"{visit.home}/apis", "disabled")


@page("POST", f"{ONE}/enable", again=show)
async def enable(visit: Visit) -> Answer:
    """The tenant has it again."""
    await visit.run(apis.enable, OfApi(visit.environment, visit.where["audience"]))
    return SeeOther(f"{visit.home}/apis", "enabled")


@page("POST", f"{ONE}/delete", again=show)
async def delete(visit: Visit) -> Answer:
    """Delete it, when nothing uses it any more."""
    await visit.run(apis.delete, OfApi(visit.environment, visit.where["audience"]))
    return SeeOther(f"{visit.home}/apis", "saved")
