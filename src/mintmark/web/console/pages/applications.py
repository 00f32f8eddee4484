"""Settings → Manage APIs: the OAuth applications of an environment, from *Create OAuth application* to the last use.

A secret is on the page that its creation answers and nowhere else: with the panel it is gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.administration.operations import api as apis
from mintmark.authorization_server.administration.operations import client as clients
from mintmark.authorization_server.administration.operations import quota as quotas
from mintmark.authorization_server.administration.operations import secret as secrets
from mintmark.authorization_server.administration.operations.inputs import OfClient, OfEnvironment
from mintmark.authorization_server.administration.showing import row
from mintmark.values.client import Client
from mintmark.values.secret import Secret
from mintmark.web.console.forms import Form
from mintmark.web.console.router import page
from mintmark.web.console.services import SampleCall
from mintmark.web.console.snippets import PLACEHOLDER, snippets
from mintmark.web.console.token_requests import Endpoint, api_url, endpoints, token_request
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit
from mintmark.wire.http import HttpRequest, HttpResponse

PLACE = "/e/{tenant}/{name}/applications"
ONE = PLACE + "/{client_id}"


async def listed(visit: Visit, kind: str) -> list[dict[str, Any]]:
    """The clients of a kind, newest first, each with the last use of its secrets."""
    found = [
        each
        for each in await visit.run(clients.listing, OfEnvironment(visit.environment))
        if each.kind == kind
    ]
    rows = []
    for client in sorted(found, key=lambda each: (-each.created_at, each.client_id)):
        entries = await visit.rows(secrets.listing, OfClient(visit.environment, client.client_id))
        used = max((each["last_used_at"] or "" for each in entries), default="")
        live = [each for each in entries if each["state"] in ("active", "retiring")]
        rows.append({**row(client), "last_used_at": used or None, "live": len(live)})
    return rows


@page("GET", PLACE)
async def listing(visit: Visit) -> Answer:
    """The list."""
    return Page("applications.html", {"view": visit.view(), "rows": await listed(visit, "application")})


@page("GET", f"{PLACE}/new")
async def new(visit: Visit) -> Answer:
    """The form of a new application."""
    known = await visit.run(apis.listing, OfEnvironment(visit.environment))
    return Page(
        "application_new.html", {"view": visit.view(), "apis": [each for each in known if each.enabled]}
    )


@page("POST", PLACE, again=new)
async def create(visit: Visit) -> Answer:
    """Create it, and show what belongs to it in a panel, once."""
    made = await visit.run(
        clients.create,
        clients.ClientToMake(
            visit.environment,
            visit.form.one("name"),
            allowed=allowed(visit.form),
            needs_user=visit.form.one("needs_user") == "yes",
        ),
    )
    secret = made.secret or Secret("")
    return await _panel(visit, made.client, secret, created=True)


def allowed(form: Form) -> dict[str, tuple[str, ...]]:
    """Audience -> scopes, of the boxes ``api`` and ``scope:AUDIENCE`` that are ticked."""
    return {audience: tuple(form.all(f"scope:{audience}")) for audience in dict.fromkeys(form.all("api"))}


async def _panel(
    visit: Visit,
    client: Client,
    secret: Secret,
    *,
    created: bool = False,
    tried: Mapping[str, Any] | None = None,
) -> Page:
    place = client.kind.replace("_", "-") + "s"
    values = {
        "view": visit.view(),
        "rows": await listed(visit, client.kind),
        "panel": ready(visit, client, secret),
        "created": created,
        "tried": tried,
        "then": f"{visit.home}/{place}/{quote(client.client_id, safe='')}",
    }
    return Page(f"{client.kind}s.html", values)


def ready(visit: Visit, client: Client, secret: Secret | None) -> dict[str, Any]:
    """All that a program needs: addresses, ids, and requests to paste, whole and without the secret."""
    view = visit.view()
    audience = next(iter(client.allowed), "")
    call = visit.services.sample(view.tenant.handle) or SampleCall("GET", "/")
    user = ("YOUR_USERNAME", Secret("YOUR_PASSWORD")) if client.needs_user else None
    shown: dict[str, Any] = {
        "client": row(client),
        "secret": secret,
        "audience": audience,
        "api_url": api_url(view, audience),
        "endpoint": None,
        "snippets": [],
        "fault": "",
        "sample": visit.services.sample(view.tenant.handle) is not None,
    }
    usable = endpoints(view, visit.now)
    if not usable:
        shown["fault"] = (
            "This environment has no token endpoint for client credentials: an operator can add one."
        )
        return shown
    shown["endpoint"] = endpoint = usable[0]
    try:
        whole = snippets(view, client, endpoint, secret or Secret(PLACEHOLDER), user, call)
        masked = snippets(view, client, endpoint, Secret(PLACEHOLDER), user, call)
    except ValueError as fault:
        shown["fault"] = f"No request can be written: {fault}."
        return shown
    shown["snippets"] = [
        (full.language, full.text, plain.text) for full, plain in zip(whole, masked, strict=True)
    ]
    return shown


@page("GET", ONE)
async def show(visit: Visit) -> Answer:
    """One application: its secrets with their last use, what it may do, how it is called."""
    return await shown(visit, "application.html")


async def shown(visit: Visit, template: str, **more: Any) -> Page:
    """The page of one client."""
    subject = OfClient(visit.environment, visit.where["client_id"])
    found = await visit.run(clients.show, subject)
    values = {
        "view": visit.view(),
        "client": row(found.client),
        "secrets": await visit.rows(secrets.listing, subject),
        "quota": row(await visit.run(quotas.show_client, subject)),
        "panel": ready(visit, found.client, None),
        "apis": [
            each for each in await visit.run(apis.listing, OfEnvironment(visit.environment)) if each.enabled
        ],
        "may": visit.may("client.change"),
        "new_secret": None,
        "tried": None,
        **more,
    }
    return Page(template, values)


@page("POST", f"{ONE}/change", again=show)
async def change(visit: Visit) -> Answer:
    """Another name, other scopes."""
    subject = visit.where["client_id"]
    await visit.run(
        clients.change,
        clients.ClientChange(
            visit.environment, subject, name=visit.form.one("name"), allowed=allowed(visit.form)
        ),
    )
    return _back(visit, "saved")


@page("POST", f"{ONE}/disable", again=show)
async def disable(visit: Visit) -> Answer:
    """Refuse it at once."""
    await visit.run(clients.disable, OfClient(visit.environment, visit.where["client_id"]))
    return _back(visit, "disabled")


@page("POST", f"{ONE}/enable", again=show)
async def enable(visit: Visit) -> Answer:
    """Let it work again."""
    await visit.run(clients.enable, OfClient(visit.environment, visit.where["client_id"]))
    return _back(visit, "enabled")


@page("POST", f"{ONE}/delete", again=show)
async def delete(visit: Visit) -> Answer:
    """Delete it."""
    found = await visit.run(clients.show, OfClient(visit.environment, visit.where["client_id"]))
    await visit.run(clients.delete, OfClient(visit.environment, visit.where["client_id"]))
    kind = "applications" if found.client.kind == "application" else "service-accounts"
    return SeeOther(f"{visit.home}/{kind}", "application_deleted")


@page("POST", f"{ONE}/secrets", again=show)
async def add_secret(visit: Visit) -> Answer:
    """A further secret, shown once; the others end after the overlap."""
    made = await visit.run(
        secrets.add,
        secrets.SecretToAdd(
            visit.environment,
            visit.where["client_id"],
            label=visit.form.one("label"),
            overlap=_seconds(visit.form),
            keep_others=visit.form.one("others") == "keep",
        ),
    )
    return await shown(visit, "application.html", new_secret=made.secret, then=_path(visit))


def _seconds(form: Form) -> int | None:
    days = form.number("overlap_days")
    return None if days is None else days * 86400


@page("POST", ONE + "/secrets/{secret_id}/retire", again=show)
async def retire_secret(visit: Visit) -> Answer:
    """End a secret as planned, now."""
    where = visit.where
    await visit.run(
        secrets.retire, secrets.SecretEnd(visit.environment, where["client_id"], where["secret_id"])
    )
    return _back(visit, "secret_retired")


@page("POST", ONE + "/secrets/{secret_id}/revoke", again=show)
async def revoke_secret(visit: Visit) -> Answer:
    """End a secret that has leaked, with what it obtained."""
    where = visit.where
    await visit.run(
        secrets.revoke, secrets.OfSecret(visit.environment, where["client_id"], where["secret_id"])
    )
    return _back(visit, "secret_revoked")


@page("POST", f"{ONE}/test", again=show)
async def test(visit: Visit) -> Answer:
    """Run the token request and show the answer. The secret comes from the panel that shows it, or is typed in."""
    found = await visit.run(clients.show, OfClient(visit.environment, visit.where["client_id"]))
    secret = Secret(visit.form.one("client_secret"))
    endpoint = next(iter(endpoints(visit.view(), visit.now)), None)
    if endpoint is None:
        raise AdministrationFault("This environment has no token endpoint for client credentials.")
    user = None
    if found.client.needs_user:
        user = (visit.form.one("username"), Secret(visit.form.one("password")))
    try:
        request = token_request(visit.view(), found.client, endpoint, secret, user)
    except ValueError as fault:
        raise AdministrationFault(f"No request can be written: {fault}.") from None
    tried = await _tried(visit, request, endpoint)
    if visit.form.one("from") == "panel":
        return await _panel(visit, found.client, secret, tried=tried)
    return await shown(visit, "application.html", tried=tried, then=_path(visit))


async def _tried(visit: Visit, request: HttpRequest, endpoint: Endpoint) -> dict[str, Any]:
    answer = await visit.services.token(
        HttpRequest(request.method, endpoint.mount.path, request.query, request.headers, request.body),
        visit.environment,
        endpoint.mount.path,
        visit.caller.peer,
        visit.caller.request_id,
        visit.now,
    )
    return {
        "status": answer.status,
        "ok": answer.status < 300,
        "headers": [(name.decode(), value.decode("latin-1")) for name, value in answer.headers],
        "body": _readable(answer),
        "request_id": visit.caller.request_id,
    }


def _readable(answer: HttpResponse) -> str:
    """The body with its tokens cut short: the answer is for looking at."""
    text = answer.body.decode("utf-8", "replace")
    try:
        read = json.loads(text)
    except ValueError:
        return text
    if isinstance(read, dict):
        for name in ("access_token", "token"):
            value = read.get(name)
            if isinstance(value, str) and len(value) > 24:
                read[name] = f"{value[:16]}… ({len(value)} characters)"
    return json.dumps(read, indent=2, ensure_ascii=False)


def _path(visit: Visit) -> str:
    return f"{visit.home}/applications/{quote(visit.where['client_id'], safe='')}"


def _back(visit: Visit, said: str) -> SeeOther:
    return SeeOther(_path(visit), said)
