"""The decision at an API's door: from a request's Authorization header to a `Caller`, or an `OAuthError` of RFC 6750.

No I/O and no clock of its own: `admit` decides what can be decided at once, by a hash and a look-up for a token seen
before; `steps` yields what it needs to know and goes on when the driver, a thread or an event loop, has it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from mintmark.jose.access_token import verify
from mintmark.jose.json_object import parse_object
from mintmark.jose.jwk import PublicKey
from mintmark.jose.jws import TokenFault, parse_compact
from mintmark.jose.key_set import KeySet
from mintmark.resource_server.caller import Caller, caller_of, caller_of_facts, not_active
from mintmark.resource_server.introspected import Introspected, Question
from mintmark.resource_server.key_cache import KeyCache, unavailable
from mintmark.resource_server.seen_tokens import SeenTokens
from mintmark.resource_server.watch import FeedWanted, KeysWanted, Need, StatusWanted, Steps, Watch
from mintmark.values.errors import OAuthError, invalid_token
from mintmark.values.secret import Secret
from mintmark.values.token import TokenFacts
from mintmark.wire.basic import read_basic
from mintmark.wire.bearer import MAX_HEADER_BYTES, no_token, read_bearer
from mintmark.wire.http import Malformed

DEFAULT_SEEN: Final = 8192


#: A token that was let in, until when, and under what: it stands while keys and revocations are the same.
_Seen = tuple[float, Caller, Watch, KeySet, int]


def authorization_values(
    headers: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]],
) -> list[bytes]:
    """Every value of Authorization, whatever the case of its name; text is taken as Latin-1, as HTTP/1.1 does."""
    pairs = headers.items() if type(headers) is dict or isinstance(headers, Mapping) else headers
    values = []
    for name, value in pairs:
        if len(name) == 13 and name.lower() in ("authorization", b"authorization"):
            values.append(value if isinstance(value, bytes) else value.encode("latin-1", "replace"))
    return values


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Decides for one API. `watches`: by issuer identifier. `clock`: seconds since the epoch.

    `parameters`: the header parameters that any of the issuers' profiles passes over.
    """

    watches: Mapping[str, Watch]
    audiences: frozenset[str]
    clock: Callable[[], float]
    seen: SeenTokens[_Seen]
    parameters: frozenset[str] = frozenset()

    def admit(self, values: Sequence[bytes], now: float) -> Caller | None:
        """The caller, when the token was seen before or its key is known; None says that `steps` must look.

        Raises OAuthError for a token that is not good.
        """
        if len(values) != 1:
            return None
        value = values[0]
        if len(value) > MAX_HEADER_BYTES or value[:7].lower() != b"bearer ":
            return None
        digest = sha256(value[7:]).digest()
        found = self.seen.get(digest)
        if found is None:
            return self._first_sight(value[7:], digest, now) if len(self.watches) == 1 else None
        expires_at, caller, watch, keys, revision = found
        held, revocations = watch.keys.held, watch.revocations
        if now >= expires_at or held is None or held.keys is not keys:
            self.seen.drop(digest)
            return None
        if now >= watch.keys.serves_until:
            return None
        if revocations is not None:
            if now >= revocations.serves_until:
                return None
            if revision != revocations.revision:  # something was revoked since: was it this?
                revision = revocations.revision
                if revocations.refuse(caller.claims):
                    self.seen.drop(digest)
                    return None
                self.seen.put(digest, (expires_at, caller, watch, keys, revision))
        return caller

    def _first_sight(self, token: bytes, digest: bytes, now: float) -> Caller | None:
        """The only issuer's token, when key and revocations are at hand."""
        (watch,) = self.watches.values()
        held, revocations = watch.keys.held, watch.revocations
        if held is None or now >= watch.keys.serves_until:
            return None
        revision = 0
        if revocations is not None:
            if revocations.heard_at is None or now >= revocations.serves_until:
                return None
            revision = revocations.revision
        try:
            claims = verify(token, held.keys, watch.expectation, now)
        except TokenFault as fault:
            if fault.reason in (
                "unknown_key",
                "malformed",
            ):  # perhaps one to be fetched, perhaps no JWT at all
                return None
            raise invalid_token(fault.sentence, reason=fault.reason) from None
        caller = caller_of(claims, watch.profile, self.audiences)
        if revocations is not None and revocations.refuse(claims):
            raise not_active()
        self.seen.put(digest, (claims["exp"], caller, watch, held.keys, revision))  # type: ignore[arg-type]
        return caller

    def steps(self, values: Sequence[bytes]) -> Steps:
        """Yields a `Need` as often as there is one, is resumed with its answer, and returns the caller.

        Raises OAuthError: 401 without an error code when nothing was presented, ``invalid_token`` when it is not
        good, 503 with `retry_after` when that cannot be told.
        """
        if len(values) == 1 and values[0][:6].lower() == b"basic ":
            return (yield from self._basic(values[0]))
        token = read_bearer(values)
        if token.count(".") != 2:
            for watch in self.watches.values():
                if watch.introspected is not None:
                    secret = Secret(token)
                    digest = sha256(token.encode("ascii")).digest()
                    return (
                        yield from self._ask(watch, watch.introspected, Question("opaque", secret, digest))
                    )
        return (yield from self._jwt(token))

    def _jwt(self, token: str) -> Steps:
        watch = self._watch(token)
        claims, keys = yield from self._genuine(watch, token)
        caller = caller_of(claims, watch.profile, self.audiences)
        revision = yield from self._not_revoked(watch, claims)
        if keys is not None and caller.expires_at is not None:
            digest = sha256(token.encode("ascii")).digest()
            self.seen.put(digest, (caller.expires_at, caller, watch, keys, revision))
        return caller

    def _genuine(
        self, watch: Watch, token: str
    ) -> Generator[Need, TokenFacts | None, tuple[Mapping[str, object], KeySet | None]]:
        """The claims of a token that its issuer signed for us, and the keys among which its own was found."""
        wanted_at: float | None = None
        fetches = 0
        while True:
            now = self.clock()
            asked = _Asked(watch.keys, now)
            try:
                return verify(token, asked, watch.expectation, now), asked.keys
            except TokenFault as fault:
                if fault.reason != "unknown_key":
                    raise invalid_token(fault.sentence, reason=fault.reason) from None
            if _claimed_issuer(token, watch.profile.parameters) != watch.issuer.identifier:
                raise _wrong_issuer()
            if wanted_at is None:
                wanted_at = now
            elif fetches == 2 or not watch.keys.asked_before(wanted_at, now):
                raise watch.keys.missing(asked.kid, wanted_at, now)
            fetches += 1  # a second one, when the first had gone out before this token came
            yield KeysWanted(watch, asked.kid)

    def _watch(self, token: str) -> Watch:
        """The issuer whose token this says it is, compared exactly and before anything is fetched."""
        if len(self.watches) == 1:  # the claim is checked after the signature, or before a fetch
            return next(iter(self.watches.values()))
        watch = self.watches.get(_claimed_issuer(token, self.parameters))
        if watch is None:
            raise _wrong_issuer()
        return watch

    def _not_revoked(
        self, watch: Watch, claims: Mapping[str, object]
    ) -> Generator[Need, TokenFacts | None, int]:
        """The revision of the revocations by which the token stands. Raises OAuthError."""
        revocations = watch.revocations
        if revocations is None:
            return 0
        if revocations.waited_for(self.clock()):
            yield FeedWanted(watch)
        if self.clock() >= revocations.serves_until:
            raise unavailable(1.0, "revocations_unknown")
        revision = revocations.revision
        if revocations.refuse(claims):
            raise not_active()
        return revision

    def _basic(self, value: bytes) -> Steps:
        """A legacy token: id and secret, where the issuer's profile admits it (Fyma)."""
        for watch in self.watches.values():
            if watch.introspected is not None and watch.profile.basic:
                try:
                    pair = read_basic(value.strip(b" \t"))
                except Malformed as fault:
                    raise invalid_token(str(fault), reason="malformed_header") from None
                if pair is not None:
                    secret = Secret(":".join(pair))
                    digest = sha256(b"basic:" + secret.reveal().encode("utf-8")).digest()
                    return (
                        yield from self._ask(watch, watch.introspected, Question("basic", secret, digest))
                    )
        raise no_token("other_scheme")

    def _ask(self, watch: Watch, introspected: Introspected, question: Question) -> Steps:
        now = self.clock()
        known = introspected.recall(question.digest, now)
        revocations = watch.revocations
        revision = 0 if revocations is None else revocations.revision
        if known is not None and known.facts is not None and revocations is not None:
            revoked = revision != known.revision and revocations.refuse(claims_of(known.facts))
            if revoked or now >= revocations.serves_until:
                known = None  # the issuer knows, also of a long-lived token that came back with its tenant
        if known is None:
            facts = yield StatusWanted(watch, question)
            now = self.clock()
            doubtful = facts is not None and revocations is not None and revocations.refuse(claims_of(facts))
            introspected.keep(question.digest, facts, now, revision, doubtful=doubtful)
        else:
            facts = known.facts
        return caller_of_facts(facts, watch.issuer.identifier, self.audiences, now)


