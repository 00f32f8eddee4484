"""Settings → API tokens: made for an API with scopes, for a machine user where wished, shown once."""

from __future__ import annotations

from typing import Any

from mintmark.authorization_server.administration.operations import api as apis
from mintmark.authorization_server.administration.operations import machine_user as users
from mintmark.authorization_server.administration.operations import token as tokens
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.authorization_server.administration.showing import row
from mintmark.web.console.router import page
from mintmark.web.console.token_requests import api_url
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit

PLACE = "/e/{tenant}/{name}/api-tokens"
DAY = 86400


@page("GET", PLACE)
async def listing(visit: Visit) -> Answer:
    """The list."""
    return await _listing(visit)


async def _listing(visit: Visit, **more: Any) -> Page:
    place = OfEnvironment(visit.environment)
    rows = await visit.rows(tokens.listing, place)
    names = {each["id"]: each["username"] for each in await visit.rows(users.listing, place)}
    rows.sort(key=lambda each: (each["state"] != "active", each["created_at"] or ""))
    return Page(
        "api_tokens.html", {"view": visit.view(), "rows": rows, "names": names, "new_token": None, **more}
    )


@page("GET", f"{PLACE}/new")
async def new(visit: Visit) -> Answer:
    """The form of a new token."""
    place = OfEnvironment(visit.environment)
    known = [each for each in await visit.run(apis.listing, place) if each.enabled]
    theirs = [each for each in await visit.rows(users.listing, place) if each["enabled"]]
    return Page("api_token_new.html", {"view": visit.view(), "apis": known, "users": theirs})


@page("POST", PLACE, again=new)
async def create(visit: Visit) -> Answer:
    """Make it, and show it once."""
    form = visit.form
    audience = form.one("api")
    days = form.number("days")
    made = await visit.run(
        tokens.create,
        tokens.ApiTokenToMake(
            visit.environment,
            audience,
            tuple(form.all(f"scope:{audience}")),
            label=form.one("label"),
            machine_user=form.one("machine_user") or None,
            expires_at=None if days is None else int(visit.now) + days * DAY,
        ),
    )
    return await _listing(
        visit,
        new_token=made.token,
        made=row(made),
        api_url=api_url(visit.view(), audience),
        call=visit.services.sample(visit.where["tenant"]),
        then=f"{visit.home}/api-tokens",
    )


@page("POST", PLACE + "/{token_id}/revoke", again=listing)
async def revoke(visit: Visit) -> Answer:
    """End a token now."""
    await visit.run(tokens.revoke, tokens.OfToken(visit.environment, visit.where["token_id"]))
    return SeeOther(f"{visit.home}/api-tokens", "token_revoked")
