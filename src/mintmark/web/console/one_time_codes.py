"""One-time codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds), as all of these apps know them."""

from __future__ import annotations

import hmac
from base64 import b32encode
from io import BytesIO
from urllib.parse import quote

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP, DIGITS, SECRET_BYTES = 30, 6, 20
#: Steps before and after the present one that are taken, for clocks that differ (RFC 6238 §5.2).
SLACK = 1


def matching_step(secret: bytes, code: str, now: float) -> int | None:
    """The time step whose code this is, around `now`; None when it is none of them. Every step is compared."""
    totp = TOTP(secret, DIGITS, SHA1(), STEP)  # noqa: S303 - what authenticator apps compute
    presented = "".join(code.split()).encode("utf-8", "surrogatepass")
    present = int(now) // STEP
    found = None
    for step in range(max(0, present - SLACK), present + SLACK + 1):
        if hmac.compare_digest(totp.generate(step * STEP), presented):
            found = step
    return found


def address(secret: bytes, username: str, issuer: str) -> str:
    """What an app reads from the picture: secret, account and issuer."""
    text = b32encode(secret).decode("ascii").rstrip("=")
    return f"otpauth://totp/{quote(issuer)}:{quote(username)}?secret={text}&issuer={quote(issuer)}"


def picture(text: str) -> str:
    """A QR code as SVG without any style of its own."""
    out = BytesIO()
    segno.make(text, error="m").save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=True,
        svgclass="qr",
        lineclass=None,
        scale=5,
        border=3,
        light="#fff",
        dark="#000",
    )
    return out.getvalue().decode("utf-8")
