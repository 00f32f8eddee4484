"""Forward-auth: the answer to a proxy that asks whether a request may pass, for APIs that need no code of ours.

The path at which the proxy asks says how it describes the request: by X-Original-Method and X-Original-URI
(`/auth/original`), by X-Forwarded-Method and X-Forwarded-Uri (`/auth/forwarded`), or by being that request itself below
`/auth/request`. A description is believed from declared proxies only; one that is missing or repeated is refused.
Answers are 200 with the caller's identity, 401, 403 or 503, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple, Protocol
from urllib.parse import quote

from mintmark.resource_server.caller import Caller
from mintmark.resource_server.health import GuardHealth
from mintmark.transport.guards.entrance import Guard
from mintmark.values.errors import OAuthError
from mintmark.web.answers import NO_STORE, json_answer
from mintmark.web.callers import Callers
from mintmark.web.policy import Denied, Policy
from mintmark.web.refusal_log import RefusalLog
from mintmark.web.request_id import HEADER
from mintmark.wire.http import Headers, HttpRequest, HttpResponse

Pairs = Sequence[tuple[bytes, bytes]]

HEALTH: Final = "/health"
#: The path of the proxy's question -> the headers that describe the request.
DESCRIBED: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "/auth/original": (b"x-original-method", b"x-original-uri"),
    "/auth/forwarded": (b"x-forwarded-method", b"x-forwarded-uri"),
}
#: Why a request is denied, for the caller and for the log.
SENTENCES: Final[Mapping[str, str]] = {
    "undeclared_proxy": "This address is not declared as a proxy.",
    "request_not_described": "The proxy did not say once by which method and path the request came.",
    "ambiguous_request": "A header says that the request is another one than it seems.",
    "ambiguous_method": "The method is not one word in capitals.",
    "ambiguous_path": "The path can be read in more than one way.",
    "method_not_admitted": "This method is not admitted here.",
    "no_route": "Nothing is admitted here.",
}
#: Before the path of the request itself (Envoy's path_prefix).
ITSELF: Final = "/auth/request"
#: By these some servers let a request be another one than it says; what they mean is not checked, so none may come.
OVERRIDES: Final = frozenset(
    {b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-url", b"x-rewrite-url"}
)
#: In every 200, empty where nothing is known, so that a proxy that copies them replaces what a client sent.
IDENTITY: Final = (
    b"x-auth-client-id",
    b"x-auth-subject",
    b"x-auth-tenant",
    b"x-auth-user",
    b"x-auth-scopes",
    b"x-auth-token-id",
    b"x-auth-issuer",
)
#: X-Accel-Expires is nginx's own; it counts there when Cache-Control is ignored.
FORGET: Final = (*NO_STORE, (b"x-accel-expires", b"0"))
_UNENCODED: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")


class WatchedGuard(Guard, Protocol):
    """A guard that says how it stands."""

    def health(self) -> GuardHealth:
        """How keys and feeds stand."""
        ...


class Described(NamedTuple):
    """The request that a proxy asks about. `target`: path and query, as the client sent them."""

    method: str
    target: str


@dataclass(frozen=True, slots=True)
class ForwardAuth:
    """Answers proxies. `now()`: seconds since the epoch. `issuer`: the only one, for tokens that do not say it."""

    guard: WatchedGuard
    policy: Policy
    callers: Callers
    refusals: RefusalLog
    now: Callable[[], float]
    issuer: str = ""

    async def respond(self, request: HttpRequest, peer: str) -> HttpResponse:
        """The answer to a question of a proxy, or to one about this program's health. `peer`: who asks."""
        headers = request.headers
        now = self.now()
        caller = self.callers.identify(peer, headers, now)
        asked = Described(request.method, request.path)
        fault = False
        try:
            if not self.callers.proxies.trusts(peer):
                raise _denied("undeclared_proxy")
            if request.path == HEALTH:
                response = self._health()
            else:
                asked = describe(request.method, request.path, request.query, headers)
                response = await self.decide(asked, headers, now)
        except OAuthError as error:
            response = self.guard.refusal(error)
        except Exception:
            fault = True
            response = json_answer(503, {"error": "server_error", "error_description": "It has been logged."})
        if response.status >= 400:
            path = asked.target.partition("?")[0]
            self.refusals.note(now, caller, asked.method[:20], path, response, fault=fault)
        identified = ((HEADER, caller.request_id.encode("ascii")),)
        return HttpResponse(response.status, response.headers + identified, response.body)

    async def decide(self, asked: Described, headers: Pairs, now: float) -> HttpResponse:
        """The answer about a request whose headers these are. A token is looked at before the policy is told."""
        denied: Denied | None = None
        scopes: tuple[str, ...] = ()
        try:
            if any(name in OVERRIDES or _passes_for_identity(name) for name, _ in headers):
                raise Denied("ambiguous_request")
            demand = self.policy.demand(asked.method, asked.target)
            if demand.open:
                return HttpResponse(200, identity(None, "") + FORGET)
            scopes = demand.scopes
        except Denied as fault:
            denied = fault
        try:
            caller = await self.guard.averify(headers, *scopes)
            if denied is not None:
                raise _denied(denied.reason)
        except OAuthError as error:
            return self.guard.refusal(error, *scopes)
        return HttpResponse(200, identity(caller, self.issuer) + self._memory(caller, now))

    def _memory(self, caller: Caller, now: float) -> Headers:
        """How long the proxy may remember the answer for this token, method and path: never past the token's end."""
        seconds = self.policy.max_age
        if caller.expires_at is not None:
            seconds = min(seconds, int(caller.expires_at - now))
        if seconds <= 0:
            return FORGET
        vary = b", ".join([b"authorization", *(name for pair in DESCRIBED.values() for name in pair)])
        return (
            (b"cache-control", b"private, max-age=%d" % seconds),
            (b"x-accel-expires", b"%d" % seconds),
            (b"vary", vary),
        )

    def _health(self) -> HttpResponse:
        health = self.guard.health()
        return json_answer(200 if health.serving else 503, asdict(health))


