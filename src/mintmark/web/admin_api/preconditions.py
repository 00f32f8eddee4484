"""Entity tags of what is shown, and the conditions that callers put on them (RFC 9110 §8.8.3 and §13.1)."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode

from mintmark.web.admin_api.problems import Problem

_TAGS = re.compile(
    r'[ \t]*(?:W/)?"[\x21\x23-\x7e]*"[ \t]*(?:,[ \t]*(?:W/)?"[\x21\x23-\x7e]*"[ \t]*)*', re.ASCII
)
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"', re.ASCII)
LONGEST = 1024


def etag(body: bytes) -> str:
    """The strong entity tag of a representation."""
    return '"' + urlsafe_b64encode(hashlib.sha256(body).digest()[:15]).decode("ascii") + '"'


def refuse_changed(if_match: str | None, current: str, *, required: bool) -> None:
    """Raise Problem unless what is there now is what the caller has seen: 412, or 428 where it must say so."""
    if if_match is None:
        if required:
            raise Problem(
                428,
                "must_match",
                "Send the ETag that you have read in the header If-Match, or * to change it as it is.",
            )
        return
    if if_match.strip() == "*" or current in _read(if_match, "If-Match"):
        return
    raise Problem(412, "changed", "It was changed since you have read it: read it again and decide anew.")


def unchanged(if_none_match: str | None, current: str) -> bool:
    """Whether the caller has this representation already (304); the comparison is weak."""
    if if_none_match is None:
        return False
    tags = ["*"] if if_none_match.strip() == "*" else _read(if_none_match, "If-None-Match")
    return "*" in tags or current in [tag.removeprefix("W/") for tag in tags]


def _read(text: str, header: str) -> list[str]:
    if len(text) > LONGEST or _TAGS.fullmatch(text) is None:
        raise Problem(400, "malformed", f"The header {header} must be * or entity tags in double quotes.")
    return _TAG.findall(text)
