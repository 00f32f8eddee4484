"""When a token is used, when it is renewed while it still serves, and when it is over. Pure arithmetic.

Leads are shares of the lifetime, so that a token of 25 seconds and one of a year both behave; times are in the
caller's monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

#: "fewer than 60 seconds of life remaining" (Oleria, page "Authentication").
EARLIEST = 60.0
#: A token of unknown life is renewed this often, and served on until a call says otherwise.
UNKNOWN_LIFETIME = 3600.0
LONGEST_LEAD = 86400.0
#: Nothing beyond this is a lifetime: about 68 years.
LONGEST_LIFETIME = float(2**31)


@dataclass(frozen=True, slots=True)
class Window:
    """Before `renew_at` a token is used; from then on it is used and renewed; from `over_at` it is over."""

    renew_at: float
    over_at: float


def window(lifetime: float | None, began: float, jitter: float, renew_before: float | None = None) -> Window:
    """The window of a token that lives `lifetime` seconds from `began` (the moment before it was asked for).

    `lifetime`: None for ever, not positive when nobody knows. `jitter`: from 0 to 1; renewal comes up to a fifth
    of the lead earlier. `renew_before`: the vendor's own wish in seconds.
    """
    if lifetime is None:
        return Window(inf, inf)
    if lifetime <= 0:
        return Window(began + UNKNOWN_LIFETIME * (1 - jitter / 5), inf)
    lifetime = min(lifetime, LONGEST_LIFETIME)
    lead = max(renew_before or EARLIEST, min(lifetime / 5, LONGEST_LEAD))
    lead = min(lead, lifetime / 2) * (1 + jitter / 5)
    return Window(began + lifetime - lead, began + lifetime - min(5.0, lifetime / 20))


def pause(failures: int, jitter: float, shortest: float = 1.0, longest: float = 60.0) -> float:
    """Seconds to wait after the `failures`-th failure in a row (from 1): doubling, capped, half of it random."""
    step = min(longest, shortest * 2.0 ** min(failures - 1, 30))
    return step / 2 * (1 + jitter)
