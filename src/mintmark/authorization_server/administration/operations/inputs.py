"""Inputs that several operations share, and the types of their fields. The text beside a type says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration.operation import Instant as Instant

EnvironmentId = Annotated[str, "The environment, as tenant/name."]
ClientId = Annotated[str, "The client's id."]
Handle = Annotated[str, "The tenant's handle, part of its URLs."]
Audience = Annotated[str, "Audience of the API."]
Name = Annotated[str, "Name for people."]
Label = Annotated[str, "Text by which people recognise it."]
Scopes = Annotated[tuple[str, ...], "Scope tokens."]
Allowed = Annotated[
    Mapping[str, tuple[str, ...]],
    "Audience of an API, and the scope tokens that it may ask for there; * stands for all that the API has now.",
]
Protects = Annotated[
    tuple[str, ...],
    "Audiences of the APIs that it stands in front of: it may introspect their tokens and read the revocation feed.",
]
NeedsUser = Annotated[bool, "Whether a machine user must act beside it."]
DailyTokenLimit = Annotated[int | None, "Tokens per UTC day; null: no limit."]
RateLimit = Annotated[int | None, "Token requests per minute; null: as the environment has it."]
ExpiresAt = Annotated[Instant | None, "When it ends; null: never."]
EndsAt = Annotated[Instant | None, "When it ends; null: now."]
Overlap = Annotated[
    int | None, "Seconds that the client's other secrets live on; null: as the environment has it."
]


@dataclass(frozen=True, slots=True)
class Nothing:
    """No input."""


@dataclass(frozen=True, slots=True)
class OfTenant:
    """A tenant."""

    tenant: Handle


@dataclass(frozen=True, slots=True)
class OfEnvironment:
    """An environment."""

    environment: EnvironmentId


@dataclass(frozen=True, slots=True)
class OfApi:
    """An API of an environment."""

    environment: EnvironmentId
    audience: Audience


@dataclass(frozen=True, slots=True)
class OfClient:
    """A client of an environment."""

    environment: EnvironmentId
    client_id: ClientId
