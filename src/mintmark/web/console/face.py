"""The console as a face of the server: finds the page, settles who asks, and renders what the page answers.

Nothing of it is cached, framed or scripted from elsewhere. What changes something is a POST that repeats its
session's token and comes from a page of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from mintmark.authorization_server.administration import sessions
from mintmark.authorization_server.administration.access import Principal
from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.values.person import Person
from mintmark.values.session import Session
from mintmark.web.admin_api.authentication import Session as ApiSession
from mintmark.web.callers import Caller
from mintmark.web.console import assets, pages
from mintmark.web.console.cookies import Cookie, csrf_token, same
from mintmark.web.console.forms import Form, read_body, read_query
from mintmark.web.console.rendering import Rendering
from mintmark.web.console.router import NoSuchMethod, Route, find
from mintmark.web.console.services import Services
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit
from mintmark.wire.http import Headers, HttpRequest, HttpResponse, Malformed

BASE = "/console"
_STATUS = {"invalid": 422, "not_found": 404, "conflict": 409, "forbidden": 403}
_TITLES = {
    400: "That could not be read",
    403: "Not yours to do",
    404: "Nothing here",
    405: "Not that way",
    409: "Not as things stand",
    413: "Too large",
    422: "Not acceptable",
    503: "Try again shortly",
}


@dataclass(frozen=True, slots=True)
class Console:
    """Implements `app.Face`."""

    services: Services
    rendering: Rendering
    cookie: Cookie

    @classmethod
    def of(cls, services: Services) -> Console:
        """A console at the services' public URL."""
        pages.register()
        secure = urlsplit(services.public_url).scheme == "https"
        return cls(services, Rendering(services.public_url), Cookie(secure))

    async def people(self, request: HttpRequest, caller: Caller, now: float) -> ApiSession | None:
        """The session that a request to the admin API bears; implements `admin_api.authentication.People`."""
        del caller
        value = self.cookie.read(request)
        found = None if value is None else await self._session(value, now)
        if value is None or found is None or not _from_here(request, self.services.public_url):
            return None
        return ApiSession(Principal.person(found[1]), csrf_token(value))

    async def respond(self, request: HttpRequest, caller: Caller, now: float) -> HttpResponse:
        """The answer to a request at ``/console...``; never raises for what a caller does."""
        path = request.path.removeprefix(BASE)
        if path.startswith("/static/"):
            return assets.answer(request, path.removeprefix("/static/"))
        visit = Visit(self.services, request, caller, now, {}, Form())
        try:
            return await self._respond(visit, path or "/")
        except NoSuchMethod as fault:
            allowed = ", ".join(fault.allowed)
            answer = self._sorry(visit, 405, f"This page takes {allowed} only.")
            return answer._replace(headers=(*answer.headers, (b"allow", allowed.encode("ascii"))))
        except Malformed as fault:
            return self._sorry(visit, 400, str(fault))
        except StorageUnavailable:
            answer = self._sorry(visit, 503, "The database cannot be used right now; nothing was done.")
            return answer._replace(headers=(*answer.headers, (b"retry-after", b"5")))

    def refuse(self, status: int, sentence: str, request_id: str) -> HttpResponse:
        """The answer to a request whose body could not be read."""
        visit = Visit(self.services, HttpRequest("GET", BASE), Caller("", request_id), 0.0, {}, Form())
        return self._sorry(visit, status, sentence)

    async def _respond(self, visit: Visit, path: str) -> HttpResponse:
        request = visit.request
        value = self.cookie.read(request)
        found = None if value is None else await self._session(value, visit.now)
        if value is not None and found is not None:
            session, person = found
            visit = replace(visit, session=session, person=person, csrf=csrf_token(value))
            if sessions.is_due(session, visit.now):
                now = visit.now
                await self.services.administration.store.write(lambda tx: sessions.seen(tx, session, now))
        located = find(request.method, path)
        if located is None:
            return self._sorry(visit, 404, "There is no such page; the menu leads to those that there are.")
        route, where = located
        if not route.open and visit.session is None:
            return self._to_sign_in(visit)
        visit = replace(visit, where=where, query=read_query(request))
        if route.method == "POST":
            visit = replace(visit, form=read_body(request))
            refused = self._forged(visit, route)
            if refused:
                return self._sorry(visit, 403, refused)
        return await self._page(visit, route)

    async def _page(self, visit: Visit, route: Route) -> HttpResponse:
        try:
            return self._answered(visit, await route.handler(visit))
        except (AdministrationFault, Malformed) as fault:
            status = _STATUS[fault.kind] if isinstance(fault, AdministrationFault) else 422
            if route.again is None or status in (403, 404):
                return self._sorry(visit, status, str(fault))
            again = replace(visit, fault=str(fault))
        try:
            answer = await route.again(again)
        except AdministrationFault as gone:
            return self._sorry(visit, _STATUS[gone.kind], str(gone))
        return self._answered(again, replace(answer, status=status) if isinstance(answer, Page) else answer)

    def _forged(self, visit: Visit, route: Route) -> str:
        """Why a POST is not taken; empty when it is."""
        if not _from_here(visit.request, self.services.public_url):
            return "This form was sent from a page of another site; nothing was done."
        if not route.open and not same(visit.form.one("csrf"), visit.csrf):
            return "This form is from an earlier session: go back, reload the page and send it again."
        return ""

    async def _session(self, value: str, now: float) -> tuple[Session, Person] | None:
        return await self.services.administration.store.read(lambda tx: sessions.find(tx, value, now))

    def _to_sign_in(self, visit: Visit) -> HttpResponse:
        if visit.request.method not in ("GET", "HEAD"):
            return self._sorry(visit, 403, "You are not signed in any more; nothing was done.")
        query = visit.request.query.decode("latin-1")
        there = visit.request.path + (f"?{query}" if query else "")
        after = "" if there in (BASE, f"{BASE}/") else f"?next={quote(there, safe='')}"
        return self._answered(visit, SeeOther(f"{BASE}/sign-in{after}"))

    def _answered(self, visit: Visit, answer: Answer) -> HttpResponse:
        if isinstance(answer, HttpResponse):
            return answer
        if isinstance(answer, SeeOther):
            said = f"{'&' if '?' in answer.path else '?'}said={answer.said}" if answer.said else ""
            base = "" if answer.elsewhere else self.rendering.base
            location = f"{base}{answer.path}{said}".encode("ascii")
            return HttpResponse(303, ((b"location", location), *SAFE, *answer.headers))
        body = self.rendering.render(visit, answer)
        return HttpResponse(answer.status, (*_HTML, *SAFE, *answer.headers), body)

    def _sorry(self, visit: Visit, status: int, sentence: str) -> HttpResponse:
        return self._answered(visit, _sorry_page(status, sentence))


SAFE: Headers = (
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
)
_HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"),)


def _sorry_page(status: int, sentence: str) -> Page:
    return Page("sorry.html", {"title": _TITLES.get(status, "Refused"), "sentence": sentence}, status)


def _from_here(request: HttpRequest, public_url: str) -> bool:
    """Whether a browser says that the request comes from a page of ours; without these headers it does not say.

    Fetch Metadata and RFC 6454 §7; safe methods are not asked.
    """
    if request.method in ("GET", "HEAD"):
        return True
    sites = request.values(b"sec-fetch-site")
    if sites and sites != [b"same-origin"]:
        return False
    origins = request.values(b"origin")
    hosts = request.values(b"host")
    parts = urlsplit(public_url)
    own = {f"{parts.scheme}://{parts.netloc}".encode()}
    if hosts:  # a listener on loopback has several names
        own.add(f"{parts.scheme}://".encode() + hosts[0])
    return not origins or (len(origins) == 1 and origins[0] in own)
