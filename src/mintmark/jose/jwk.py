"""Keys as JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2): RSA from 2048 bits, P-256 and Ed25519.

A key carries its one algorithm and signs or verifies with nothing else; no name in a token can change that.
Private key material is neither printed nor pickled; it leaves a `PrivateKey` only through `to_der`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from mintmark.jose import base64url
from mintmark.values.tenancy import Algorithm

#: RFC 7518 §3.3 asks for 2048 bits or more; beyond 8192 one verification would cost milliseconds.
RSA_BITS: Final = range(2048, 8193)
_RSA_EXPONENTS: Final = range(65537, 2**32, 2)
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

_PublicNative = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_PrivateNative = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_PKCS1V15: Final = padding.PKCS1v15()
_SHA256: Final = hashes.SHA256()
_ECDSA: Final = ec.ECDSA(_SHA256)


class KeyFault(ValueError):
    """A key cannot be used. The text says why and holds nothing of the key."""


class UnsupportedKey(KeyFault):
    """A key that is sound perhaps, but not of a kind or strength that is used here; a key set skips it."""


def _rsa_public(native: rsa.RSAPublicKey) -> Callable[[bytes, bytes], None]:
    verify = native.verify
    return lambda signature, data: verify(signature, data, _PKCS1V15, _SHA256)


def _p256_public(native: ec.EllipticCurvePublicKey) -> Callable[[bytes, bytes], None]:
    verify = native.verify

    def check(signature: bytes, data: bytes) -> None:
        if len(signature) != 64:  # RFC 7518 §3.4: exactly r and s
            raise InvalidSignature
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        verify(encode_dss_signature(r, s), data, _ECDSA)

    return check


def _rsa_private(native: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    sign = native.sign
    return lambda data: sign(data, _PKCS1V15, _SHA256)


def _p256_private(native: ec.EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    sign = native.sign

    def signature(data: bytes) -> bytes:
        # DER: 0x30 length, 0x02 length r, 0x02 length s, where r and s bear a zero octet when their top bit
        # is set.
        der = sign(data, _ECDSA)
        end = 4 + der[3]
        return der[4:end][-32:].rjust(32, b"\0") + der[end + 2 :][-32:].rjust(32, b"\0")

    return signature


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key, its key id and its one algorithm. Raises KeyFault when key and algorithm do not fit."""

    kid: str
    algorithm: Algorithm
    native: _PublicNative = field(repr=False, hash=False)
    _check: Callable[[bytes, bytes], None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_check", _checker(self.algorithm, self.native))

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether `signature`, in the raw form of JWS, is this key's over `data`."""
        try:
            self._check(signature, data)
        except InvalidSignature:
            return False
        return True

    def jwk(self) -> dict[str, str]:
        """The key for a JWK Set, with `kid`, `use` and `alg`."""
        return {**_required_members(self.native), "kid": self.kid, "use": "sig", "alg": self.algorithm}


@dataclass(frozen=True, slots=True, eq=False)
class PrivateKey:
    """A signing key, its key id and its one algorithm. Raises KeyFault when key and algorithm do not fit."""

    kid: str
    algorithm: Algorithm
    native: _PrivateNative = field(repr=False)
    _sign: Callable[[bytes], bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _checker(self.algorithm, self.native.public_key())
        object.__setattr__(self, "_sign", _signer(self.native))

    def sign(self, data: bytes) -> bytes:
        """The signature over `data` as JWS has it; for ES256, r and s of 32 octets each (RFC 7518 §3.4)."""
        return self._sign(data)

    def public(self) -> PublicKey:
        """The public half, with the same key id and algorithm."""
        return PublicKey(self.kid, self.algorithm, self.native.public_key())

    def to_der(self) -> bytes:
        """The private key as PKCS #8 DER, not encrypted: seal it before it is kept."""
        return self.native.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @classmethod
    def from_der(cls, der: bytes, algorithm: Algorithm, kid: str) -> PrivateKey:
        """The key in PKCS #8 DER. Raises KeyFault when it is damaged or does not fit `algorithm`."""
        native: object = None
        try:
            native = serialization.load_der_private_key(der, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            native = None
        if not isinstance(native, _PrivateNative):
            raise KeyFault("the private key is not an RSA, P-256 or Ed25519 key in PKCS #8 DER")
        return cls(kid, algorithm, native)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled or copied; keep it sealed, see to_der")


def generate(algorithm: Algorithm) -> PrivateKey:
    """A new key (RSA: 2048 bits) whose key id is its RFC 7638 thumbprint.

    No id begins with a hyphen: on a command line it would be read as an option.
    """
    while True:
        native = _generate(algorithm)
        kid = _thumbprint(_required_members(native.public_key()))
        if not kid.startswith("-"):
            return PrivateKey(kid, algorithm, native)


def _generate(algorithm: Algorithm) -> _PrivateNative:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def thumbprint(key: PublicKey) -> str:
    """The SHA-256 thumbprint of RFC 7638 §3 in base64url, 43 characters."""
    return _thumbprint(_required_members(key.native))


def _thumbprint(members: Mapping[str, str]) -> str:
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode("ascii")
    return base64url.encode(hashlib.sha256(canonical).digest()).decode("ascii")


def _signer(native: _PrivateNative) -> Callable[[bytes], bytes]:
    if isinstance(native, rsa.RSAPrivateKey):
        return _rsa_private(native)
    if isinstance(native, ec.EllipticCurvePrivateKey):
        return _p256_private(native)
    return native.sign


def _checker(algorithm: str, native: _PublicNative) -> Callable[[bytes, bytes], None]:
    """What verifies. Raises KeyFault when key and algorithm differ in kind, UnsupportedKey when it is weak."""
    if isinstance(native, rsa.RSAPublicKey) and algorithm == "RS256":
        numbers = native.public_numbers()
        if native.key_size not in RSA_BITS or numbers.e not in _RSA_EXPONENTS or numbers.n % 2 == 0:
            raise UnsupportedKey(
                "an RSA key needs 2048 to 8192 bits and an odd exponent from 65537 to below 2**32"
            )
        return _rsa_public(native)
    if isinstance(native, ec.EllipticCurvePublicKey) and algorithm == "ES256":
        if not isinstance(native.curve, ec.SECP256R1):
            raise UnsupportedKey("an EC key needs the curve P-256")
        return _p256_public(native)
    if isinstance(native, ed25519.Ed25519PublicKey) and algorithm == "EdDSA":
        return native.verify
    raise KeyFault(
        "the algorithm does not fit the key: RSA takes RS256, P-256 takes ES256, Ed25519 takes EdDSA"
    )


def _required_members(native: _PublicNative) -> dict[str, str]:
    """The members that RFC 7638 §3.2 and RFC 8037 §2 hash."""
    if isinstance(native, rsa.RSAPublicKey):
        numbers = native.public_numbers()
        return {"kty": "RSA", "n": _octets(numbers.n), "e": _octets(numbers.e)}
    if isinstance(native, ec.EllipticCurvePublicKey):
        point = native.public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": _octets(point.x, 32), "y": _octets(point.y, 32)}
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(native.public_bytes_raw()).decode("ascii")}


def _octets(number: int, length: int | None = None) -> str:
    return base64url.encode(number.to_bytes(length or (number.bit_length() + 7) // 8, "big")).decode("ascii")


def _text(jwk: Mapping[str, object], name: str) -> str:
    value = jwk.get(name)
    if type(value) is not str or not value:
        raise KeyFault(f"the key's {name} is missing or is not text")
    return value


def _binary(jwk: Mapping[str, object], name: str, length: int | None = None) -> bytes:
    text = _text(jwk, name)
    try:
        data = base64url.decode(text.encode("utf-8", "replace"))
    except ValueError:
        data = b""
    if not data or (length is not None and len(data) != length) or (length is None and data[0] == 0):
        raise KeyFault(f"the key's {name} is not base64url of the right length without leading zero octets")
    return data


def parse_jwk(jwk: Mapping[str, object]) -> PublicKey:
    """The public key in a JWK (RFC 7517 §4). Without `kid` its thumbprint names it; RSA without `alg` is
    RS256.

    Raises KeyFault for a key that is damaged, private or contradicts itself, UnsupportedKey for a kind, a use
    or a strength that is not used here.
    """
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        if jwk.get("kty") == "oct":
            raise UnsupportedKey("symmetric keys (oct) are not used for tokens")
        raise KeyFault("the key has private members; publish the public key only")
    kind = _text(jwk, "kty")
    algorithm, native = _native(kind, jwk)
    if jwk.get("alg", algorithm) != algorithm:
        raise UnsupportedKey(f"the key's alg is not {algorithm}, the one algorithm of such a key")
    if jwk.get("use", "sig") != "sig":
        raise UnsupportedKey("the key's use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise UnsupportedKey("the key's key_ops do not include verify")
    kid = _text(jwk, "kid") if "kid" in jwk else _thumbprint(_required_members(native))
    return PublicKey(kid, algorithm, native)


def _native(kind: str, jwk: Mapping[str, object]) -> tuple[Algorithm, _PublicNative]:
    curve = jwk.get("crv")
    native: _PublicNative | None
    try:
        if kind == "RSA":
            n, e = _binary(jwk, "n"), _binary(jwk, "e")
            if len(n) * 8 >= RSA_BITS.stop + 8 or len(e) > 4:
                raise UnsupportedKey("an RSA key needs 2048 to 8192 bits and an exponent below 2**32")
            native = rsa.RSAPublicNumbers(int.from_bytes(e, "big"), int.from_bytes(n, "big")).public_key()
            return "RS256", native
        if kind == "EC" and curve == "P-256":
            x, y = _binary(jwk, "x", 32), _binary(jwk, "y", 32)
            return "ES256", ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
        if kind == "OKP" and curve == "Ed25519":
            return "EdDSA", ed25519.Ed25519PublicKey.from_public_bytes(_binary(jwk, "x", 32))
    except KeyFault:
        raise
    except (ValueError, TypeError):
        native = None
    else:
        raise UnsupportedKey("the key's kty and crv are not RSA, EC with P-256, or OKP with Ed25519")
    raise KeyFault("the key's numbers are not a public key")
