"""One exchange of credentials for a token, as a generator that does no I/O: it yields what to send or how long to
wait, is resumed with the answer (or has `SendFault` thrown into it), and returns a `Token` or raises a `NoToken`.

The secret is read here, afresh each time. After `invalid_client` it is read once more and tried again only if it
changed; it is never sent in a second form.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Generator
from dataclasses import dataclass, replace

from mintmark.client.allowance import Allowance, declared, next_at, read_allowances
from mintmark.client.errors import HeldBack, Misconfigured, NoSense, NoToken, Refused, Unreachable
from mintmark.client.freshness import pause
from mintmark.client.means import Means, SendFault
from mintmark.client.profile import Profile
from mintmark.client.request_id import request_id_of
from mintmark.client.stated_lifetime import read_leniently
from mintmark.client.token import Credentials, Token
from mintmark.dialect.model import ResponseFault
from mintmark.dialect.presentation import present
from mintmark.dialect.response import read_response
from mintmark.dialect.writing import write_request
from mintmark.values.errors import OAuthError
from mintmark.values.secret import Secret
from mintmark.values.token import TokenResponse
from mintmark.wire.http import HttpRequest, HttpResponse
from mintmark.wire.origin import is_safe, origin_of

logger = logging.getLogger("mintmark.client")
ATTEMPTS = 3
#: No further attempt is begun for a caller without a token when it would begin later than this.
LONGEST_WAIT = 5.0
#: Refusals that say "not now"; every other code says "not so" (RFC 6749 §5.2, RFC 6585 §4).
_PASSING = frozenset(
    {"rate_limited", "quota_exceeded", "temporarily_unavailable", "server_error", "slow_down"}
)


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds before going on."""

    seconds: float


Steps = Generator[HttpRequest | Pause, HttpResponse | None, Token]


