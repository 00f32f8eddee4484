"""An OpenID provider, as its metadata and keys describe it, and the one way that its answers are refused."""

from __future__ import annotations

from dataclasses import dataclass, field


class OpenIdFault(Exception):
    """The provider cannot be asked, or its answer signs nobody in; one sentence without a secret."""


@dataclass(frozen=True, slots=True)
class Provider:
    """OpenID Connect Discovery §3. `keys`: its key set, as it was fetched."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    keys: bytes = field(repr=False)
