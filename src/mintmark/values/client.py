"""A registered client and the permissions it may ask for; fields named as in RFC 7591 §2.

A client is an OAuth application (Oleria, Fyma, Omneo) or a service account (Omnissa Intelligence); the two
differ in who makes them and how they are handed over, not in what the token endpoint does with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mintmark.values.credential import SecretVersion

ClientKind = Literal["application", "service_account"]
CLIENT_CREDENTIALS = "client_credentials"


@dataclass(frozen=True, slots=True)
class Client:
    """`environment`: ``tenant/name``. `allowed`: audience -> scope tokens it may be granted there.

    `daily_token_limit`: tokens per UTC day, or None. `rate_limit`: token requests per minute, or None for
    the environment's. `needs_user`: a machine user must act beside it (Omneo method 1).
    `imported`: its id came from another server, so both readings of Basic are tried on the RFC mount.
    `protects`: audiences of the APIs that it stands in front of (RFC 7662's protected resource): it may introspect
    their tokens and read the revocation feed.
    `owner`: the user name of the developer who made it, or empty; developers see and touch their own only.
    Times are whole seconds since the epoch, UTC.
    """

    environment: str
    client_id: str
    client_name: str
    kind: ClientKind = "application"
    enabled: bool = True
    grant_types: tuple[str, ...] = (CLIENT_CREDENTIALS,)
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    daily_token_limit: int | None = None
    rate_limit: int | None = None
    needs_user: bool = False
    imported: bool = False
    created_at: int = 0
    protects: tuple[str, ...] = ()
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """A client with its secret versions, newest last: what one read brings for authentication."""

    client: Client
    secrets: tuple[SecretVersion, ...] = ()