def describe(method: str, path: str, query: bytes, headers: Pairs) -> Described:
    """The request that is asked about. Raises OAuthError when it is not described, or twice."""
    if path == ITSELF or path.startswith(ITSELF + "/"):
        return Described(method, path[len(ITSELF) :] + ("?" + query.decode("latin-1") if query else ""))
    names = DESCRIBED.get(path)
    found = [[value for name, value in headers if name == wanted] for wanted in names or ((), ())]
    if any(len(values) != 1 for values in found):
        raise _denied("request_not_described")
    (asked_method,), (target,) = found
    return Described(asked_method.decode("latin-1"), target.decode("latin-1"))


def identity(caller: Caller | None, issuer: str) -> Headers:
    """Who calls, as headers for the program behind the proxy; percent-encoded where a header could not hold it."""
    if caller is None:
        return tuple((name, b"") for name in IDENTITY)
    issued_by = caller.claims.get("iss")
    values = (
        _encoded(caller.client_id),
        _encoded(caller.subject),
        _encoded(caller.tenant),
        _encoded(caller.user_id or ""),
        b" ".join(_encoded(scope) for scope in sorted(caller.scopes)),
        _encoded(caller.token_id),
        _encoded(issued_by if isinstance(issued_by, str) else issuer),
    )
    return tuple(zip(IDENTITY, values, strict=True))


def _passes_for_identity(name: bytes) -> bool:
    """Whether programs behind CGI or WSGI would take this header, which no proxy of ours sets, for one of identity."""
    return b"_" in name and name.replace(b"_", b"-") in IDENTITY


def _encoded(text: str) -> bytes:
    return quote(text, safe=_UNENCODED, errors="replace").encode("ascii")


def _denied(reason: str) -> OAuthError:
    return OAuthError(reason, 403, SENTENCES[reason], reason=reason)
