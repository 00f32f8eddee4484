"""The answer to a creation, kept for a while so that who did not receive it may ask again and nothing is made twice."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`principal`: who asked, as the audit trail names it. `key`: the Idempotency-Key that was sent.

    `fingerprint`: keyed hash of what was asked. `sealed`: the answer, sealed, for it may hold a secret. `created_at`:
    whole seconds since the epoch, UTC.
    """

    principal: str
    key: str
    fingerprint: str
    sealed: str = field(repr=False)
    created_at: int
