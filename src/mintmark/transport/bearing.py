"""Which calls may bear a token, and what to do when an API refuses one: the rules that all HTTP libraries share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from urllib.parse import urljoin

from mintmark.client.errors import Misconfigured, NoToken
from mintmark.client.request_id import request_id_of
from mintmark.client.token import Token
from mintmark.client.token_source import TokenSource
from mintmark.wire.bearer import parse_challenge
from mintmark.wire.origin import is_safe, origin_of

logger = logging.getLogger("mintmark.client")
_MOST_KEYS = 256
HeaderValues = Callable[[bytes], list[bytes]]


class Bearing:
    """The token of `source` goes to `origins`; without any, to the origin of the first call.

    Raises Misconfigured for an origin that is neither HTTPS nor this machine.
    """

    def __init__(self, source: TokenSource, origins: Iterable[str]) -> None:
        self.source = source
        self._origins: set[str] = set()
        self._admitted: set[object] = set()
        self._first: dict[None, str] = {}
        for address in origins:
            try:
                self._origins.add(_safe(origin_of(address)))
            except ValueError:
                raise Misconfigured(
                    "an origin must be an address such as https://api.example", dialect=source.dialect
                ) from None

    def demand(self, key: object, url: Callable[[], str]) -> None:
        """Raise Misconfigured unless the token may go to `url()`. `key` is equal only for equal origins."""
        if key in self._admitted:
            return
        if not self.admits(url()):
            known = ", ".join(sorted(self._origins))
            raise Misconfigured(
                f"the token is for {known} and was not sent elsewhere: name the other origin in source.auth(...)",
                dialect=self.source.dialect,
            )
        if len(self._admitted) < _MOST_KEYS:
            self._admitted.add(key)

    def admits(self, url: str) -> bool:
        """Whether the token may go to `url`. Raises Misconfigured when the first call of all is not safe."""
        try:
            origin = origin_of(url)
        except ValueError:
            raise Misconfigured(
                "a call needs an http or https address", dialect=self.source.dialect
            ) from None
        if not self._origins:
            # Whichever call comes first binds all others; without a lock, which a fork could leave locked.
            self._origins.add(self._first.setdefault(None, _safe(origin)))
        return origin in self._origins

    def admits_redirect(self, url: str, location: str) -> bool:
        """Whether the token may go along from `url` to `location`."""
        try:
            return origin_of(urljoin(url, location)) in self._origins
        except ValueError:
            return False

    def refused(self, token: Token, status: int, values: HeaderValues) -> bool:
        """An API answered with `status`: whether the call may be worth one replay with another token."""
        if status not in self.source.token_dead:
            return False
        challenge = parse_challenge(values(b"www-authenticate"))
        if challenge is not None and challenge.error == "insufficient_scope":
            return False
        if not self.source.invalidate(token):
            return False
        logger.info(
            "%s: an API refused the token %s with status %d (request id %s)",
            *(self.source.dialect, token, status, request_id_of(values) or "none"),
        )
        return True

    def replacement(self, token: Token) -> Token | None:
        """Another token than the refused one; None when there is none, and the refusal is the caller's."""
        try:
            return self._other(self.source.token(), token)
        except NoToken as error:
            self._keep(error)
            return None

    async def areplacement(self, token: Token) -> Token | None:
        """`replacement`, for asyncio."""
        try:
            return self._other(await self.source.atoken(), token)
        except NoToken as error:
            self._keep(error)
            return None

    def _other(self, fresh: Token, refused: Token) -> Token | None:
        if fresh.same_text(refused):
            return None
        logger.info("%s: replaying the call once with the token %s", self.source.dialect, fresh)
        return fresh

    def _keep(self, error: NoToken) -> None:
        logger.warning("%s: no new token after a refusal: %s", self.source.dialect, error.sentence)


def _safe(origin: str) -> str:
    if not is_safe(origin):
        raise Misconfigured(f"a token goes by https:// or stays on this machine, so not to {origin}")
    return origin
