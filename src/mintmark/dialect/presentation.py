"""How an API call carries the token, by the dialect: headers, query parameters and cookies to add to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mintmark.dialect.model import Dialect
from mintmark.dialect.template import ABSENT, Node, fill
from mintmark.values.secret import Secret
from mintmark.values.token import NOTHING, TokenResponse
from mintmark.wire.http import UNSAFE


@dataclass(frozen=True, slots=True)
class Presentation:
    """Names and values to add to a call. They hold the token: print nothing of them."""

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    cookies: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def present(dialect: Dialect, token: TokenResponse, variables: Mapping[str, str] = NOTHING) -> Presentation:
    """What a call needs. `variables`: further values that the dialect names (Twitch: the client id).

    Raises ValueError when a value is missing or holds what a header cannot carry.
    """

    def values(name: str) -> object:
        if name == "access_token":
            return token.access_token.reveal()
        if name == "token_type":
            return token.token_type
        extra = token.extras.get(name, variables.get(name))
        return extra.reveal() if isinstance(extra, Secret) else extra

    def filled(members: tuple[tuple[str, Node], ...]) -> tuple[tuple[str, str], ...]:
        out = []
        for name, node in members:
            value = fill(node, values, textual=True)
            if value is ABSENT or UNSAFE.search(str(value)) is not None:
                raise ValueError(
                    f"the token cannot be presented: {name} has no value, or one that it cannot carry"
                )
            out.append((name, str(value)))
        return tuple(out)

    shape = dialect.present
    return Presentation(filled(shape.headers), filled(shape.query), filled(shape.cookies))
