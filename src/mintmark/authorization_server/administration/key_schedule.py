"""The schedule of signing keys: how long one is published before it signs, and how long it signs.

After its last signature a key stays published for the longest token lifetime of its environment, so that no
token that is still valid loses its key.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """`publish_ahead`: seconds from publication to the first signature, at least as long as verifiers cache a
    key set. `signs_for`: seconds that a key signs before the next one takes over.

    Raises ValueError when a period is not positive, or when keys would overlap more than they sign.
    """

    publish_ahead: int = 86400
    signs_for: int = 90 * 86400

    def __post_init__(self) -> None:
        if self.publish_ahead < 1 or self.signs_for <= self.publish_ahead:
            raise ValueError(
                "a signing key must sign for longer than it is published ahead, both in seconds above 0"
            )
