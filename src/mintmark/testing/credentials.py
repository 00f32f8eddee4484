"""Who may ask a fake vendor for tokens, and what a request must hold for it: made up from the dialect's own example.

The secret that the vendor takes and the one that clients know are two, so that a rotation can go unannounced.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from mintmark.dialect.model import REQUEST_NAMES, Dialect
from mintmark.dialect.template import Node, places
from mintmark.values.errors import invalid_client, invalid_grant
from mintmark.values.secret import Secret
from mintmark.values.token import TokenRequest

_SECRETS = ("client_secret", "password", "signature_key")


class FakeCredentials:
    """`known`: what clients are told, by the names that `mintmark.source` has. `form`: which of the dialect's forms."""

    def __init__(self, dialect: Dialect, form: str | int = 0) -> None:
        self._dialect = dialect
        self.form = dialect.form(form)
        example = next((dict(one.request) for one in dialect.examples if one.form == self.form.name), {})
        _, at, tail = example.get("client_id", "").partition("@")
        values = {
            "client_id": f"fake-client{at}{tail}",
            "client_secret": "fake-secret-1",
            "username": "fake-user",
            "password": "fake-password-1",
            "subject": example.get("subject", "5940192837"),
            "signature_key": "fake-signature-key-1",
        }
        names = self.form.names | self._inner()
        if "signature" in names:
            names |= {"signature_key"}
        self.known = {name: value for name, value in values.items() if name in names}
        self.rotates = next((name for name in _SECRETS if name in self.known), None)
        self._taken = dict(self.known)
        self._rotations = 1
        #: What a request needs beside them: scope, audience and parameters of the vendor's own.
        self.defaults = {
            name: dialect.parameters[name].only or example.get(name) or self._sample(name)
            for name in sorted(
                (names & dialect.parameters.keys()) - values.keys() - {"signature", "grant_type"}
            )
            if name in example or dialect.parameters[name].required
        }

    def rotate(self, *, announced: bool) -> str:
        """The secret that the vendor takes from now on. Raises ValueError when the dialect has none."""
        if self.rotates is None:
            raise ValueError(f"the dialect '{self._dialect.name}' has no secret that could be rotated")
        self._rotations += 1
        fresh = f"{self._taken[self.rotates].rpartition('-')[0]}-{self._rotations}"
        self._taken[self.rotates] = fresh
        if announced:
            self.known[self.rotates] = fresh
        return fresh

    def check(self, request: TokenRequest) -> None:
        """Raises OAuthError unless whatever the request brings is right. What a named function made is not looked at,
        but for a signed subject."""
        told = self._told(request)
        wrong = {name for name, value in told.items() if not self._right(name, value)}
        if wrong & {"client_id", "client_secret"} or (
            wrong and "client_id" not in told and "subject" not in told
        ):
            raise invalid_client(reason="wrong_secret")
        if wrong:
            raise invalid_grant("What was presented is not valid.", reason="wrong_secret")

    def secrets(self) -> Mapping[str, str | Secret]:
        """What clients know now, secrets as `Secret`."""
        return {name: Secret(value) if name in _SECRETS else value for name, value in self.known.items()}

    def _right(self, name: str, value: str) -> bool:
        if name == "signature":
            subject = self._taken.get("subject", "")
            taken = hmac.new(
                self._taken["signature_key"].encode(), subject.encode(), hashlib.sha256
            ).hexdigest()
        else:
            taken = self._taken.get(name, "")
        return hmac.compare_digest(value.encode("utf-8", "surrogatepass"), taken.encode())

    @staticmethod
    def _told(request: TokenRequest) -> dict[str, str]:
        values = {name: getattr(request, name) for name in REQUEST_NAMES & set(TokenRequest._fields)}
        for name in ("grant_type", "scope", "audience"):
            values.pop(name, None)
        return {
            name: value.reveal() if isinstance(value, Secret) else str(value)
            for name, value in values.items()
            if value is not None
        }

    def _inner(self) -> frozenset[str]:
        """Names that the arguments of the dialect's functions hold."""
        nodes: list[Node] = [node for f in self._dialect.functions.values() for node in f.arguments.values()]
        return frozenset(place.name for node in nodes for place in places(node))

    def _sample(self, name: str) -> str:
        form = self.form
        nodes = [node for members in (form.query, form.headers, form.cookies) for _, node in members]
        nodes += [form.body] if form.body is not None else []
        formats = {place.name: place.format.name for node in nodes for place in places(node)}
        return "1" if formats.get(name) == "integer" else f"fake-{name}"
