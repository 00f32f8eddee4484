"""Tokens that no exchange obtains: an API token made by an administrator (Omneo, method 2), or a legacy token id and
secret sent as Basic on each call (Fyma). They are read where they are kept, and read again after an API refused them.
"""

from __future__ import annotations

from collections.abc import Callable

from mintmark.client.allowance import Allowance
from mintmark.client.errors import Misconfigured, NoToken
from mintmark.client.exchange import Steps
from mintmark.client.token import Credentials, SecretSource, Token
from mintmark.dialect.presentation import Presentation
from mintmark.values.secret import Secret
from mintmark.wire.basic import write_basic
from mintmark.wire.http import UNSAFE


class StandingToken:
    """Obtains a token by reading it: `token` as Bearer, or else `client_id` and `client_secret` as Basic."""

    def __init__(
        self, secrets: SecretSource, clock: Callable[[], float], name: str = "standing-token"
    ) -> None:
        self.dialect = name
        self.renew_before: float | None = None
        self.token_dead = frozenset({401})
        self._secrets = secrets
        self._clock = clock

    def allowances(self) -> tuple[Allowance, ...]:
        """Nothing is asked for, so nothing is counted."""
        return ()

    def steps(self, *, patient: bool) -> Steps:  # noqa: ARG002
        """The token as it stands today; `patient` makes no difference."""
        yield from ()
        try:
            credentials = self._secrets()
        except NoToken as error:
            error.dialect = self.dialect
            raise
        except Exception as error:
            raise self._fault(f"the token cannot be read: {type(error).__name__}") from None
        return self._token(credentials)

    def _token(self, credentials: Credentials) -> Token:
        now = self._clock()
        text = _text(credentials.get("token"))
        if text:
            if UNSAFE.search(text) is not None or not text.isascii() or " " in text:
                raise self._fault("the token holds characters that no header carries")
            shown = Presentation((("Authorization", f"Bearer {text}"),))
            return Token(Secret(text), "Bearer", now, presentation=shown)
        user, password = _text(credentials.get("client_id")), _text(credentials.get("client_secret"))
        if not user or not password:
            raise self._fault("there is no token, nor an id and a secret")
        try:
            value = write_basic(user, password, encoded=False).decode("ascii")
        except ValueError as fault:
            raise self._fault(str(fault)) from None
        return Token(Secret(value[6:]), "Basic", now, presentation=Presentation((("Authorization", value),)))

    def _fault(self, sentence: str) -> Misconfigured:
        return Misconfigured(sentence, dialect=self.dialect)


def _text(value: str | Secret | None) -> str:
    return value.reveal() if isinstance(value, Secret) else value or ""
