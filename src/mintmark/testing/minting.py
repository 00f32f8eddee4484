"""The tokens of a fake vendor: signed JWTs, who holds them, which of them are still good.

Everything follows the vendor's clock, so that a test can let tokens expire without waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mintmark.dialect.model import RESPONSE_NAMES, Dialect
from mintmark.jose.access_token import build
from mintmark.jose.jwk import generate
from mintmark.values.errors import invalid_token, quota_exceeded
from mintmark.values.secret import Secret
from mintmark.values.token import TokenRequest, TokenResponse
from mintmark.wire.http import Headers

DAY = 86400
#: How long a token lives whose answer does not say so.
UNSTATED = 3600


@dataclass(slots=True)
class _Minted:
    response: TokenResponse
    claims: Mapping[str, object]
    expires_at: float
    revoked: bool = False


class Mint:
    """Issues and judges. `lifetime`: seconds, None where the answer must not say. `quota`: tokens per UTC day."""

    def __init__(self, dialect: Dialect, clock: Callable[[], float], defaults: Mapping[str, str]) -> None:
        self.issuer = ""
        self.audience = ""
        self.lifetime: int | None = dialect.limits.lifetime or UNSTATED
        self.quota: int | None = None
        self.key = generate("ES256")
        self._dialect, self._clock, self._defaults = dialect, clock, defaults
        self._minted: dict[str, _Minted] = {}
        self._spent: dict[int, int] = {}
        self._number = 0
        self._lock = threading.Lock()

    def issue(self, request: TokenRequest, skew: float) -> TokenResponse:
        """A token for whoever was authenticated. Raises OAuthError when the day's quota is used up."""
        now = self._clock()
        stamp = int(now + skew)
        with self._lock:
            reissue = self._dialect.limits.reissue
            alive = [one for one in self._minted.values() if not one.revoked and now < one.expires_at]
            if reissue == "same" and alive:
                return alive[-1].response._replace(issued_at=stamp)
            self._count(now)
            if reissue == "replace":
                for one in alive:
                    one.revoked = True
            self._number += 1
            lives = UNSTATED if self.lifetime is None else self.lifetime
            claims = self._claims(request, stamp, lives)
            text = build(claims, self.key, "at+jwt")
            response = TokenResponse(
                Secret(text),
                self._dialect.response.token_type,
                stamp,
                None if self.lifetime is None else stamp + lives,
                request.scope or self._defaults.get("scope"),
                self._extras(claims),
            )
            self._minted[text] = _Minted(response, claims, now + lives)
        return response

    def judge(self, text: str | None) -> Mapping[str, object]:
        """The claims of a token that is good now. Raises OAuthError."""
        with self._lock:
            minted = self._minted.get(text or "")
            if minted is None:
                raise invalid_token("The token is not known here.", reason="unknown")
            if minted.revoked:
                raise invalid_token("The token was revoked.", reason="revoked")
            if self._clock() >= minted.expires_at:
                raise invalid_token("The token has expired.", reason="expired")
            return minted.claims

    def revoke(self, text: str | None) -> None:
        """End one token, or all that were issued."""
        with self._lock:
            for each, minted in self._minted.items():
                if text is None or each == text:
                    minted.revoked = True

    def quota_headers(self) -> Headers:
        """What is left, as draft-ietf-httpapi-ratelimit-headers-10 spells it; nothing where there is no quota."""
        if not self.quota:
            return ()
        now = self._clock()
        left = max(0, self.quota - self._spent.get(int(now // DAY), 0))
        return (
            (b"ratelimit-policy", f'"daily";q={self.quota};w={DAY}'.encode()),
            (b"ratelimit", f'"daily";r={left};t={int(DAY - now % DAY)}'.encode()),
        )

    def _count(self, now: float) -> None:
        day = int(now // DAY)
        spent = self._spent.get(day, 0)
        if self.quota is not None and spent >= self.quota:
            raise quota_exceeded(max(1, int(DAY - now % DAY)), reason="quota")
        self._spent[day] = spent + 1

    def _claims(self, request: TokenRequest, stamp: int, lives: int) -> dict[str, object]:
        who = request.subject or request.username or request.client_id or "fake-client"
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": who,
            "aud": request.audience[0] if request.audience else self.audience,
            "client_id": request.client_id or who,
            "iat": stamp,
            "nbf": stamp,
            "exp": stamp + lives,
            "jti": f"fake-token-{self._number}",
        }
        scope = request.scope or self._defaults.get("scope")
        return {**claims, "scope": scope} if scope else claims

    def _extras(self, claims: Mapping[str, object]) -> dict[str, object]:
        shape = self._dialect.response
        extras = {
            name: claims.get(name, f"fake-{name}") for name in shape.extras if name not in RESPONSE_NAMES
        }
        return {name: Secret(str(v)) if name in shape.secrets else v for name, v in extras.items()}
