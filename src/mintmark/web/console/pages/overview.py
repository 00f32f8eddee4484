"""The first page: what needs attention, and the environments with what they have done in the last day."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mintmark.authorization_server.administration.operations import access_request as requests
from mintmark.authorization_server.administration.operations import audit
from mintmark.authorization_server.administration.operations import client as clients
from mintmark.authorization_server.administration.operations import secret as secrets
from mintmark.authorization_server.administration.operations.inputs import OfClient, OfEnvironment
from mintmark.authorization_server.administration.showing import at, row
from mintmark.authorization_server.remedies import remedy
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, Visit

DAY = 86400
SOON = 14 * DAY
UNUSED = 90 * DAY
MOST_LOOKED_AT = 5000
MOST_CLIENTS = 200


@page("GET", "/")
async def overview(visit: Visit) -> Answer:
    """What needs attention first."""
    since = int(visit.now) - DAY
    events = await visit.run(audit.search, audit.Search(since=since, limit=MOST_LOOKED_AT))
    counts: dict[str, Counter[str]] = {}
    reasons: Counter[tuple[str, str]] = Counter()
    for _, event in events:
        if event.outcome in ("issued", "refused") and event.environment:
            counts.setdefault(event.environment, Counter())[event.outcome] += event.count
        if event.outcome == "refused" and event.environment:
            reasons[event.environment, event.reason] += event.count
    waiting = (
        await visit.rows(requests.listing, requests.RequestsIn("asked"))
        if visit.principal.is_operator
        else []
    )
    values = {
        "places": [
            {
                "view": view,
                **{name: counts.get(view.environment.id, Counter())[name] for name in ("issued", "refused")},
            }
            for view in visit.environments()
        ],
        "partial": len(events) == MOST_LOOKED_AT,
        "reasons": [
            {"environment": place, "reason": reason, "count": count, "remedy": remedy(reason)}
            for (place, reason), count in reasons.most_common(6)
        ],
        "waiting": waiting,
        "secrets": await _secrets(visit),
    }
    return Page("overview.html", values)


async def _secrets(visit: Visit) -> list[dict[str, Any]]:
    """Secrets that end soon, and those that nothing has used for long, of the first clients that one sees."""
    soon, long_ago = at(visit.now + SOON) or "", at(visit.now - UNUSED) or ""
    found: list[dict[str, Any]] = []
    looked_at = 0
    for view in visit.environments():
        for client in await visit.run(clients.listing, OfEnvironment(view.environment.id)):
            looked_at += 1
            if looked_at > MOST_CLIENTS:
                return found
            subject = OfClient(client.environment, client.client_id)
            for each in await visit.rows(secrets.listing, subject):
                if each["state"] not in ("active", "retiring"):
                    continue
                ends = min(filter(None, (each["retires_at"], each["expires_at"])), default=None)
                about = {"client": row(client), **each, "ends": ends}
                if ends is not None and ends < soon:
                    found.append({**about, "why": "ends"})
                elif (each["last_used_at"] or each["created_at"] or "") < long_ago:
                    found.append({**about, "why": "unused"})
    return found