class Exchange:
    """How the tokens of one profile are obtained. One thread at a time goes through `steps`."""

    def __init__(self, profile: Profile, means: Means) -> None:
        self.profile = profile
        self.dialect = profile.dialect.name
        self.renew_before: float | None = profile.dialect.limits.renew_before
        self.token_dead = frozenset(profile.dialect.errors.token_dead)
        self._means = means
        self._key = means.entropy(32)
        self._refused: tuple[bytes, Refused] | None = None
        self._refused_until = 0.0
        self._refusals = 0

    def allowances(self) -> tuple[Allowance, ...]:
        """What is left, as far as the vendor said."""
        return self._means.ledger.read(self.profile.identity)

    def steps(self, *, patient: bool) -> Steps:
        """One exchange. `patient`: nobody has a token, so that passing trouble is worth three attempts."""
        credentials = self._read()
        try:
            return (yield from self._judged(credentials, patient))
        except Refused as refusal:
            if refusal.code != "invalid_client":
                raise
            refused = refusal
        fresh = self._read()
        if self._digest(fresh) == self._digest(credentials):
            raise refused
        logger.info("%s: the secret was rotated; asking once more with the new one", self.dialect)
        return (yield from self._judged(fresh, patient))

    def _read(self) -> Credentials:
        try:
            return self.profile.secrets()
        except NoToken as error:
            error.dialect = self.dialect
            raise
        except Exception as error:
            raise self._misconfigured(f"the secret cannot be read: {type(error).__name__}") from None

    def _digest(self, credentials: Credentials) -> bytes:
        digest = hmac.new(self._key, digestmod=hashlib.sha256)
        for name in sorted(credentials):
            text = _text(credentials[name]).encode("utf-8", "surrogatepass")
            digest.update(b"%s=%d:%s;" % (name.encode(), len(text), text))
        return digest.digest()

    def _judged(self, credentials: Credentials, patient: bool) -> Steps:
        """`_patiently`, unless these very credentials were refused for good a while ago."""
        digest = self._digest(credentials)
        if self._refused is not None and self._refused[0] == digest:
            if self._means.monotonic() < self._refused_until:
                raise self._refused[1].again()
        else:
            self._refusals = 0
        try:
            token = yield from self._patiently(credentials, patient)
        except Refused as refusal:
            if refusal.permanent:
                self._refusals += 1
                self._refused = (digest, refusal.again())
                self._refused_until = self._means.monotonic() + pause(self._refusals, 1.0, 300, 3600)
            raise
        self._refused, self._refusals = None, 0
        return token

    def _patiently(self, credentials: Credentials, patient: bool) -> Steps:
        failures, began = 0, self._means.monotonic()
        while True:
            failures += 1
            try:
                return (yield from self._once(credentials))
            except (Refused, Unreachable) as error:
                wait = pause(failures, self._means.jitter())
                if error.retry_at is not None:
                    wait = max(wait, error.retry_at - self._means.clock())
                late = self._means.monotonic() + wait - began > LONGEST_WAIT
                permanent = isinstance(error, Refused) and error.permanent
                if permanent or late or not patient or failures == ATTEMPTS:
                    raise
            yield Pause(wait)

    def _once(self, credentials: Credentials) -> Steps:
        means, dialect = self._means, self.profile.dialect
        request, variables = self._request(credentials)
        began = means.clock()
        allowed_at = next_at(self._known_allowances(began), began)
        if allowed_at > began:
            raise HeldBack(
                "little is left of the vendor's allowance of tokens, and what is left is spread over the time until "
                f"it returns; the next token is asked for in {round(allowed_at - began)} s",
                dialect=self.dialect,
                retry_at=allowed_at,
            )
        means.ledger.spend(self.profile.identity, began)
        try:
            response = yield request
        except SendFault as fault:
            logger.warning("%s: no answer to a token request: %s", self.dialect, fault.sentence)
            kind = NoSense if fault.unusable else Unreachable
            raise kind(fault.sentence, dialect=self.dialect) from None
        if response is None:
            raise AssertionError("a request is answered by a response")
        received = means.clock()
        request_id = request_id_of(response.values)
        self._note_allowances(response, began, received)
        try:
            answer = self._understood(response, int(began))
            presentation = present(dialect, answer, variables)
        except OAuthError as error:
            raise self._refusal(error, request_id, received, credentials) from None
        except ResponseFault as fault:
            logger.warning(
                "%s: the answer with status %d makes no sense: %s (request id %s)",
                *(self.dialect, response.status, fault, request_id or "none"),
            )
            raise NoSense(str(fault), dialect=self.dialect, request_id=request_id) from None
        except ValueError as fault:
            raise NoSense(str(fault), dialect=self.dialect, request_id=request_id) from None
        lifetime = None if answer.expires_at is None else answer.expires_at - int(began)
        logger.info(
            "%s: a token was obtained, good for %s s (request id %s)",
            *(self.dialect, "unknown" if lifetime is None else lifetime, request_id or "none"),
        )
        if lifetime is None and dialect.response.expiry != "never":
            lifetime = 0
        return Token(
            answer.access_token,
            answer.token_type,
            began,
            answer.expires_at,
            answer.scope,
            presentation,
            request_id,
            lifetime,
        )

    def _understood(self, response: HttpResponse, began: int) -> TokenResponse:
        try:
            return read_response(self.profile.dialect, response, began)
        except ResponseFault as fault:
            answer = read_leniently(self.profile.dialect, response, began)
            logger.warning("%s: the lifetime of a token is not as the dialect says: %s", self.dialect, fault)
            return answer

    def _request(self, credentials: Credentials) -> tuple[HttpRequest, dict[str, str]]:
        try:
            asked, variables = self.profile.request(credentials, self._means.functions)
            request = write_request(
                self.profile.dialect, asked, variables, self._means.functions, form=self.profile.form
            )
            safe = is_safe(origin_of(request.url))
        except KeyError:
            raise self._misconfigured(
                f"the dialect '{self.dialect}' has no form '{self.profile.form}'"
            ) from None
        except ValueError as fault:
            raise self._misconfigured(str(fault)) from None
        if not safe:
            raise self._misconfigured(
                "the token endpoint's address must begin with https:// unless it is on this machine"
            )
        return request, variables

    def _known_allowances(self, now: float) -> tuple[Allowance, ...]:
        """What is left of the windows that are open now; a declared quota is whole until told otherwise."""
        ledger, identity = self._means.ledger, self.profile.identity
        known = tuple(allowance for allowance in ledger.read(identity) if now < allowance.resets_at)
        names = {allowance.name for allowance in known}
        quotas = self.profile.dialect.limits.quotas
        new = tuple(allowance for allowance in declared(quotas, now) if allowance.name not in names)
        if new:
            ledger.write(identity, new)
        return known + new

    def _note_allowances(self, response: HttpResponse, began: float, now: float) -> None:
        allowances = tuple(replace(item, asked_at=began) for item in read_allowances(response, now))
        if allowances:
            self._means.ledger.write(self.profile.identity, allowances)
        for allowance in allowances:
            if allowance.low():
                logger.warning(
                    "%s: %d of %d tokens are left (%s) for the next %d s",
                    *(self.dialect, allowance.remaining, allowance.limit, allowance.name),
                    round(allowance.resets_at - now),
                )

    def _refusal(self, error: OAuthError, request_id: str, now: float, credentials: Credentials) -> Refused:
        coded = error.reason == "vendor_refused"
        permanent = error.status < 500 and error.status not in (408, 425, 429) and error.code not in _PASSING
        refused = Refused(
            error.status,
            _without_secrets(error.code, credentials),
            _without_secrets(error.description, credentials),
            permanent=permanent and (coded or error.status == 401),
            dialect=self.dialect,
            request_id=request_id,
            retry_at=None if error.retry_after is None else now + error.retry_after,
        )
        logger.warning("%s", refused)
        return refused

    def _misconfigured(self, sentence: str) -> Misconfigured:
        return Misconfigured(sentence, dialect=self.dialect)


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _without_secrets(said: str, credentials: Credentials) -> str:
    """What a vendor says, unless it repeats a secret that was sent to it."""
    for value in credentials.values():
        if isinstance(value, Secret) and len(value.reveal()) > 4 and value.reveal() in said:
            return "(the vendor repeated a secret here)"
    return said
