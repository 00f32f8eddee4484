"""A token that a vendor issued, as a program holds it: it prints as a mask, and `reveal` alone gives its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from mintmark.dialect.presentation import Presentation
from mintmark.values.secret import Secret


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """`expires_at`: seconds since the epoch, None when the vendor does not say. `presentation`: what a call adds.

    `scope`: what was granted, None when the vendor does not say. `request_id`: the vendor's id of the exchange.
    """

    secret: Secret
    token_type: str = "Bearer"
    obtained_at: float = 0
    expires_at: float | None = None
    scope: str | None = None
    presentation: Presentation = field(default=Presentation(), repr=False)
    request_id: str = ""
    #: Seconds that it is good for, counted from `obtained_at`: None for ever, 0 when nobody said.
    lifetime: float | None = field(default=None, repr=False)

    def reveal(self) -> str:
        """The text of the token: call it at the last moment, and never in a log."""
        return self.secret.reveal()

    def __str__(self) -> str:
        return self.secret.mask()

    def __format__(self, spec: str) -> str:
        return self.secret.mask()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token stays in the memory of its process: it is not pickled or copied")

    def same_text(self, other: Token) -> bool:
        """Whether both are the same token, compared in constant time."""
        return self.secret == other.secret


#: What a program hands in to learn today's identity and secret: canonical name to value.
Credentials = dict[str, "str | Secret"]
SecretSource = Callable[[], Credentials]
