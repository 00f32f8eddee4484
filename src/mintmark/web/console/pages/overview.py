"""The first page: what needs attention, and the environments with what they have done in the last day."""

from __future__ import annotations

from collections import Counter

from mintmark.authorization_server.administration.operations import access_request as requests
from mintmark.authorization_server.administration.operations import attention, audit
from mintmark.authorization_server.remedies import remedy
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, Visit

DAY = 86400
MOST_LOOKED_AT = 5000


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
        "needing": await visit.rows(attention.listing, attention.Where()),
    }
    return Page("overview.html", values)
