"""Settings → Service accounts: made with a credentials file that the browser downloads, once."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote

from mintmark.authorization_server.administration.operations import api as apis
from mintmark.authorization_server.administration.operations import service_account as accounts
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.web.console.pages.applications import allowed, listed, shown
from mintmark.web.console.router import page
from mintmark.web.console.token_requests import endpoints
from mintmark.web.console.visit import Answer, Page, Visit

PLACE = "/e/{tenant}/{name}/service-accounts"
ONE = PLACE + "/{client_id}"


@page("GET", PLACE)
async def listing(visit: Visit) -> Answer:
    """The list."""
    return await _listing(visit)


async def _listing(visit: Visit, **more: Any) -> Page:
    rows = await listed(visit, "service_account")
    return Page("service_accounts.html", {"view": visit.view(), "rows": rows, "file": None, **more})


@page("GET", f"{PLACE}/new")
async def new(visit: Visit) -> Answer:
    """The form of a new service account."""
    known = await visit.run(apis.listing, OfEnvironment(visit.environment))
    return Page(
        "service_account_new.html", {"view": visit.view(), "apis": [each for each in known if each.enabled]}
    )


@page("POST", PLACE, again=new)
async def create(visit: Visit) -> Answer:
    """Create it; its file is in the answer, and nowhere else."""
    name = visit.form.one("name")
    path, url = _endpoint(visit)
    made = await visit.run(
        accounts.create,
        accounts.ServiceAccountToMake(
            visit.environment, name, allowed=allowed(visit.form), mount=path, token_endpoint=url
        ),
    )
    return await _listing(visit, file=_file(name, made), then=f"{visit.home}/service-accounts")


@page("GET", ONE)
async def show(visit: Visit) -> Answer:
    """One service account."""
    return await shown(visit, "application.html", file=None)


@page("POST", f"{ONE}/new-secret", again=show)
async def new_secret(visit: Visit) -> Answer:
    """Another file; the old secret ends, at once or after the overlap of the environment."""
    client_id = visit.where["client_id"]
    path, url = _endpoint(visit)
    made = await visit.run(
        accounts.new_secret,
        accounts.ServiceAccountSecret(visit.environment, client_id, mount=path, token_endpoint=url),
    )
    then = f"{visit.home}/service-accounts/{quote(client_id, safe='')}"
    return await shown(visit, "application.html", file=_file(client_id.partition("@")[0], made), then=then)


def _endpoint(visit: Visit) -> tuple[str | None, str | None]:
    """Path and URL that the file names: of the first token endpoint that takes a client's id and secret."""
    found = endpoints(visit.view(), visit.now)
    return (found[0].mount.path, found[0].url) if found else (None, None)


def _file(name: str, made: accounts.CredentialsFile) -> dict[str, str]:
    safe = "".join(each if each.isascii() and (each.isalnum() or each in "-_.") else "-" for each in name)
    data = b64encode(made.text.reveal().encode()).decode("ascii")
    return {
        "name": f"{safe.strip('.') or 'credentials'}.json",
        "href": f"data:application/json;base64,{data}",
        "client_id": made.client_id,
        "text": made.text.reveal(),
    }
