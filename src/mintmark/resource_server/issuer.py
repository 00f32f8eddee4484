"""An issuer that a guard trusts: its exact identifier, how its tokens look, and where its documents stand.

Keys, introspection and feed are asked for at the issuer's own origin, at an origin that its profile names, or at an
address given here; an address that only a document names elsewhere is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mintmark.resource_server.profile import PROFILES, RFC9068, Profile
from mintmark.values.secret import Secret
from mintmark.wire.origin import is_safe, origin_of

Credentials = Callable[[], tuple[str, Secret | str]]
"""The guard's own client id and secret, read afresh each time they are needed."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """`identifier`: the exact ``iss``, an https URL (http on loopback). `profile`: a `Profile` or its name.

    `jwks_uri`, `introspection_endpoint`, `revocations_endpoint`: None means as the issuer's metadata says, and for the
    feed ``{identifier}/revocations``. `credentials`: needed for opaque tokens, legacy tokens and the feed.
    `follow_revocations`: whether the feed is read. Raises ValueError.
    """

    identifier: str
    profile: Profile | str = RFC9068
    jwks_uri: str | None = None
    introspection_endpoint: str | None = None
    revocations_endpoint: str | None = None
    credentials: Credentials | None = field(default=None, repr=False)
    follow_revocations: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.profile, str):
            if self.profile not in PROFILES:
                raise ValueError(f"there is no profile {self.profile!r}; there are {', '.join(PROFILES)}")
            object.__setattr__(self, "profile", PROFILES[self.profile])
        for url in (
            *(self.identifier, self.jwks_uri, self.introspection_endpoint, self.revocations_endpoint),
        ):
            if url is not None:
                _check(url)
        if urlsplit(self.identifier).query:
            raise ValueError("an issuer's identifier has no query (RFC 8414 §2)")
        if self.follow_revocations and self.credentials is None:
            raise ValueError(
                "the revocation feed is read with the guard's own client id and secret: give credentials"
            )

    @property
    def rules(self) -> Profile:
        """The profile as a value."""
        return PROFILES[self.profile] if isinstance(self.profile, str) else self.profile

    def own_credentials(self) -> tuple[str, Secret]:
        """The guard's client id and secret, read now. Raises whatever their function raises."""
        if self.credentials is None:
            raise ValueError("this issuer was given no credentials")
        client_id, secret = self.credentials()
        return client_id, secret if isinstance(secret, Secret) else Secret(secret)

    @property
    def revocations(self) -> str:
        """Where the revocation feed stands."""
        return self.revocations_endpoint or self.identifier.rstrip("/") + "/revocations"

    def metadata_urls(self) -> tuple[str, ...]:
        """Where its metadata may stand: RFC 8414 §3.1, then OpenID Connect Discovery §4."""
        parts = urlsplit(self.identifier)
        path = parts.path.rstrip("/")
        host = f"{parts.scheme}://{parts.netloc}"
        return (
            f"{host}/.well-known/oauth-authorization-server{path}",
            f"{host}{path}/.well-known/openid-configuration",
        )

    def named_in(self, metadata: Mapping[str, object], member: str) -> str:
        """The address that a metadata document gives for `member`.

        Raises ValueError, one sentence, when the document is another issuer's or the address stands at an origin that
        nobody declared.
        """
        if metadata.get("issuer") != self.identifier:
            raise ValueError("the metadata is another issuer's")
        url = metadata.get(member)
        if not isinstance(url, str):
            raise ValueError(f"the metadata has no {member}")
        _check(url)
        if origin_of(url) not in (origin_of(self.identifier), *self.rules.key_origins):
            raise ValueError(
                f"the metadata's {member} is at another origin ({origin_of(url)}); give {member} if that is right"
            )
        return url


def _check(url: str) -> None:
    if not url.isascii() or any(character <= " " for character in url) or "#" in url or "\\" in url:
        raise ValueError("an issuer's address is printable ASCII without spaces and without a fragment")
    if not is_safe(origin_of(url)):
        raise ValueError(f"{origin_of(url)} is neither https nor on this machine")
