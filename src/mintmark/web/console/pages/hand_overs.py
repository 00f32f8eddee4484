"""Fetching handed-over credentials by a one-time link, and handing over what a panel shows.

Opening the link fetches nothing: a button does, so that what scans links burns none.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from mintmark.authorization_server.administration import hand_overs
from mintmark.authorization_server.administration.operations import client as clients
from mintmark.authorization_server.administration.operations import hand_over as operations
from mintmark.authorization_server.administration.operations.inputs import OfClient, OfEnvironment
from mintmark.authorization_server.administration.showing import row
from mintmark.values.errors import OAuthError
from mintmark.values.secret import Secret
from mintmark.web.console.pages.access_requests import credentials, link
from mintmark.web.console.pages.applications import ready
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit

_GONE = "This link leads nowhere: it was used already, has expired, or was not copied whole. Ask for another."


@page("GET", "/hand-over", open=True)
async def door(visit: Visit) -> Answer:
    """The button."""
    del visit
    return Page("hand_over.html", {"fault": "", "about": "", "values": None, "text": None})


@page("POST", "/hand-over", open=True)
async def fetch(visit: Visit) -> Answer:
    """Show what the code is for, this once."""
    services = visit.services
    code = Secret(visit.form.one("code").rpartition("#")[2])
    try:
        await services.limits.admit("console", code.reveal(), visit.caller.peer, visit.now)
    except OAuthError as fault:
        return _refused(f"Too many attempts: try again in {fault.retry_after} seconds.", 429)
    administration = services.administration
    act = administration.act("visitor", visit.caller.request_id, visit.caller.peer)
    found = await administration.store.write(lambda tx: hand_overs.fetch(tx, act, code))
    if found is None:
        await services.limits.failed("console", code.reveal(), visit.caller.peer, visit.now)
        return _refused(_GONE, 404)
    text = services.unseal(found.sealed, hand_overs.context(found.id)).decode("utf-8", "surrogatepass")
    values = _fields(text)
    shown = {"fault": "", "about": found.about, "values": values, "text": None if values else Secret(text)}
    return Page("hand_over.html", {**shown, "then": "/console/hand-over"})


def _refused(sentence: str, status: int) -> Page:
    return Page("hand_over.html", {"fault": sentence, "about": "", "values": None, "text": None}, status)


def _fields(text: str) -> list[tuple[str, Secret]] | None:
    """The members of a JSON object of texts; None for everything else."""
    try:
        read = json.loads(text)
    except ValueError:
        return None
    if not isinstance(read, dict) or not all(isinstance(each, str) for each in read.values()):
        return None
    return [(name, Secret(value)) for name, value in read.items()]


@page("POST", "/e/{tenant}/{name}/applications/{client_id}/hand-over")
async def create(visit: Visit) -> Answer:
    """A link for the credentials of a panel that is open."""
    found = await visit.run(clients.show, OfClient(visit.environment, visit.where["client_id"]))
    values = credentials(ready(visit, found.client, None), Secret(visit.form.one("client_secret")))
    then = f"{visit.home}/applications/{quote(visit.where['client_id'], safe='')}"
    return await _made(visit, f"Credentials of {found.client.client_name}", values, then)


async def _made(visit: Visit, about: str, text: Secret, then: str) -> Page:
    made = await visit.run(operations.create, operations.HandOverToMake(visit.environment, about, text))
    shown = {
        "view": visit.view(),
        "about": about,
        "link": link(visit, made.code),
        "expires_at": row(made.hand_over)["expires_at"],
        "then": then,
    }
    return Page("hand_over_made.html", shown)


@page("POST", "/e/{tenant}/{name}/hand-overs")
async def hand_over(visit: Visit) -> Answer:
    """A link for whatever another page has just shown once: a token, a password, a credentials file."""
    text = visit.form.all("text")
    then = f"{visit.home}/hand-overs"
    return await _made(visit, visit.form.one("about"), Secret(text[0] if text else ""), then)


@page("GET", "/e/{tenant}/{name}/hand-overs")
async def listing(visit: Visit) -> Answer:
    """Those that nobody has fetched yet."""
    rows = await visit.rows(operations.listing, OfEnvironment(visit.environment))
    return Page("hand_overs.html", {"view": visit.view(), "rows": rows})


@page("POST", "/e/{tenant}/{name}/hand-overs/{hand_over_id}/withdraw", again=listing)
async def withdraw(visit: Visit) -> Answer:
    """Let a link lead nowhere."""
    await visit.run(
        operations.withdraw, operations.OfHandOver(visit.environment, visit.where["hand_over_id"])
    )
    return SeeOther(f"{visit.home}/hand-overs", "hand_over_withdrawn")
