"""Watch → Usage: tokens issued, refused and why, by application and over time, and what is left of the day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from mintmark.authorization_server.administration.operations import client as clients
from mintmark.authorization_server.administration.operations import quota as quotas
from mintmark.authorization_server.administration.operations import usage
from mintmark.authorization_server.administration.operations.inputs import OfClient, OfEnvironment, OfTenant
from mintmark.authorization_server.administration.showing import row
from mintmark.authorization_server.remedies import remedy
from mintmark.web.console.charts import Bar, draw
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, Visit

#: Name of a period -> seconds back, seconds of a span, how a span is called, every how many are marked.
PERIODS = {
    "day": (usage.DAY, usage.HOUR, "%H:%M", 4),
    "week": (7 * usage.DAY, usage.DAY, "%-d %b", 1),
    "month": (30 * usage.DAY, usage.DAY, "%-d %b", 5),
}


@page("GET", "/e/{tenant}/{name}/usage")
async def show(visit: Visit) -> Answer:
    """The chart, and who and why behind it."""
    period = visit.query.one("period", "day")
    since, span, form, every = PERIODS.get(period, PERIODS["day"])
    only = visit.query.one("client_id")
    found = await visit.run(usage.show, usage.UsageOf(visit.environment, since, span))
    known = {
        each.client_id: each for each in await visit.run(clients.listing, OfEnvironment(visit.environment))
    }
    shown = [each for each in found if only in ("", each.client_id)]
    issued, refused, reasons = Counter[str](), Counter[str](), Counter[str]()
    for each in found:
        (issued if each.outcome == "issued" else refused)[each.client_id] += each.count
    for each in shown:
        if each.outcome == "refused":
            reasons[each.reason] += each.count
    bars = _bars(shown, int(visit.now), since, span, form, every)
    applications = [
        {
            "client_id": client_id,
            "name": known[client_id].client_name if client_id in known else "",
            "issued": issued[client_id],
            "refused": refused[client_id],
            "quota": await _quota(visit, client_id) if client_id in known else None,
        }
        for client_id in sorted(
            issued.keys() | refused.keys(), key=lambda each: (-issued[each] - refused[each], each)
        )
    ]
    values = {
        "view": visit.view(),
        "period": period if period in PERIODS else "day",
        "periods": tuple(PERIODS),
        "only": only,
        "only_name": known[only].client_name if only in known else only,
        "bars": bars,
        "chart": draw(bars),
        "issued": sum(bar.issued for bar in bars),
        "refused": sum(bar.refused for bar in bars),
        "applications": applications[:50],
        "reasons": [
            {"reason": reason, "count": count, "remedy": remedy(reason)}
            for reason, count in reasons.most_common(12)
        ],
        "tenant_quota": await _tenant_quota(visit),
    }
    return Page("usage.html", values)


def _bars(found: list[usage.UsageEntry], now: int, since: int, span: int, form: str, every: int) -> list[Bar]:
    counts: dict[int, Counter[str]] = {}
    for each in found:
        counts.setdefault(each.at, Counter())[each.outcome] += each.count
    begins = range((now - since) // span * span, now + 1, span)
    bars = []
    for index, at in enumerate(begins):
        label = datetime.fromtimestamp(at, UTC).strftime(form)
        count = counts.get(at, Counter())
        bars.append(Bar(label, label if index % every == 0 else "", count["issued"], count["refused"]))
    return bars


async def _quota(visit: Visit, client_id: str) -> dict[str, Any] | None:
    shown = row(await visit.run(quotas.show_client, OfClient(visit.environment, client_id)))
    return shown if shown["daily_token_limit"] is not None else None


async def _tenant_quota(visit: Visit) -> dict[str, Any] | None:
    if not visit.may("tenant_quota.show"):
        return None
    shown = row(await visit.run(quotas.show_tenant, OfTenant(visit.where["tenant"])))
    return shown if shown["daily_token_limit"] is not None else None
