"""What a refused request claimed, as far as it may stand in the audit trail: surely no secret, and short."""

from __future__ import annotations

import re

#: Our secrets and tokens, whole or cut, and JWTs, wherever they stand in a text.
_SECRET_LIKE = re.compile(r"mm[a-z][0-9A-Za-z]{12,}|eyJ[\w-]{4,}(?:\.[\w-]*)*", re.ASCII)
_LONGEST = 200


def claimed(text: str | None) -> str:
    """A claimed identifier for the audit trail: masked where somebody put a secret or token, cut, printable."""
    if not text:
        return ""
    text = _SECRET_LIKE.sub("***", text)
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST])
