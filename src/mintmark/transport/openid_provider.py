"""The company's OpenID provider over the network: its metadata and keys, and the exchange of a code for an ID token.

Asked within the bounds of `issuer_client`; what was fetched is kept for a while, because every sign-in needs it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from mintmark.jose.json_object import parse_object
from mintmark.jose.key_set import MAX_KEY_SET_BYTES
from mintmark.transport.issuer_client import IssuerClient, NoResponse
from mintmark.values.openid import OpenIdFault, Provider
from mintmark.values.secret import Secret
from mintmark.wire.basic import write_basic
from mintmark.wire.form import write_form
from mintmark.wire.http import HttpRequest, HttpResponse
from mintmark.wire.origin import is_safe, origin_of

KEPT = 300.0
#: Seconds for which a provider that did not answer is not asked again: who waits meanwhile holds a thread each.
LEFT_ALONE = 5.0
MOST_BYTES = 256 * 1024
_JSON = ((b"accept", b"application/json"),)
_FORM = (*_JSON, (b"content-type", b"application/x-www-form-urlencoded"))


@dataclass(slots=True)
class NetworkProvider:
    """Implements `web.console.openid.OpenIdProvider`. `secret()`: reads the client's secret afresh."""

    issuer: str
    client_id: str
    secret: Callable[[], Secret] = field(repr=False)
    title: str
    monotonic: Callable[[], float] = field(repr=False)
    client: IssuerClient = field(default_factory=IssuerClient, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _held: tuple[float, Provider] | None = field(default=None, repr=False)
    _failed: tuple[float, str] | None = field(default=None, repr=False)

    def provider(self) -> Provider:
        """Its metadata and keys. Raises OpenIdFault."""
        with self._lock:
            held = self._held
            if held is not None and self.monotonic() < held[0] + KEPT:
                return held[1]
            if self._failed is not None and self.monotonic() < self._failed[0] + LEFT_ALONE:
                raise OpenIdFault(self._failed[1])
            try:
                found = self._fetched()
            except OpenIdFault as fault:
                self._failed = (self.monotonic(), str(fault))
                raise
            self._held, self._failed = (self.monotonic(), found), None
            return found

    def exchange(self, provider: Provider, code: Secret, verifier: Secret, redirect_uri: str) -> Secret:
        """The ID token for a code, with client_secret_basic (OpenID Connect Core §3.1.3). Raises OpenIdFault."""
        body = write_form(
            [
                ("grant_type", "authorization_code"),
                ("code", code.reveal()),
                ("redirect_uri", redirect_uri),
                ("code_verifier", verifier.reveal()),
            ]
        )
        try:
            secret = self.secret().reveal()
        except (OSError, ValueError):
            raise OpenIdFault(
                "The secret for the OpenID provider cannot be read here: sign in otherwise."
            ) from None
        authorization = write_basic(self.client_id, secret, encoded=True, scheme="Basic")
        headers = (*_FORM, (b"authorization", authorization))
        answer = self._ask(HttpRequest("POST", "", b"", headers, body, provider.token_endpoint))
        token = self._object(answer).get("id_token")
        if not isinstance(token, str):
            raise OpenIdFault("The OpenID provider answered without an ID token.")
        return Secret(token)

    def _fetched(self) -> Provider:
        place = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = self._object(self._ask(HttpRequest("GET", "", b"", _JSON, b"", place)))
        if metadata.get("issuer") != self.issuer:
            raise OpenIdFault(
                "The OpenID provider's metadata names another issuer than the setting oidc_issuer."
            )
        places = {}
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            url = metadata.get(name)
            try:
                safe = isinstance(url, str) and is_safe(origin_of(url))
            except ValueError:
                safe = False
            if not safe:
                raise OpenIdFault(f"The OpenID provider's metadata has no usable {name}.")
            places[name] = str(url)
        keys = self._ask(HttpRequest("GET", "", b"", _JSON, b"", places["jwks_uri"]), MAX_KEY_SET_BYTES)
        return Provider(self.issuer, places["authorization_endpoint"], places["token_endpoint"], keys.body)

    def _ask(self, request: HttpRequest, limit: int = MOST_BYTES) -> HttpResponse:
        try:
            answer = self.client(request, limit)
        except NoResponse:
            raise OpenIdFault(
                "The OpenID provider cannot be reached: try again, or sign in otherwise."
            ) from None
        if answer.status != 200:
            raise OpenIdFault(f"The OpenID provider refused: it answered {answer.status}.")
        return answer

    def _object(self, answer: HttpResponse) -> dict[str, object]:
        try:
            return parse_object(answer.body)
        except ValueError:
            raise OpenIdFault("The OpenID provider's answer cannot be read.") from None