def claims_of(facts: TokenFacts) -> dict[str, object]:
    """What a JWT with these facts would say, for the look-up of revocations."""
    return {
        "client_id": facts.client_id,
        "mm_cred": facts.credential_id,
        "mm_user": facts.user_id,
        "mm_tenant": facts.tenant,
        "jti": facts.token_id,
        "aud": facts.audience,
        "iat": facts.issued_at,
    }


class _Asked:
    """The key look-up of one token, which remembers what was asked for and among which keys."""

    __slots__ = ("_cache", "_now", "keys", "kid")

    def __init__(self, cache: KeyCache, now: float) -> None:
        self._cache, self._now = cache, now
        self.kid: str | None = None
        self.keys = None if cache.held is None else cache.held.keys

    def __call__(self, kid: str | None) -> PublicKey | None:
        self.kid = kid
        return self._cache.key(kid, self._now)


def _claimed_issuer(token: str, parameters: frozenset[str]) -> str:
    """The `iss` of a token that nothing has verified yet; empty when there is none."""
    try:
        issuer = parse_object(parse_compact(token, ignored=parameters).payload).get("iss")
    except TokenFault as fault:
        raise invalid_token(fault.sentence, reason=fault.reason) from None
    except ValueError:
        raise invalid_token("The token's claims are not a strict JSON object.", reason="malformed") from None
    return issuer if isinstance(issuer, str) else ""


def _wrong_issuer() -> OAuthError:
    return invalid_token("The token is from another issuer.", reason="wrong_issuer")
