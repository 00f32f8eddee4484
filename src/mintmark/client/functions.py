"""The named functions of dialects: jwt, hmac, rsa-sign, rsa-encrypt, hash, uuid, now, mask.

A dialect names one under ``[functions.X]`` with its arguments, which may hold places; the table made here is handed to
`write_request`. Raises ValueError that names the argument at fault, never its value.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from mintmark.dialect.writing import NamedFunction
from mintmark.jose import base64url
from mintmark.jose.jwk import PrivateKey
from mintmark.jose.jws import sign_compact
from mintmark.values.secret import new_identifier
from mintmark.values.tenancy import Algorithm
from mintmark.wire.jsonobject import write_json

Arguments = Mapping[str, object]
_DIGESTS = {"sha256": hashlib.sha256, "sha512": hashlib.sha512, "sha1": hashlib.sha1, "md5": hashlib.md5}
_MOMENT = re.compile(r"now([+-]\d{1,9})?", re.ASCII)
_LIFETIME = 60


def named_functions(clock: Callable[[], float], entropy: Callable[[int], bytes]) -> dict[str, NamedFunction]:
    """The table. `clock`: seconds since the epoch."""
    return {
        "jwt": lambda arguments: _jwt(arguments, clock(), entropy),
        "hmac": _hmac,
        "rsa-sign": _rsa_sign,
        "rsa-encrypt": _rsa_encrypt,
        "hash": _hash,
        "uuid": lambda _: _uuid(entropy),
        "now": lambda arguments: _now(arguments, clock()),
        "mask": _mask,
    }


def _need(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if not value:
        raise ValueError(f"a named function of the dialect needs '{name}'")
    return str(value)


def _written(digest: bytes, arguments: Arguments, default: str) -> str:
    """`encoding`: hex, HEX, base64 or base64url."""
    encoding = str(arguments.get("encoding", default))
    if encoding in ("hex", "HEX"):
        return digest.hex() if encoding == "hex" else digest.hex().upper()
    if encoding == "base64":
        return b64encode(digest).decode("ascii")
    if encoding == "base64url":
        return base64url.encode(digest).decode("ascii")
    raise ValueError("'encoding' must be hex, HEX, base64 or base64url")


def _digest(arguments: Arguments) -> Callable[..., hashlib._Hash]:
    name = str(arguments.get("algorithm", "sha256"))
    if name not in _DIGESTS:
        raise ValueError(f"'algorithm' must be one of {', '.join(_DIGESTS)}")
    return _DIGESTS[name]


def _hmac(arguments: Arguments) -> str:
    """`key`, `text`; `algorithm` (sha256), `encoding` (hex, as Shopify's hmac_sha256 filter)."""
    key, text = _need(arguments, "key").encode(), _need(arguments, "text").encode()
    return _written(hmac.new(key, text, _digest(arguments)).digest(), arguments, "hex")


def _hash(arguments: Arguments) -> str:
    """`text`; `algorithm` (sha256), `encoding` (hex). A vendor that asks for md5 or sha1 gets it."""
    return _written(_digest(arguments)(_need(arguments, "text").encode()).digest(), arguments, "hex")


def _uuid(entropy: Callable[[int], bytes]) -> str:
    """A random UUID (RFC 9562 §5.4)."""
    data = bytearray(entropy(16))
    data[6], data[8] = data[6] & 0x0F | 0x40, data[8] & 0x3F | 0x80
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _now(arguments: Arguments, now: float) -> str:
    """`format`: seconds (the default), milliseconds, rfc3339, or a pattern of strftime, in UTC."""
    form = str(arguments.get("format", "seconds"))
    if form in ("seconds", "milliseconds"):
        return str(int(now) if form == "seconds" else int(now * 1000))
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ" if form == "rfc3339" else form)


def _mask(arguments: Arguments) -> str:
    """`text` with all but its last `shown` (4) characters as asterisks."""
    text, shown = _need(arguments, "text"), _whole(arguments, "shown", 4)
    return "*" * max(0, len(text) - shown) + text[max(0, len(text) - shown) :]


def _jwt(arguments: Arguments, now: float, entropy: Callable[[int], bytes]) -> str:
    """`key`: a private key in PEM, or for ``alg = "HS256"`` the secret itself; `alg` otherwise follows from the key.

    `claims`: a table; `kid`, `typ` (JWT) and `lifetime` in seconds (60) are optional. `iat`, `exp` and a fresh `jti`
    are added (RFC 7523 §3) where the claims do not name them; a claim ``now``, ``now+600`` or ``now-60`` is a time.
    """
    lifetime = _whole(arguments, "lifetime", _LIFETIME)
    claims = arguments.get("claims", {})
    if not isinstance(claims, dict):
        raise ValueError("'claims' must be a table")
    payload = {"iat": int(now), "exp": int(now) + lifetime, "jti": new_identifier(entropy, 22)}
    payload |= {name: _moment(value, now) for name, value in claims.items()}
    header = {"typ": str(arguments.get("typ", "JWT"))}
    if "kid" in arguments:
        header["kid"] = str(arguments["kid"])
    text, alg = _need(arguments, "key"), str(arguments.get("alg", ""))
    if alg == "HS256":
        signed = (
            base64url.encode(write_json({"alg": alg, **header}))
            + b"."
            + base64url.encode(write_json(payload))
        )
        mac = hmac.new(text.encode(), signed, hashlib.sha256).digest()
        return (signed + b"." + base64url.encode(mac)).decode("ascii")
    key = _private_key(text)
    if alg not in ("", key.algorithm):
        raise ValueError(f"'alg' must be HS256 or fit the key, which signs by {key.algorithm}")
    return sign_compact(
        base64url.encode(write_json({"alg": key.algorithm, **header})), write_json(payload), key
    )


def _moment(value: object, now: float) -> object:
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    return value if match is None else int(now) + int(match[1] or 0)


def _whole(arguments: Arguments, name: str, default: int) -> int:
    text = str(arguments.get(name, default))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ValueError(f"'{name}' must be a whole number")
    return int(text)


def _private_key(pem: str) -> PrivateKey:
    native: object = None
    try:
        native = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        native = None
    algorithm: Algorithm
    if isinstance(native, rsa.RSAPrivateKey):
        algorithm = "RS256"
    elif isinstance(native, ec.EllipticCurvePrivateKey):
        algorithm = "ES256"
    elif isinstance(native, ed25519.Ed25519PrivateKey):
        algorithm = "EdDSA"
    else:
        raise ValueError("'key' must be an RSA, P-256 or Ed25519 private key in PEM, not encrypted")
    return PrivateKey("", algorithm, native)


def _rsa_sign(arguments: Arguments) -> str:
    """`key` (PEM), `text`; `encoding` (base64). RSASSA-PKCS1-v1_5 with SHA-256."""
    key = _private_key(_need(arguments, "key"))
    if key.algorithm != "RS256":
        raise ValueError("'key' must be an RSA private key in PEM")
    return _written(key.sign(_need(arguments, "text").encode()), arguments, "base64")


def _rsa_encrypt(arguments: Arguments) -> str:
    """`key` (public, PEM), `text`; `padding`: oaep (SHA-256, the default) or pkcs1; `encoding` (base64)."""
    native: object = None
    try:
        native = serialization.load_pem_public_key(_need(arguments, "key").encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        native = None
    if not isinstance(native, rsa.RSAPublicKey):
        raise ValueError("'key' must be an RSA public key in PEM")
    word = str(arguments.get("padding", "oaep"))
    if word not in ("oaep", "pkcs1"):
        raise ValueError("'padding' must be oaep or pkcs1")
    digest = hashes.SHA256()
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    sealed = native.encrypt(_need(arguments, "text").encode(), oaep if word == "oaep" else padding.PKCS1v15())
    return _written(sealed, arguments, "base64")
