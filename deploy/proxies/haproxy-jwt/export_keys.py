"""Writes an issuer's keys as PEM files for HAProxy's jwt_verify, which reads no JWK Set.

    python export_keys.py https://auth.example/t/acme/production/jwks.json /etc/haproxy/mintmark-keys

Run it more often than keys are rotated, then reload HAProxy. key-1.pem and key-2.pem always exist: with one key
they are the same.
"""

import sys
import urllib.request
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mintmark.jose.jwk import parse_jwk
from mintmark.jose.key_set import MAX_KEY_SET_BYTES, parse_key_set

LINES = 2  # of jwt_verify in haproxy.cfg


def main(url: str, folder: str) -> None:
    """Fetch, check and write; nothing is written unless the whole set is good."""
    if not url.startswith(("https://", "http://127.0.0.1:")):
        sys.exit("The keys must come by https.")
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the scheme was looked at
        keys = parse_key_set(answer.read(MAX_KEY_SET_BYTES + 1)).jwks()["keys"]
    pems = [
        parse_jwk(key).native.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in keys
    ]
    if not 0 < len(pems) <= LINES:
        sys.exit(f"The issuer has {len(pems)} keys, and haproxy.cfg has lines for {LINES}.")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number in range(LINES):
        Path(folder, f"key-{number + 1}.pem").write_bytes(pems[min(number, len(pems) - 1)])


if __name__ == "__main__":
    main(*sys.argv[1:])
