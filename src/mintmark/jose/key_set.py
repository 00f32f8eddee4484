"""Sets of public keys (RFC 7517 §5): looked up by key id, read strictly from an issuer's JWK Set document.

A set is whole or refused: a damaged or private key in it says that the document is not to be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mintmark.jose.json_object import parse_object
from mintmark.jose.jwk import KeyFault, PublicKey, UnsupportedKey, parse_jwk

MAX_KEY_SET_BYTES: Final = 64 * 1024


class KeySet:
    """Public keys by key id; called with a token's `kid` it gives the key or None.

    A token without `kid` gets the only key of a set of one (RFC 7515 §4.1.4 leaves `kid` optional).
    Raises KeyFault when two keys bear one key id.
    """

    __slots__ = ("_keys", "_only")

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        listed = list(keys)
        self._keys = {key.kid: key for key in listed}
        if len(self._keys) != len(listed):
            raise KeyFault("two keys of the set bear the same kid")
        self._only = listed[0] if len(listed) == 1 else None

    def __call__(self, kid: str | None) -> PublicKey | None:
        return self._only if kid is None else self._keys.get(kid)

    def __len__(self) -> int:
        return len(self._keys)

    def jwks(self) -> dict[str, object]:
        """The set as a JWK Set (RFC 7517 §5)."""
        return {"keys": [key.jwk() for key in self._keys.values()]}


def parse_key_set(document: bytes) -> KeySet:
    """The usable keys of a JWK Set document (RFC 7517 §5); kinds that are not used here are skipped.

    Raises KeyFault when the document is too large or malformed, has a damaged or private key, or a `kid`
    twice.
    """
    if len(document) > MAX_KEY_SET_BYTES:
        raise KeyFault("the key set is larger than 64 KiB")
    try:
        listed = parse_object(document).get("keys")
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise KeyFault('the key set is not a JSON object with a list named "keys"')
    keys = []
    for entry in listed:
        if not isinstance(entry, dict):
            raise KeyFault("an entry of the key set is not a JSON object")
        try:
            keys.append(parse_jwk(entry))
        except UnsupportedKey:
            continue
    return KeySet(keys)
