"""The status lists of an issuer (draft-ietf-oauth-status-list): which of its listed tokens are revoked, a bit for each,
signed, for verifiers that do not follow the revocation feed.

A list is made of what is on record anyway, the audit events and the revocations, when somebody asks for it; it is kept,
and only what is new is looked at again. Anybody may read it: it says nothing of who holds a token.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from mintmark.authorization_server.client_endpoint import NO_STORE, RETRY_AFTER
from mintmark.authorization_server.ports import (
    Directory,
    EnvironmentView,
    IssuedTokens,
    Ports,
    StorageUnavailable,
)
from mintmark.authorization_server.statements import statement_key
from mintmark.authorization_server.status_index import SIZE, StatusIndex, shuffled, status_index
from mintmark.jose import base64url
from mintmark.jose.access_token import build
from mintmark.jose.jwk import PrivateKey
from mintmark.values.errors import OAuthError, temporarily_unavailable
from mintmark.values.revocation import LONGEST_LISTED_LIFETIME
from mintmark.wire.http import Headers, HttpRequest, HttpResponse

#: The `typ` of a status list; no access token has it. With `application/` before it, its media type.
TYPE: Final = "statuslist+jwt"
#: Seconds for which a verifier may go on with a list before it asks again, and after which it must not use it any more.
TTL, LIFE = 60, 600
#: Seconds that shared caches on the way may keep it.
MAX_AGE: Final = 15
#: Seconds between two looks at what was revoked, at least; and so many times as long as the last look took.
PAUSE, SHARE = 5.0, 10
#: Lists of one worker that are kept.
MOST_LISTS: Final = 64
#: Seconds by which the clocks of two workers may differ.
SKEW: Final = 600
_PUBLIC: Final[Headers] = ((b"access-control-allow-origin", b"*"),)
_KIND: Final = b"application/" + TYPE.encode()


class _Signed(NamedTuple):
    """As it is sent. `seq`: of the newest revocation in it; `kid`: of the key that signed it; times in seconds."""

    plain: bytes
    packed: bytes
    etag: bytes
    kid: str
    seq: int
    renewed_at: float
    looked_again_at: float
    ends_at: float


@dataclass(slots=True)
class _List:
    """`last`: the newest token whose revocation was looked for, by the revocations up to `seq`."""

    last: int
    seq: int = 0
    bits: bytearray = field(default_factory=lambda: bytearray(SIZE // 8))
    signed: _Signed | None = None
    making: asyncio.Future[_Signed] | None = None


@dataclass(frozen=True, slots=True)
class PublicEndpoint:
    """An endpoint of the issuer that answers anybody."""

    directory: Directory
    answer: Callable[[HttpRequest, EnvironmentView, float], Awaitable[HttpResponse]]

    async def respond(
        self,
        request: HttpRequest,
        environment: str,
        peer: str,  # noqa: ARG002 - as every endpoint
        request_id: str,  # noqa: ARG002
        now: float,
    ) -> HttpResponse:
        """The answer; never raises for what a caller does."""
        try:
            view = self.directory.environment(environment)
            if view is None:
                raise _absent()
            return await self.answer(request, view, now)
        except OAuthError as fault:
            error = fault
        except StorageUnavailable as fault:
            error = temporarily_unavailable(RETRY_AFTER, reason="storage_unavailable", detail=str(fault))
        headers: Headers = ((b"content-type", b"application/json"), *NO_STORE, *_PUBLIC)
        if error.retry_after is not None:
            headers += ((b"retry-after", b"%d" % error.retry_after),)
        body = json.dumps({"error": error.code, "error_description": error.description})
        return HttpResponse(error.status, headers, body.encode("ascii"))


class StatusLists:
    """The answers of two `PublicEndpoint`s. `clock`: seconds since the epoch, read again after work. `in_thread`: runs
    a function with its arguments on another thread.
    """

    def __init__(
        self,
        ports: Ports,
        issued: IssuedTokens,
        clock: Callable[[], float],
        in_thread: Callable[..., Awaitable[Any]],
    ) -> None:
        self._directory, self._key = ports.directory, ports.secret_key
        self._issued, self._clock, self._in_thread = issued, clock, in_thread
        self._lists: dict[tuple[str, int], _List] = {}
        self._first: dict[str, tuple[int, float]] = {}

    async def aggregation(self, request: HttpRequest, view: EnvironmentView, now: float) -> HttpResponse:  # noqa: ARG002
        """The addresses of the lists that unexpired tokens can stand on. Raises OAuthError, StorageUnavailable."""
        lifetimes = [api.token_lifetime for api in view.apis.values() if api.enabled and api.status_list]
        if not lifetimes:
            raise _absent()
        index = self._index(view)
        numbers = await self._issued.numbers_since(view.environment.id, now - max(lifetimes) - SKEW)
        orders = range(0) if numbers is None else range(numbers[0] // SIZE, numbers[1] // SIZE + 1)
        body = json.dumps({"status_lists": [index.uri + index.name(order) for order in orders]})
        return HttpResponse(
            200, ((b"content-type", b"application/json"), *_caching(), *_PUBLIC), body.encode("ascii")
        )

    async def one(self, request: HttpRequest, view: EnvironmentView, now: float) -> HttpResponse:
        """The Status List Token. Raises OAuthError, StorageUnavailable."""
        if any(part.partition(b"=")[0] == b"time" for part in request.query.split(b"&")):
            raise OAuthError(
                "invalid_request", 501, "Status lists of the past are not kept.", reason="no_past_list"
            )
        if not _admits(request.values(b"accept")):
            raise OAuthError(
                "invalid_request",
                406,
                f"Status lists are given as application/{TYPE} only.",
                reason="not_acceptable",
            )
        index = self._index(view)
        order = index.order(request.path.rpartition("/")[2])
        if order is None or order < await self._first_list(view.environment.id, now):
            raise _absent()
        signed = await self._signed(view, index, order, now)
        packed = _packs(request.values(b"accept-encoding"))
        etag = b'"%s%s"' % (signed.etag, b"-gzip" if packed else b"")
        common = (*_caching(), (b"etag", etag), (b"vary", b"Accept, Accept-Encoding"), *_PUBLIC)
        known = [tag.strip() for value in request.values(b"if-none-match") for tag in value.split(b",")]
        if etag in known or b"W/" + etag in known or b"*" in known:
            return HttpResponse(304, common)
        if packed:
            return HttpResponse(
                200, ((b"content-type", _KIND), (b"content-encoding", b"gzip"), *common), signed.packed
            )
        return HttpResponse(200, ((b"content-type", _KIND), *common), signed.plain)

    def _index(self, view: EnvironmentView) -> StatusIndex:
        return status_index(self._key, view.environment.issuer)

    async def _first_list(self, environment: str, now: float) -> int:
        """The oldest list on which an unexpired token can stand; remembered for a while, as it only rises."""
        known = self._first.get(environment)
        if known is not None and now < known[1]:
            return known[0]
        numbers = await self._issued.numbers_since(environment, now - LONGEST_LISTED_LIFETIME - SKEW)
        if numbers is None:
            raise _absent()
        first = numbers[0] // SIZE
        self._first[environment] = (first, now + TTL)
        return first

    async def _signed(self, view: EnvironmentView, index: StatusIndex, order: int, now: float) -> _Signed:
        """The list as of now, or of a moment ago; made once for all who ask meanwhile."""
        name = (view.environment.id, order)
        found = self._lists.pop(name, None) or _List(order * SIZE - 1)
        self._lists[name] = found  # at the end: used last
        while len(self._lists) > MOST_LISTS:
            del self._lists[next(iter(self._lists))]
        key = statement_key(view, now)
        log = self._directory.revocations(view.environment.id)
        seq = 0 if log is None else log.seq
        signed = found.signed
        if signed is not None and signed.kid == key.kid:
            due = signed.renewed_at if signed.seq == seq else min(signed.looked_again_at, signed.renewed_at)
            if now < due:
                return signed
        if found.making is None:
            found.making = asyncio.ensure_future(self._made(found, view, index, order, key, seq))
            found.making.add_done_callback(_seen)
        try:
            return await asyncio.shield(found.making)
        except StorageUnavailable:
            if signed is not None and now < signed.ends_at:
                return signed
            raise

    async def _made(
        self, found: _List, view: EnvironmentView, index: StatusIndex, order: int, key: PrivateKey, seq: int
    ) -> _Signed:
        try:
            begun = self._clock()
            await self._look(found, view.environment.id, index, order, seq)
            now = self._clock()
            claims = {
                "iss": view.environment.issuer,
                "sub": index.uri + index.name(order),
                "iat": int(now),
                "exp": int(now) + LIFE,
                "ttl": TTL,
            }
            plain, packed = await self._in_thread(_written, bytes(found.bits), claims, key)
            found.signed = _Signed(
                plain,
                packed,
                hashlib.sha256(plain).hexdigest()[:24].encode("ascii"),
                key.kid,
                found.seq,
                now + TTL,
                now + max(PAUSE, SHARE * (now - begun)),
                int(now) + LIFE,
            )
            return found.signed
        finally:
            found.making = None

    async def _look(self, found: _List, environment: str, index: StatusIndex, order: int, seq: int) -> None:
        """Set the bits of the tokens that were revoked: of those seen before by what is new, of new ones by all."""
        first, rounds, bits = order * SIZE, index.rounds(order), found.bits

        def revoked(number: int) -> None:
            idx = shuffled(number - first, rounds)
            bits[idx >> 3] |= 1 << (idx & 7)

        seen = found.last
        if seen >= first and found.seq != seq:
            # Numbers that went back are another database's: then everything is looked at.
            after = found.seq if found.seq < seq else 0
            found.seq, _ = await self._issued.ended(environment, (first, seen), after, revoked)
        newest, found.last = await self._issued.ended(environment, (seen + 1, first + SIZE - 1), 0, revoked)
        if seen < first:
            found.seq = newest


def _written(bits: bytes, claims: dict[str, object], key: PrivateKey) -> tuple[bytes, bytes]:
    """The list as a signed token, and the same under gzip."""
    plain = build({**claims, "status_list": {"bits": 1, "lst": encoded(bits)}}, key, TYPE).encode("ascii")
    return plain, gzip.compress(plain, 6, mtime=0)


def encoded(bits: bytes) -> str:
    """Bits as the member `lst`: index 0 is the lowest bit of the first byte."""
    return base64url.encode(zlib.compress(bits, 9)).decode("ascii")


def _seen(making: asyncio.Future[_Signed]) -> None:
    """A fault is told to who waits, and to nobody when all have gone."""
    if not making.cancelled():
        making.exception()


def _absent() -> OAuthError:
    return OAuthError(
        "not_found", 404, "There is no such status list; its tokens may have expired.", reason="no_such_list"
    )


def _caching() -> Headers:
    return ((b"cache-control", b"public, max-age=%d" % MAX_AGE),)


def _admits(accept: list[bytes]) -> bool:
    """Whether a client that sends this Accept header takes the JWT."""
    kinds = _choices(accept)
    return not kinds or any(kinds.get(kind) for kind in (_KIND, b"application/*", b"*/*"))


def _packs(accept_encoding: list[bytes]) -> bool:
    codings = _choices(accept_encoding)
    return codings.get(b"gzip", codings.get(b"*", False))


def _choices(values: list[bytes]) -> dict[bytes, bool]:
    """What stands in a header of choices (RFC 9110 §12.5), and whether it is taken at all (q above 0)."""
    found = {}
    for choice in b",".join(values).lower().split(b","):
        name, _, rest = choice.replace(b" ", b"").partition(b";")
        if name:
            weight = rest.rpartition(b"q=")[2] if b"q=" in rest else b"1"
            found[name] = weight.strip(b"0.") != b""
    return found
