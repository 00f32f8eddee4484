"""What is shown of credentials and keys, as types; only what was just made holds a secret."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from mintmark.authorization_server.administration.shapes import Moment
from mintmark.values.secret import Secret


class SecretRow(TypedDict):
    """A secret version."""

    environment: str
    client_id: str
    secret_id: str
    label: str
    imported: bool
    created_at: Moment | None
    retires_at: Moment | None
    expires_at: Moment | None
    revoked_at: Moment | None


class NewSecretRow(SecretRow):
    """A secret version and its text, shown once."""

    client_secret: Secret


class LifeRow(TypedDict):
    """The state of a credential, and its last use."""

    state: str
    last_used_at: Moment | None
    last_used_from: str | None


class SecretEntryRow(SecretRow, LifeRow):
    """A secret version with its state and last use."""


class CredentialsFileRow(TypedDict):
    """A credentials file, shown once."""

    environment: str
    client_id: str
    secret_id: str
    credentials_file: Secret


class MachineUserRow(TypedDict):
    """A machine user."""

    environment: str
    username: str
    id: str
    enabled: bool
    scopes: list[str]
    proxy_login: bool
    proxy_audience: str | None
    created_at: Moment | None


class NewMachineUserRow(MachineUserRow):
    """A machine user, with the password that was generated for it, shown once."""

    password: NotRequired[Secret]


class ApiTokenRow(TypedDict):
    """An API token."""

    environment: str
    token_id: str
    label: str
    audience: str
    scopes: list[str]
    user_id: str | None
    created_at: Moment | None
    expires_at: Moment | None
    revoked_at: Moment | None


class NewApiTokenRow(ApiTokenRow):
    """An API token and its text, shown once."""

    token: Secret


class ApiTokenEntryRow(ApiTokenRow, LifeRow):
    """An API token with its mask, state and last use."""

    mask: str


class LegacyTokenRow(TypedDict):
    """A legacy token."""

    environment: str
    token_id: str
    label: str
    audience: str
    scopes: list[str]
    created_at: Moment | None
    expires_at: Moment | None
    revoked_at: Moment | None


class LegacyTokenEntryRow(LegacyTokenRow, LifeRow):
    """A legacy token with its state and last use."""


class RevokedTokenRow(TypedDict):
    """A token that was ended, by its id."""

    environment: str
    revoked: str


class SignatureKeyRow(TypedDict):
    """A signature key."""

    environment: str
    key_id: str
    label: str
    audience: str
    scopes: list[str]
    lifetime: int
    created_at: Moment | None
    retires_at: Moment | None
    expires_at: Moment | None
    revoked_at: Moment | None


class NewSignatureKeyRow(SignatureKeyRow):
    """A signature key and its text, shown once."""

    signature_key: Secret


class SignatureKeyEntryRow(SignatureKeyRow, LifeRow):
    """A signature key with its state and last use."""


class HandOverRow(TypedDict):
    """A hand-over that waits to be fetched."""

    environment: str
    hand_over_id: str
    about: str
    created_by: str
    created_at: Moment | None
    expires_at: Moment | None


class NewHandOverRow(HandOverRow):
    """A hand-over and the code of its link, shown once: the link is ``{public_url}/console/hand-over#{code}``."""

    code: Secret


class SigningKeyRow(TypedDict):
    """A signing key. `public`: its JWK."""

    environment: str
    kid: str
    algorithm: str
    published_at: Moment | None
    signs_at: Moment | None
    retires_at: Moment | None
    removed_at: Moment | None
    public: dict[str, str]


class SigningKeyEntryRow(SigningKeyRow):
    """A signing key and what it does now."""

    state: str
