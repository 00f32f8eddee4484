"""A token source with the hook for HTTP libraries: what programs hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintmark.client.means import Means
from mintmark.client.token_source import Obtains, TokenSource

if TYPE_CHECKING:
    from mintmark.transport.auth import MintmarkAuth


class Source(TokenSource):
    """`TokenSource` and `auth`. `obtains` and `means`: what it was made from."""

    obtains: Obtains
    means: Means
    origins: tuple[str, ...] = ()

    def auth(self, *origins: str) -> MintmarkAuth:
        """One object that puts the token on calls: ``auth=`` of an httpx2, httpx or requests client, and a middleware
        of aiohttp.

        `origins`: where the token may go (``https://api.example``); without any, those that the source was made with;
        without those, the origin of the first call made with this object. Raises Misconfigured.
        """
        from mintmark.transport.auth import auth_for

        return auth_for(self, origins or self.origins)
