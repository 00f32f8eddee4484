"""A passkey of a person (WebAuthn): a public key whose private half never leaves the person's device."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passkey:
    """`id`: the credential's id, base64url. `public_key`: COSE, base64url. `uses`: the device's signature counter.

    `name`: by which the person recognises it. Times: whole seconds since the epoch, UTC; `used_at` None: never.
    """

    id: str
    username: str
    public_key: str
    uses: int
    name: str
    created_at: int
    used_at: int | None = None
