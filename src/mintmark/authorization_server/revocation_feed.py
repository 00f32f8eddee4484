"""The revocation feed of an issuer (docs/revocation-feed.md): entries read on from a number, or all of them at once.

Entries are chained by the digest of what they say, not of how it is signed, so any worker may sign them with the
issuer's present key. A poll waits for the next entry, and ends with a heartbeat at least every five seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, NamedTuple

from mintmark.authorization_server.client_endpoint import NO_STORE, Inquiry
from mintmark.authorization_server.limits import Limits
from mintmark.authorization_server.ports import EnvironmentView, Ports, RevocationLog, StorageUnavailable
from mintmark.authorization_server.statements import statement_key
from mintmark.jose.access_token import build
from mintmark.jose.jwk import PrivateKey
from mintmark.values.client import Client
from mintmark.values.errors import OAuthError, invalid_request, temporarily_unavailable
from mintmark.values.revocation import RevocationEntry
from mintmark.wire.http import HttpResponse

#: The `typ` of every statement of the feed; no access token has it.
TYPE: Final = "mintmark-revocation+jwt"
#: Seconds after which a waiting poll is answered, whatever it asked for.
HEARTBEAT: Final = 5.0
#: Entries of one answer; whoever is further behind asks again at once.
MOST_ENTRIES: Final = 500
#: Polls of one worker that may wait at a time, and readings of one client per minute.
MOST_WAITING, READINGS_PER_MINUTE = 2000, 6000
#: Seconds by which a verifier's clock may be late: so long beyond its end an entry stands in snapshots.
LATE: Final = 60
#: Signed entries that are kept: each is signed once for all who follow.
_KEPT = 4096


class _Moment(NamedTuple):
    """What a heartbeat or snapshot depends on."""

    second: int
    seq: int
    head: str
    kid: str


class RevocationFeed:
    """The answers of two `ClientEndpoint`s. `clock`: seconds since the epoch, read again after waiting."""

    def __init__(self, ports: Ports, limits: Limits, clock: Callable[[], float]) -> None:
        self._ports, self._limits, self._clock = ports, limits, clock
        self._waiting = 0
        self._signed: dict[tuple[str, str, str, int], str] = {}
        self._said: dict[tuple[str, str], tuple[_Moment, str]] = {}

    async def poll(self, inquiry: Inquiry) -> HttpResponse:
        """A JSON list of statements: the entries after the number `after`, in order, then a heartbeat.

        410 when what comes after that number was forgotten, or never was: a snapshot is needed. Raises OAuthError.
        """
        log = await self._admitted(inquiry)
        after = _number(inquiry, "after", None)
        wait = min(_number(inquiry, "wait", 0), HEARTBEAT)
        if after > log.seq:  # another worker may have said more already
            await self._ports.directory.refresh()
        if log.seq == after and wait:
            await self._wait(log, after, wait)
            await self._still_admitted(inquiry)
        entries = log.after(after, MOST_ENTRIES)
        if entries is None:
            raise OAuthError(
                "invalid_request",
                410,
                "What comes after that number is not kept; read the snapshot.",
                reason="gap",
            )
        self._vouching()
        view, now = self._view(inquiry), self._clock()
        key = statement_key(view, now)
        statements = [self._entry(view, entry, key) for entry in entries]
        seq, head = after, log.head
        if entries:
            seq, head = entries[-1].seq, entries[-1].digest(view.environment.issuer)
        statements.append(self._say(view, "heartbeat", _Moment(int(now), seq, head, key.kid), key, dict))
        body = json.dumps(statements, separators=(",", ":")).encode("ascii")
        return HttpResponse(200, ((b"content-type", b"application/json"), *NO_STORE), body)

    async def snapshot(self, inquiry: Inquiry) -> HttpResponse:
        """One statement with all that is revoked, the number to go on from and its digest. Raises OAuthError."""
        log = await self._admitted(inquiry)
        view, now = self._view(inquiry), self._clock()
        key = statement_key(view, now)

        def listed() -> dict[str, object]:
            return {
                "revocations": [
                    [entry.kind, entry.id, entry.issued_before, entry.until]
                    for entry in log.entries()
                    if entry.until + LATE > now
                ]
            }

        moment = _Moment(int(now), log.seq, log.head, key.kid)
        statement = self._say(view, "snapshot", moment, key, listed)
        return HttpResponse(
            200, ((b"content-type", b"application/jwt"), *NO_STORE), statement.encode("ascii")
        )

    async def _admitted(self, inquiry: Inquiry) -> RevocationLog:
        _check(inquiry.client)
        await self._limits.pace_questions("feed", inquiry.client, READINGS_PER_MINUTE, inquiry.now)
        self._vouching()
        log = self._ports.directory.revocations(inquiry.view.environment.id)
        if log is None:
            raise temporarily_unavailable(1, reason="changing_too_fast")
        return log

    def _vouching(self) -> None:
        """A heartbeat says that nothing else was revoked: only who follows the others may sign one."""
        if not self._ports.directory.current:
            raise StorageUnavailable("What was revoked on other nodes cannot be read.")

    async def _wait(self, log: RevocationLog, after: int, seconds: float) -> None:
        if self._waiting >= MOST_WAITING:
            raise temporarily_unavailable(int(HEARTBEAT), reason="feed_busy")
        self._waiting += 1
        try:
            await log.wait(after, seconds)
        finally:
            self._waiting -= 1

    async def _still_admitted(self, inquiry: Inquiry) -> None:
        """Whoever was waiting may have been revoked meanwhile."""
        client = inquiry.client
        found = await self._ports.directory.registration(client.environment, client.client_id)
        if found is None or not found.client.enabled:
            raise temporarily_unavailable(1, reason="changing_too_fast")
        _check(found.client)

    def _view(self, inquiry: Inquiry) -> EnvironmentView:
        """With the keys of this moment."""
        return self._ports.directory.environment(inquiry.view.environment.id) or inquiry.view

    def _entry(self, view: EnvironmentView, entry: RevocationEntry, key: PrivateKey) -> str:
        name = (view.environment.issuer, key.kid, entry.prev, entry.seq)
        statement = self._signed.get(name)
        if statement is None:
            if len(self._signed) >= _KEPT:
                self._signed.clear()
            statement = self._signed[name] = build(entry.claims(view.environment.issuer), key, TYPE)
        return statement

    def _say(
        self,
        view: EnvironmentView,
        kind: str,
        moment: _Moment,
        key: PrivateKey,
        more: Callable[[], dict[str, object]],
    ) -> str:
        """A statement about this moment; the same one for all who ask within the second."""
        name = (view.environment.id, kind)
        said = self._said.get(name)
        if said is None or said[0] != moment:
            claims = {
                "iss": view.environment.issuer,
                "iat": moment.second,
                "kind": kind,
                "seq": moment.seq,
                "prev": moment.head,
                **more(),
            }
            said = self._said[name] = (moment, build(claims, key, TYPE))
        return said[1]


def _check(client: Client) -> None:
    if not client.protects:
        raise OAuthError(
            "unauthorized_client",
            403,
            "This client stands in front of no API; it may not read the revocation feed.",
            reason="not_a_protected_resource",
        )


def _number(inquiry: Inquiry, name: str, default: int | None) -> int:
    text = inquiry.parameters.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise invalid_request(f"The parameter {name} must be a whole number.")
    return int(text)
