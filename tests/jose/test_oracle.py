"""joserfc reads what we write, and we read what it writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from mintmark.jose.access_token import build, verify
from mintmark.jose.jwk import parse_jwk, thumbprint
from mintmark.jose.key_set import parse_key_set
from tests.jose.samples import ALGORITHMS, EXPECTATION, NOW, claims, header, key, keys

KINDS: dict[str, Any] = {"ES256": ECKey, "RS256": RSAKey, "EdDSA": OKPKey}
pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")


def theirs(algorithm: str, *, private: bool) -> Any:
    if private:
        pem = key(algorithm).native.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return KINDS[algorithm].import_key(pem)
    return import_key(key(algorithm).public().jwk())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_joserfc_reads_our_tokens(algorithm: str) -> None:
    token = build(claims(), key(algorithm), "at+jwt")
    read = jwt.decode(token, theirs(algorithm, private=False), algorithms=[algorithm])
    assert read.header == header(algorithm)
    assert read.claims == claims()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_joserfc_refuses_our_tokens_under_another_key(algorithm: str) -> None:
    token = build(claims(), key(algorithm, 1), "at+jwt")
    with pytest.raises(BadSignatureError):
        jwt.decode(token, theirs(algorithm, private=False), algorithms=[algorithm])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_we_read_the_tokens_of_joserfc(algorithm: str) -> None:
    token = jwt.encode(header(algorithm), claims(), theirs(algorithm, private=True), algorithms=[algorithm])
    assert verify(token, keys(), EXPECTATION, NOW) == claims()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_we_read_the_keys_of_joserfc(algorithm: str) -> None:
    jwk = theirs(algorithm, private=True).as_dict(private=False)
    assert parse_jwk(jwk).native == key(algorithm).public().native
    assert len(parse_key_set(json.dumps({"keys": [jwk]}).encode())) == 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_thumbprints_agree(algorithm: str) -> None:
    assert theirs(algorithm, private=False).thumbprint() == thumbprint(key(algorithm).public())
