"""What a source knows of itself, for a program's health page and for people; nothing in it is secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mintmark.client.allowance import Allowance
from mintmark.client.errors import NoToken

State = Literal["empty", "asking", "fresh", "renewing", "failing", "failed"]


@dataclass(frozen=True, slots=True)
class Status:
    """Times are seconds since the epoch.

    `state`: no token yet (``empty``, ``asking``, ``failed``), or a good one that is ``fresh``, being renewed
    (``renewing``), or still served although renewing it fails (``failing``). `token`: its mask. `retry_at`: when the
    vendor is asked again. `exchanges`: how many this process has made. `allowances`: what the vendor said is left.
    """

    state: State
    dialect: str
    token: str = ""
    expires_at: float | None = None
    renew_at: float | None = None
    scope: str | None = None
    last_error: NoToken | None = None
    retry_at: float | None = None
    exchanges: int = 0
    allowances: tuple[Allowance, ...] = ()

    @property
    def low(self) -> bool:
        """Whether at most a fifth of an allowance is left."""
        return any(allowance.limit and allowance.low() for allowance in self.allowances)
