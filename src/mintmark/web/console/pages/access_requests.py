"""Asking for credentials without having any (a public form), and the operators' queue that answers."""

from __future__ import annotations

import json
from typing import Any

from mintmark.authorization_server.administration.access import Principal
from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.administration.operations import access_request as requests
from mintmark.authorization_server.administration.operations import hand_over as hand_overs
from mintmark.authorization_server.administration.showing import row
from mintmark.authorization_server.ports import Take
from mintmark.authorization_server.wider_limits import network_of
from mintmark.values.secret import Secret
from mintmark.web.console.pages.applications import ready
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit
from mintmark.wire.http import Malformed

#: Requests from one address in an hour, and from everywhere in a day; a request that waits longer is not lost.
PER_ADDRESS, PER_DAY = 5, 200
HOUR, DAY = 3600, 86400


@page("GET", "/request-access", open=True)
async def form(visit: Visit) -> Answer:
    """The public form."""
    if not visit.services.access_requests:
        raise AdministrationFault("This server takes no requests for access.", "not_found")
    return Page("request_access.html", {"sent": False})


@page("POST", "/request-access", open=True, again=form)
async def ask(visit: Visit) -> Answer:
    """Note the request. A field that people do not see catches programs that fill in everything."""
    services, given = visit.services, visit.form
    if not services.access_requests:
        raise AdministrationFault("This server takes no requests for access.", "not_found")
    if given.one("website"):
        return Page("request_access.html", {"sent": True})
    counters, address = services.limits.counters, network_of(visit.caller.peer)
    takes = (Take(f"ask:{address}", PER_ADDRESS, HOUR), Take("ask:*", PER_DAY, DAY))
    if not all(verdict.allowed for verdict in await counters.take(takes, visit.now)):
        raise Malformed("Too many requests came in: try again in an hour.")
    await services.administration.run(
        requests.ask,
        Principal.installation("visitor"),
        requests.Asked(
            given.one("name"), given.one("organization"), given.one("use_case"), given.one("contact")
        ),
        request_id=visit.caller.request_id,
        peer=visit.caller.peer,
    )
    return Page("request_access.html", {"sent": True})


@page("GET", "/access-requests")
async def queue(visit: Visit) -> Answer:
    """Those that wait, then the others."""
    found = [row(each) for each in await visit.run(requests.listing, requests.RequestsIn())]
    found.sort(key=lambda each: (each["state"] != "asked", each["created_at"]))
    return Page("access_requests.html", {"rows": found, "open": visit.services.access_requests})


@page("GET", "/access-requests/{request_id}")
async def show(visit: Visit) -> Answer:
    """One request, and how it can be answered."""
    return await _shown(visit)


async def _shown(visit: Visit, **more: Any) -> Page:
    found = row(await visit.run(requests.show, requests.OfRequest(visit.where["request_id"])))
    handle = "".join(
        each if each.isascii() and each.isalnum() else "-" for each in found["organization"].lower()
    )
    values = {
        "request": found,
        "handle": "-".join(filter(None, handle.split("-")))[:40],
        "places": [view.environment.id for view in visit.environments()],
        "link": None,
        "panel": None,
        **more,
    }
    return Page("access_request.html", values)


@page("POST", "/access-requests/{request_id}/grant", again=show)
async def grant(visit: Visit) -> Answer:
    """Make tenant, client and quota, and a one-time link by which the person fetches the credentials."""
    given = visit.form
    made = await visit.run(
        requests.grant,
        requests.Granted(
            visit.where["request_id"],
            given.one("tenant"),
            given.one("copy_from"),
            given.one("name"),
            given.number("daily_token_limit"),
        ),
    )
    await visit.services.directory.refresh()
    there = visit.at(made.client.environment)
    panel = ready(there, made.client, made.secret)
    values = credentials(panel, made.secret or Secret(""))
    over = await visit.run(
        hand_overs.create,
        hand_overs.HandOverToMake(
            made.client.environment, f"Credentials of {made.client.client_name}", values
        ),
    )
    then = f"/console/access-requests/{visit.where['request_id']}"
    return await _shown(
        visit, link=link(visit, over.code), expires_at=row(over.hand_over)["expires_at"], then=then
    )


def credentials(panel: dict[str, Any], secret: Secret) -> Secret:
    """What a program needs, as it is handed over: a JSON object of texts."""
    endpoint = panel["endpoint"]
    values = {
        "API URL": panel["api_url"],
        "Authentication URL": endpoint.url if endpoint else "",
        "Audience": panel["audience"],
        "Client ID": panel["client"]["client_id"],
        "Client secret": secret.reveal(),
    }
    return Secret(json.dumps({name: text for name, text in values.items() if text}))


def link(visit: Visit, code: Secret) -> Secret:
    """The address of a hand-over; its code is behind the #, which browsers keep to themselves."""
    return Secret(f"{visit.services.public_url}/console/hand-over#{code.reveal()}")


@page("POST", "/access-requests/{request_id}/refuse", again=show)
async def refuse(visit: Visit) -> Answer:
    """Refuse it with a reason."""
    await visit.run(requests.refuse, requests.Refusal(visit.where["request_id"], visit.form.one("reason")))
    return SeeOther("/console/access-requests", "request_refused")
