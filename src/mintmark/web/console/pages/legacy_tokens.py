"""Operate → Legacy tokens: imported, watched until nothing uses them, retired."""

from __future__ import annotations

from mintmark.authorization_server.administration.operations import api as apis
from mintmark.authorization_server.administration.operations import token as tokens
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.values.secret import Secret
from mintmark.web.console.pages.environments import day
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit

PLACE = "/e/{tenant}/{name}/legacy-tokens"


@page("GET", PLACE)
async def listing(visit: Visit) -> Answer:
    """The list, with the last use of each."""
    place = OfEnvironment(visit.environment)
    values = {
        "view": visit.view(),
        "rows": await visit.rows(tokens.list_legacy, place),
        "apis": [each for each in await visit.run(apis.listing, place) if each.enabled],
    }
    return Page("legacy_tokens.html", values)


@page("POST", PLACE, again=listing)
async def import_token(visit: Visit) -> Answer:
    """Import one with the id and secret that its programs hold."""
    form = visit.form
    audience = form.one("api")
    typed = form.all("secret")
    await visit.run(
        tokens.import_legacy,
        tokens.LegacyTokenToImport(
            visit.environment,
            form.one("token_id"),
            Secret(typed[0] if typed else ""),
            audience,
            tuple(form.all(f"scope:{audience}")),
            label=form.one("label"),
            expires_at=day(form, "expires_at"),
        ),
    )
    return SeeOther(f"{visit.home}/legacy-tokens", "saved")


@page("POST", PLACE + "/{token_id}/retire", again=listing)
async def retire(visit: Visit) -> Answer:
    """Let it end now, or at the beginning of a day."""
    ends_at = day(visit.form, "ends_at")
    await visit.run(
        tokens.retire_legacy, tokens.LegacyTokenEnd(visit.environment, visit.where["token_id"], ends_at)
    )
    return SeeOther(f"{visit.home}/legacy-tokens", "saved")


@page("POST", PLACE + "/{token_id}/revoke", again=listing)
async def revoke(visit: Visit) -> Answer:
    """End one that has leaked."""
    await visit.run(tokens.revoke_legacy, tokens.OfToken(visit.environment, visit.where["token_id"]))
    return SeeOther(f"{visit.home}/legacy-tokens", "saved")
