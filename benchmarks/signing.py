"""The ceiling that every rate is held against: bare signatures per second with the same kind of key, one thread."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import get_args

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.processes import pin
from mintmark.values.tenancy import Algorithm

#: As long as the signing input of the tokens that the benchmark obtains.
MESSAGE = bytes(range(256)) * 2


def signer(algorithm: Algorithm) -> Callable[[bytes], bytes]:
    """A function that signs with a fresh key, with nothing around it."""
    if algorithm == "RS256":
        rsa_key = rsa.generate_private_key(65537, 2048)
        scheme, digest = padding.PKCS1v15(), SHA256()
        return lambda message: rsa_key.sign(message, scheme, digest)
    if algorithm == "ES256":
        ec_key = ec.generate_private_key(ec.SECP256R1())
        ecdsa = ec.ECDSA(SHA256())
        return lambda message: ec_key.sign(message, ecdsa)
    return ed25519.Ed25519PrivateKey.generate().sign


def raw_rate(sign: Callable[[bytes], bytes], seconds: float) -> float:
    """Signatures per second of processor time."""
    count, message, clock = 0, MESSAGE, time.perf_counter
    began, began_cpu = clock(), time.process_time()
    ends = began + seconds
    while clock() < ends:
        for _ in range(20):
            sign(message)
        count += 20
    return count / (time.process_time() - began_cpu)


def main() -> None:
    """The command line: print the rate."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.signing", description=__doc__)
    parser.add_argument("--algorithm", choices=get_args(Algorithm), required=True)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--core", type=int, default=None)
    given = parser.parse_args()
    pin(given.core)
    print(raw_rate(signer(given.algorithm), given.seconds))


if __name__ == "__main__":
    main()
