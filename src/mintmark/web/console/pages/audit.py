"""Watch → Audit: search, filter, and follow a request id to the exact check that failed and what to do about it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.administration.operations import audit
from mintmark.authorization_server.administration.showing import row
from mintmark.web.console.forms import Form
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, Visit
from mintmark.web.request_id import acceptable
from mintmark.wire.http import HttpResponse

SHOWN = 50
#: A refusal is in the trail within a second, or later on a server that is busy: so often one looks again, after so
#: many seconds, for what can be the id of a request.
LOOKS, PAUSE = 6, 0.5
MOST_EXPORTED = 10_000
#: What the filter offers for the time: its name, and seconds back.
SPANS = {"hour": 3600, "day": 86400, "week": 7 * 86400, "month": 30 * 86400}
#: What a text begins with that a spreadsheet takes for a formula, or skips before one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_FILTERS = ("environment", "request_id", "client_id", "kind", "outcome", "reason", "mount")


@page("GET", "/audit")
async def search(visit: Visit) -> Answer:
    """The newest events that fit; each leads to its own page."""
    query = visit.query
    found = await _found(visit, SHOWN + 1, query.number("before"))
    rows = [row(each) for each in found[:SHOWN]]
    following = ""
    if len(found) > SHOWN:
        following = _link(visit, {"before": str(rows[-1]["id"])})
    values = {
        "rows": rows,
        "filters": {name: query.one(name) for name in (*_FILTERS, "span")},
        "spans": tuple(SPANS),
        "places": [each.environment.id for each in visit.environments()],
        "following": following,
        "exports": {form: _link(visit, {}, "/console/audit/export." + form) for form in ("csv", "jsonl")},
    }
    return Page("audit.html", values)


@page("GET", "/audit/requests/{request_id}")
async def request(visit: Visit) -> Answer:
    """Everything that one request has caused, with the remedy of what was refused."""
    request_id = visit.where["request_id"]
    found = await visit.run(audit.search, audit.Search(request_id=request_id))
    for _ in range(LOOKS if acceptable(request_id.encode("utf-8", "replace")) else 0):
        if found:
            break
        await asyncio.sleep(PAUSE)
        found = await visit.run(audit.search, audit.Search(request_id=request_id))
    rows = [row(each) for each in reversed(found)]
    if not rows:
        raise AdministrationFault(
            "No event of a request with this id is to be seen; look whether it is written as the answer had it in "
            "X-Request-Id, and that the request reached this server.",
            "not_found",
        )
    return Page("audit_request.html", {"rows": rows, "request_id": request_id})


@page("GET", "/audit/export.csv")
async def export_csv(visit: Visit) -> Answer:
    """What fits, as a table for spreadsheets."""
    rows = [row(each) for each in await _found(visit, MOST_EXPORTED)]
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _harmless(value) for name, value in each.items()} for each in rows)
    return _file("audit.csv", b"text/csv; charset=utf-8", text.getvalue())


@page("GET", "/audit/export.jsonl")
async def export_jsonl(visit: Visit) -> Answer:
    """What fits, one JSON object a line."""
    rows = [row(each) for each in await _found(visit, MOST_EXPORTED)]
    return _file("audit.jsonl", b"application/jsonl", "".join(json.dumps(each) + "\n" for each in rows))


async def _found(visit: Visit, limit: int, before: int | None = None) -> list[audit.EventEntry]:
    query = visit.query
    span = SPANS.get(query.one("span"))
    given = {name: query.one(name) for name in _FILTERS}
    since = None if span is None else int(visit.now) - span
    search = replace(audit.Search(since=since, before=before, limit=limit), **given)  # type: ignore[arg-type]
    return await visit.run(audit.search, search)


def _link(visit: Visit, more: dict[str, str], path: str = "/console/audit") -> str:
    kept: Form = visit.query
    pairs = {name: kept.one(name) for name in (*_FILTERS, "span") if kept.one(name)} | more
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _harmless(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value


def _file(name: str, kind: bytes, text: str) -> HttpResponse:
    return HttpResponse(
        200,
        (
            (b"content-type", kind),
            (b"content-disposition", f'attachment; filename="{name}"'.encode("ascii")),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ),
        text.encode(),
    )
