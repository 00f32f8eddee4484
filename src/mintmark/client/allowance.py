"""What a vendor says is left of the tokens it issues, in any of the spellings seen in the field, and when to hold back.

Spellings: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), the fields of its older
drafts (`RateLimit-Limit` ...), `X-RateLimit-*` (GitHub and many), `Auth0-Client-Quota-Limit` (Auth0's documentation,
"fine-grained M2M token quotas"). Whatever is malformed counts as not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mintmark.dialect.model import TokenQuota
from mintmark.wire.http import HttpResponse

#: Windows shorter than this pace requests; they are no allowance to keep house with.
SHORTEST_WINDOW = 600
#: A reset that is later than this, read as seconds, is an instant (X-RateLimit-Reset of GitHub).
_INSTANT = 10**9
_ITEM = re.compile(
    r'\s*"?([A-Za-z0-9_.-]{1,64})"?((?:\s*;\s*[a-z]+=(?:"[^"]*"|[^;,"]+))*)\s*(?:,|\Z)', re.ASCII
)
_PARAMETER = re.compile(r'([a-z]+)=\s*"?(\d{1,12})"?\s*(?=;|\Z)', re.ASCII)
_PAIRS = re.compile(r"(?:[a-z]=[A-Za-z0-9_.-]{1,64};?)+", re.ASCII)
_LENGTHS = {"hour": 3600, "day": 86400, "month": 86400 * 30}
_PERIODS = {"per_minute": 60, "per_hour": 3600, "per_day": 86400, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `limit` tokens per window called `name`; `remaining` are left until `resets_at` (seconds since the
    epoch). `asked_at`: when the last one was asked for, 0 when unknown. `limit` is 0 when the vendor does not say.
    """

    name: str
    limit: int
    remaining: int
    resets_at: float
    asked_at: float = 0

    def low(self) -> bool:
        """Whether at most a fifth is left."""
        return self.remaining * 5 <= self.limit

    def spent(self, now: float) -> Allowance:
        """After one more token was asked for."""
        return replace(self, remaining=max(0, self.remaining - 1), asked_at=now)

    def next_at(self, now: float) -> float:
        """When the next token may be asked for: now, while more than a fifth is left; after that, what is left is
        spread evenly over the time to the reset; when nothing is left, at the reset.
        """
        if now >= self.resets_at or not self.limit or not self.low():
            return now
        if not self.remaining:
            return self.resets_at
        spacing = (self.resets_at - max(self.asked_at, now - 86400)) / (self.remaining + 1)
        return max(now, self.asked_at + spacing) if self.asked_at else now


def next_at(allowances: tuple[Allowance, ...], now: float) -> float:
    """When the strictest of them lets the next token be asked for."""
    return max((allowance.next_at(now) for allowance in allowances), default=now)


def declared(quotas: Iterable[TokenQuota], now: float) -> Iterator[Allowance]:
    """What a dialect says of tokens per client, in the window that is open now; windows begin with the UTC day."""
    for quota in quotas:
        length = _LENGTHS.get(quota.per)
        if length is not None and quota.by == "client":
            yield Allowance(quota.per, quota.most, quota.most, (now // length + 1) * length)


def read_allowances(response: HttpResponse, now: float) -> tuple[Allowance, ...]:
    """Every allowance of at least ten minutes that the answer speaks of."""
    found = (*_auth0(response, now), *_structured(response, now), *_loose(response, now))
    return tuple({allowance.name: allowance for allowance in reversed(found)}.values())[::-1]


def _field(response: HttpResponse, name: bytes) -> str:
    return ", ".join(value.decode("latin-1") for value in response.values(name))[:2048]


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 12 else None


def _auth0(response: HttpResponse, now: float) -> Iterator[Allowance]:
    for name in (b"auth0-client-quota-limit", b"auth0-organization-quota-limit"):
        for pairs in _PAIRS.findall(_field(response, name)):
            values = dict(pair.split("=", 1) for pair in pairs.strip(";").split(";"))
            yield from _allowance(values.get("b", "quota"), values, _PERIODS.get(values.get("b", "")), now)


def _structured(response: HttpResponse, now: float) -> Iterator[Allowance]:
    policies = dict(_items(_field(response, b"ratelimit-policy")))
    for name, values in _items(_field(response, b"ratelimit")):
        policy = policies.get(name, {})
        yield from _allowance(name, {**policy, **values}, _number(policy.get("w")), now)


def _items(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for name, parameters in _ITEM.findall(text):
        yield name, dict(_PARAMETER.findall(parameters))


def _loose(response: HttpResponse, now: float) -> Iterator[Allowance]:
    for prefix in (b"ratelimit-", b"x-ratelimit-", b"x-rate-limit-"):
        limit = _field(response, prefix + b"limit").partition(",")[0].partition(";")[0].strip()
        reset = _field(response, prefix + b"reset").strip()
        window = re.search(r";\s*w=(\d{1,9})", _field(response, prefix + b"limit"))
        seconds = _number(reset)
        if seconds is not None and seconds > _INSTANT:
            reset = str(max(0, int(seconds - now)))
        values = {"q": limit, "r": _field(response, prefix + b"remaining").strip(), "t": reset}
        yield from _allowance("limit", values, int(window[1]) if window else None, now)


def _allowance(name: str, values: dict[str, str], length: int | None, now: float) -> Iterator[Allowance]:
    limit, remaining, reset = (_number(values.get(key)) for key in ("q", "r", "t"))
    if remaining is None or reset is None or max(length or 0, reset) < SHORTEST_WINDOW or reset > 86400 * 366:
        return
    yield Allowance(name, limit or 0, remaining, now + reset)
