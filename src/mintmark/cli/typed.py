"""What people type for options: instants, periods, pairs, permissions. Each raises UsageFault with one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from mintmark.cli.services import UsageFault

_PERIOD = re.compile(r"([0-9]{1,9})([smhdw]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def period(text: str | None, option: str) -> int | None:
    """Seconds of ``90``, ``15m``, ``12h``, ``30d`` or ``2w``; None stays None."""
    if text is None:
        return None
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise UsageFault(f"{option} must be a period such as 3600, 15m, 12h, 30d or 2w.")
    return int(match[1]) * _SECONDS[match[2]]


def instant(text: str | None, now: int, option: str) -> int | None:
    """Seconds since the epoch of a period from `now`, or of ``2027-01-31`` or ``2027-01-31T12:00:00Z``.

    A date is its first second, UTC; a time without a zone is UTC too.
    """
    if text is None:
        return None
    if _PERIOD.fullmatch(text):
        return now + (period(text, option) or 0)
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise UsageFault(
            f"{option} must be a period such as 30d, a date such as 2027-01-31, or a time such as "
            "2027-01-31T12:00:00Z."
        ) from None


def past(text: str | None, now: int, option: str) -> int | None:
    """As `instant`, but a period counts back from `now`."""
    if text is not None and _PERIOD.fullmatch(text):
        return now - (period(text, option) or 0)
    return instant(text, now, option)


def shown_instant(at: float | None) -> str | None:
    """RFC 3339, UTC, to the second; None stays None."""
    return None if at is None else datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pair(text: str, option: str) -> tuple[str, str]:
    """``NAME=VALUE``, split at the first equals sign."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageFault(f"{option} must be of the form NAME=VALUE.")
    return name, value


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Several ``NAME=VALUE``, each name once."""
    made: dict[str, str] = {}
    for text in texts:
        name, value = pair(text, option)
        if name in made:
            raise UsageFault(f"{option} names {name} twice.")
        made[name] = value
    return made


def described(texts: Iterable[str], option: str) -> dict[str, str]:
    """Several ``TOKEN what it allows``: the first word is the scope token, the rest says what it means."""
    made: dict[str, str] = {}
    for text in texts:
        token, _, meaning = text.strip().partition(" ")
        if not token or token in made:
            raise UsageFault(f"{option} must begin with a scope token, each of them once.")
        made[token] = meaning.strip()
    return made


def permissions(texts: Iterable[str], option: str) -> dict[str, tuple[str, ...]]:
    """Several ``AUDIENCE SCOPE SCOPE ...``: audience -> scope tokens."""
    made: dict[str, tuple[str, ...]] = {}
    for text in texts:
        words = text.split()
        if not words or words[0] in made:
            raise UsageFault(f"{option} must begin with the audience of an API, each of them once.")
        made[words[0]] = tuple(words[1:])
    return made
