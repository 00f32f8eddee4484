"""Whom to ask and for what: a dialect, the values of its address, what the token is for, and where the secret is.

A profile holds no secret, only a function that returns today's; it is read afresh for each exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mintmark.client.token import Credentials, SecretSource
from mintmark.dialect.address import variables_of
from mintmark.dialect.formats import FORMATS
from mintmark.dialect.model import Dialect
from mintmark.dialect.template import Place, places
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

    def __post_init__(self) -> None:
        """A `token_url` that is given stands for the dialect's own address: the same vendor elsewhere, or a test's."""
        if "token_url" in self.variables and "token_url" not in variables_of(self.dialect.url):
            elsewhere = replace(self.dialect, url=Place("token_url", FORMATS["text"]))
            object.__setattr__(self, "dialect", elsewhere)

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
        inner = _of_functions(self.dialect)
        # What only a named function takes (a key that signs) has no place in the request itself.
        placed = {name: text for name, text in texts.items() if name in shape.names or name not in inner}
        request = TokenRequest(
            self.dialect.grant_type,
            client_id=placed.get("client_id"),
            client_secret=_secret(placed.get("client_secret")),
            username=placed.get("username"),
            password=_secret(placed.get("password")),
            subject=subject,
            signature=_secret(placed.get("signature")),
            scope=self.scope or (placed.get("scope") if "scope" in shape.names else None),
            audience=audience,
            parameters={name: texts[name] for name in shape.further if name in texts},
        )
        variables = {
            name: texts[name]
            for name, value in credentials.items()
            if name in inner or not isinstance(value, Secret)
        }
        return request, {**variables, **self.variables}


def _of_functions(dialect: Dialect) -> set[str]:
    """The names that the arguments of named functions hold."""
    return {
        place.name
        for function in dialect.functions.values()
        for node in function.arguments.values()
        for place in places(node)
    }


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)
