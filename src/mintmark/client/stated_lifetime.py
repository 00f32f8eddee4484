"""A lifetime that is not spelled as the dialect says: quoted, zero, negative, absurd. The token is good all the same.

Called only after a strict reading failed; everything but the lifetime is read as strictly again. What cannot be
understood as a lifetime counts as not stated, so that no vendor's slip leads to a token per call, or to none.
"""

from __future__ import annotations

from dataclasses import replace

from mintmark.client.freshness import LONGEST_LIFETIME
from mintmark.dialect.formats import FORMATS
from mintmark.dialect.model import Dialect
from mintmark.dialect.response import read_response
from mintmark.dialect.template import Array, Node, Place, Table
from mintmark.values.token import TokenResponse
from mintmark.wire.http import HttpResponse

_STATED = {"expires_in": "stated_lifetime", "expires_at": "stated_end"}


def read_leniently(dialect: Dialect, response: HttpResponse, received_at: int) -> TokenResponse:
    """As `dialect.read_response`, but for the lifetime. Raises ResponseFault and OAuthError as it does."""
    shape = dialect.response
    lenient = replace(
        shape,
        body=None if shape.body is None else _unformatted(shape.body),
        headers=tuple((name, _unformatted(node)) for name, node in shape.headers),
        also=tuple((at, _place(place)) for at, place in shape.also),
        expiry="given",
    )
    answer = read_response(
        replace(dialect, response=lenient, limits=replace(dialect.limits, lifetime=None)),
        response,
        received_at,
    )
    extras = {name: value for name, value in answer.extras.items() if name not in _STATED.values()}
    seconds = _seconds(answer.extras.get("stated_lifetime"))
    return answer._replace(extras=extras, expires_at=None if seconds is None else received_at + seconds)


def _unformatted(node: Node) -> Node:
    if isinstance(node, Place):
        return _place(node)
    if isinstance(node, Table):
        return Table(tuple((name, _unformatted(member)) for name, member in node.members))
    if isinstance(node, Array):
        return Array(tuple(_unformatted(item) for item in node.items))
    return node


def _place(place: Place) -> Place:
    return Place(_STATED[place.name], FORMATS["any"]) if place.name in _STATED else place


def _seconds(stated: object) -> int | None:
    if isinstance(stated, str) and stated.isascii() and stated.isdigit() and len(stated) < 20:
        stated = int(stated)
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not stated >= 1:
        return None
    return int(min(stated, LONGEST_LIFETIME))
