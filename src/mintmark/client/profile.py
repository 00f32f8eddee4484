"""Whom to ask and for what: a dialect, the values of its address, what the token is for, and where the secret is.

A profile holds no secret, only a function that returns today's; it is read afresh for each exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mintmark.client.token import Credentials, SecretSource
from mintmark.dialect.model import Dialect, Form
from mintmark.dialect.template import places
from mintmark.dialect.writing import NO_FUNCTIONS, NamedFunction
from mintmark.values.secret import Secret
from mintmark.values.token import TokenRequest


@dataclass(frozen=True, slots=True)
class Profile:
    """`variables` fill the address and further parameters of the dialect. `form`: which of its forms, by name or
    index. `identity`: what the vendor counts the allowance by, as far as it is known without a secret.
    """

    dialect: Dialect
    secrets: SecretSource = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    scope: str | None = None
    audience: tuple[str, ...] = ()
    subject: str | None = None
    form: str | int = 0
    identity: str = ""

    def request(
        self, credentials: Credentials, functions: Mapping[str, NamedFunction] = NO_FUNCTIONS
    ) -> tuple[TokenRequest, dict[str, str]]:
        """The request with today's `credentials`, and the variables that go with it.

        What a credentials file brings beside the secret is used where the form has a place for it. Instead of a
        `signature`, credentials may hold the `signature_key` that signs the subject (Omneo, method 3). Raises KeyError
        for an unknown form.
        """
        shape = self.dialect.form(self.form)
        texts = {name: _text(value) for name, value in credentials.items()}
        audience = self.audience
        if not audience and not shape.names.isdisjoint({"audience", "resource"}):
            audience = tuple(texts.get("audience", "").split())
        subject = self.subject or texts.get("subject")
        if "signature" in shape.names and "signature_key" in texts and "signature" not in texts and subject:
            texts["signature"] = functions["hmac"]({"key": texts["signature_key"], "text": subject})
        request = TokenRequest(
            self.dialect.grant_type,
            client_id=_placed(shape, texts, "client_id"),
            client_secret=_secret(_placed(shape, texts, "client_secret")),
            username=_placed(shape, texts, "username"),
            password=_secret(_placed(shape, texts, "password")),
            subject=subject,
            signature=_secret(_placed(shape, texts, "signature")),
            scope=self.scope or _placed(shape, texts, "scope"),
            audience=audience,
            parameters={name: texts[name] for name in shape.further if name in texts},
        )
        inner = {
            place.name
            for function in self.dialect.functions.values()
            for node in function.arguments.values()
            for place in places(node)
        }
        open_to_all = {
            name: texts[name]
            for name, value in credentials.items()
            if name in inner or not isinstance(value, Secret)
        }
        return request, {**open_to_all, **self.variables}


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _placed(form: Form, texts: Mapping[str, str], name: str) -> str | None:
    return texts.get(name) if name in form.names else None


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)
