"""The token endpoint (RFC 6749 §3.2): from an HTTP request to an HTTP answer, one call per step, told in `_answer`.

No token leaves before the ledger has committed its audit event and counts. A refusal is caught once, in
`respond`: audited with its private detail, answered without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mintmark.authorization_server.client_authentication import (
    PATIENCE,
    as_found,
    identity_of,
    is_authentication_failure,
)
from mintmark.authorization_server.grants import GRANTS
from mintmark.authorization_server.grants.judgement import Asked, Judgement
from mintmark.authorization_server.issuance import answer, issue, standing
from mintmark.authorization_server.lately import Lately
from mintmark.authorization_server.limits import DAY, Limits, over_quota, rate_fields, refusal_fields
from mintmark.authorization_server.ports import (
    Busy,
    Committed,
    EnvironmentView,
    Issuance,
    OverQuota,
    Ports,
    StorageUnavailable,
    Verdict,
)
from mintmark.authorization_server.reissues import REISSUED, Given, Reissues
from mintmark.authorization_server.token_events import Call, issued_event, refused_event
from mintmark.authorization_server.wider_limits import address_limit
from mintmark.crypto.seal import Unsealable
from mintmark.dialect import Dialect, read_request, write_error, write_response
from mintmark.values.audit_event import AuditEvent
from mintmark.values.errors import OAuthError, temporarily_unavailable
from mintmark.values.tenancy import Mount
from mintmark.values.token import TokenRequest
from mintmark.wire.http import Headers, HttpRequest, HttpResponse

#: How often a request is judged again because what it rested on changed in between.
JUDGEMENTS = 4
#: Seconds after which to try again when nothing can be made durable.
RETRY_AFTER = 5
#: Reasons of refusals that rest on what an operator has set up: APIs, and what a client may have there. Whoever is
#: refused for one of them has proved who he is.
_BY_WHAT_IS_SET_UP = frozenset(
    {
        *("audience_missing", "audience_unknown", "audience_not_allowed", "api_disabled"),
        *("scope_unknown", "scope_not_allowed"),
    }
)


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Every token endpoint of every environment; the mount says which dialect."""

    ports: Ports
    limits: Limits = field(init=False)
    lately: Lately = field(init=False)
    reissues: Reissues = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "limits", Limits(self.ports.counters))
        object.__setattr__(self, "lately", Lately(self.ports.entropy(32)))
        object.__setattr__(self, "reissues", Reissues())

    async def respond(
        self, request: HttpRequest, environment: str, path: str, peer: str, request_id: str, now: float
    ) -> HttpResponse:
        """Answer a POST to the mount at `path` of `environment` (``tenant/name``).

        `peer`: the caller's address. `now`: seconds since the epoch. Never raises for anything a caller does;
        an unknown mount is KeyError, the router's fault.
        """
        call = Call(environment, path, peer, request_id, now)
        position = self.ports.directory.position
        view, mount, dialect = found = self._mounted(call)
        try:
            if mount.ends_at is not None and now >= mount.ends_at:
                raise OAuthError(
                    "invalid_request", 410, "This token endpoint has been retired.", reason="mount_ended"
                )
            return await self._answer(call, request, position, found)
        except OAuthError as error:
            refusal = error
        except StorageUnavailable as fault:
            refusal = temporarily_unavailable(RETRY_AFTER, reason="storage_unavailable", detail=str(fault))
        except Busy:
            refusal = temporarily_unavailable(1, reason="slow_checks_busy")
        except (KeysUnusable, Unsealable) as fault:
            refusal = temporarily_unavailable(RETRY_AFTER, reason="keys_unusable", detail=str(fault))
        asked = await self._read_again(call, dialect, request)
        return await self._refuse(call, dialect, asked, refusal, view)

    async def _answer(self, call: Call, request: HttpRequest, position: int, found: _Found) -> HttpResponse:
        """The whole story of a token. `position`: from before `found` was looked up.

        Raises OAuthError, StorageUnavailable, Busy.
        """
        now = call.now
        verdict: Verdict | None = None
        for attempt in range(JUDGEMENTS):
            view, mount, dialect = found
            name = self.lately.name(call.environment, call.path, dialect, request)
            lately = self._as_lately(call, name, view)
            if lately is None:
                try:
                    judged = await self._judge(call, request, view, mount, dialect, first=attempt == 0)
                except OAuthError as refused:
                    latest = await self._latest(call, position, refused) if attempt == 0 else None
                    if latest is None:
                        raise
                    position, found = latest
                    continue
                verdict = verdict or judged.verdict
                judged = judged._replace(verdict=None)  # that was of this request alone
                self.lately.remember(name, judged)
            else:
                judged = lately
                if (
                    attempt == 0
                ):  # else a unit was taken before, even where what was said of it is lost with a refusal
                    client_id = judged.grant.client_id
                    verdict = await self.limits.admit_and_pace(judged.take, view, client_id, call.peer, now)
            if view.environment.reissue_seconds and lately is not None and attempt == 0:
                log = self.ports.directory.revocations(call.environment)
                given = self.reissues.find(name, judged, view, int(now), log)
                if given is not None:
                    again = await self._give_again(call, view, dialect, given, position, verdict)
                    if again is not None:
                        return again
                    position, found = await self._found_again(call)
                    continue
            self.limits.foresee(judged.allowances, now)
            try:
                issued = issue(judged, view, int(now), self.ports.entropy, self.ports.secret_key)
            except LookupError as missing:
                raise KeysUnusable(str(missing)) from None
            outcome = await self.ports.ledger.commit(
                Issuance(
                    position=position,
                    subjects=judged.subjects,
                    day=int(now) // DAY,
                    allowances=judged.allowances,
                    event=issued_event(call, dialect, judged, issued.jti),
                    opaque=issued.opaque,
                    ahead=issued.sign,
                    numbered=issued.numbered,
                )
            )
            if isinstance(outcome, Committed):
                if view.environment.reissue_seconds:
                    token = issued.sign(outcome.number)
                    self.reissues.keep(name, Given.of(judged, token, issued.jti, int(now)))
                if verdict is not None and verdict.exceeded:
                    self._note_watched(issued_event(call, dialect, judged, issued.jti), verdict.exceeded)
                more = _rate_fields(judged, verdict, outcome, now)
                return answer(judged, view, dialect, issued, outcome.number, more)
            if isinstance(outcome, OverQuota):
                self.limits.remember_used_up(judged.allowances[outcome.index], now)
                raise over_quota(outcome.index, judged.allowances[outcome.index], now)
            position, found = await self._found_again(call)
        raise temporarily_unavailable(1, reason="changing_too_fast")

    async def _latest(self, call: Call, position: int, refused: OAuthError) -> tuple[int, _Found] | None:
        """What there is by now, when a refusal may rest on what changed elsewhere since `position`: who set something
        up and was told so can rely on it at every node. Raises OAuthError 404.
        """
        directory = self.ports.directory
        if refused.reason not in _BY_WHAT_IS_SET_UP or not await directory.settle(PATIENCE):
            return None
        return self._as_of_now(call) if directory.position != position else None

    async def _found_again(self, call: Call) -> tuple[int, _Found]:
        """What there is now that something has changed, and as of when. Raises OAuthError 404."""
        await self.ports.directory.refresh()
        return self._as_of_now(call)

    def _as_of_now(self, call: Call) -> tuple[int, _Found]:
        position = self.ports.directory.position
        try:
            return position, self._mounted(call)
        except KeyError:
            sentence = "There is no token endpoint here any more."
            raise OAuthError("invalid_request", 404, sentence, reason="mount_removed") from None

    async def _give_again(
        self,
        call: Call,
        view: EnvironmentView,
        dialect: Dialect,
        given: Given,
        position: int,
        verdict: Verdict | None,
    ) -> HttpResponse | None:
        """The token of before, audited once more and not counted; None when something it rests on has changed."""
        judged, now = given.judged, call.now
        event = issued_event(call, dialect, judged, given.jti)._replace(reason=REISSUED)
        subjects = (*judged.subjects, f"revocations:{call.environment}")
        outcome = await self.ports.ledger.commit(Issuance(position, subjects, int(now) // DAY, (), event))
        if not isinstance(outcome, Committed):
            return None
        if verdict is not None and verdict.exceeded:
            self._note_watched(event, verdict.exceeded)
        status, headers, body = write_response(dialect, given.response(view, int(now)))
        fields = () if verdict is None else rate_fields(judged.take.limit, verdict, None, 0, now)
        return HttpResponse(status, headers + fields, body)

    def _note_watched(self, issued: AuditEvent, exceeded: tuple[str, ...]) -> None:
        """What limits that are only watched would have refused."""
        for name in exceeded:
            self.ports.ledger.note(issued._replace(outcome="watched", reason=f"rate_{name}", jti=""))

    def _as_lately(self, call: Call, name: bytes, view: EnvironmentView) -> Judgement | None:
        """The judgement of the same request, if all that it was made of is still in the directory."""
        known = self.lately.find(name, view, call.now)
        if known is None:
            return None
        held = self.ports.directory.held(call.environment, known.grant.client_id)
        return known if held is known.rests_on else None

    async def _judge(
        self,
        call: Call,
        request: HttpRequest,
        view: EnvironmentView,
        mount: Mount,
        dialect: Dialect,
        *,
        first: bool,
    ) -> Judgement:
        """Who asks, and what may be granted. `first`: not again after a change."""
        now = call.now
        asked = await as_found(read_request(dialect, request), call.environment, self.ports)
        address = address_limit(view, call.peer)
        await self.limits.admit(call.environment, identity_of(asked), call.peer, now, address)
        ask = Asked(asked, view, mount, dialect, call.peer, now, first, self.ports, self.limits)
        judged = await GRANTS[asked.grant_type](ask)
        return standing(judged, view, dialect)

    async def _read_again(self, call: Call, dialect: Dialect, request: HttpRequest) -> TokenRequest | None:
        """What a refused request claimed, for limits and the audit trail; None when it could not be read."""
        try:
            asked = read_request(dialect, request)
        except OAuthError:
            return None
        try:
            return await as_found(asked, call.environment, self.ports)
        except StorageUnavailable:
            return asked

    def _mounted(self, call: Call) -> _Found:
        view = self.ports.directory.environment(call.environment)
        if view is None or call.path not in view.mounts:
            raise KeyError(call.path)
        mount, dialect = view.mounts[call.path]
        return view, mount, dialect

    async def _refuse(
        self,
        call: Call,
        dialect: Dialect,
        asked: TokenRequest | None,
        error: OAuthError,
        view: EnvironmentView,
    ) -> HttpResponse:
        identity = identity_of(asked) if asked is not None else ""
        self.ports.ledger.note(refused_event(call, dialect, asked, error))
        if is_authentication_failure(error):
            await self.limits.failed(call.environment, identity, call.peer, call.now)
            await self.ports.answer_late(call.now)
        response = write_error(dialect, error, view.environment.issuer)
        return HttpResponse(response.status, response.headers + refusal_fields(error), response.body)


class KeysUnusable(Exception):
    """No key of the environment can sign: none is due, or none could be opened."""


_Found = tuple[EnvironmentView, Mount, Dialect]


def _rate_fields(judged: Judgement, verdict: Verdict | None, outcome: Committed, now: float) -> Headers:
    if verdict is None:
        return ()
    return rate_fields(judged.take.limit, verdict, judged.allowances[0].limit, outcome.used[0], now)
