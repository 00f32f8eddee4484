"""Microseconds of processor time per verified token: the guard on first sight and afterwards, beside bare
`cryptography`, PyJWT (its client and `decode`), joserfc and Authlib, on the same tokens with keys already fetched.

`python -m benchmarks.verifying`. Rounds of all are interleaved; medians are shown, and bars as ratios of one run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import get_args

import mintmark
from benchmarks.verifiers import AUDIENCE, Check, authlib, bare, joserfc, least, pyjwt
from mintmark.jose.access_token import build
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.jose.key_set import KeySet
from mintmark.resource_server.revocation_feed import TYPE, Revocations, first_digest
from mintmark.values.tenancy import Algorithm

#: First sight against the bare verification of the same signatures; a token seen before, in microseconds; what
#: 10,000 live revocations may add to other tokens, as a share.
FIRST_SIGHT_BAR, SEEN_BAR, REVOCATIONS_BAR = 1.3, 2.0, 0.10
TOKENS = 1000


@dataclass(frozen=True, slots=True)
class Figure:
    """`micros`: the median over the rounds, per token. `spread`: (slowest - fastest) / median."""

    algorithm: str
    name: str
    micros: float
    spread: float


@contextmanager
def issuer(key: PrivateKey) -> Iterator[str]:
    """An issuer on the loopback address that publishes `key`: what every client's keys are fetched from."""
    keys = json.dumps(KeySet([key.public()]).jwks()).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            at = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
            document = {"issuer": at, "jwks_uri": f"{at}/jwks.json"}
            body = keys if self.path == "/jwks.json" else json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def tokens(key: PrivateKey, iss: str, count: int) -> list[str]:
    """Access tokens as this server issues them, each with its own ``jti``."""
    now = int(time.time())
    claims = {
        "iss": iss,
        "sub": "3f1c9a7be2d04c55",
        "aud": AUDIENCE,
        "client_id": "3f1c9a7be2d04c55",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "scope": "things:read things:write",
        "mm_tenant": "acme",
        "mm_cred": "abc123",
    }
    return [
        build({**claims, "jti": f"0b7a2c5e-0000-4000-8000-{number:012d}"}, key, "at+jwt")
        for number in range(count)
    ]


class Guarded:
    """The guard in three states; `seen_tokens` of 2 makes every token of a round a first sight."""

    def __init__(
        self, iss: str, sample: str, *, seen: int, revoked: int = 0, key: PrivateKey | None = None
    ) -> None:
        self.guard = mintmark.Guard(issuer=iss, audience=AUDIENCE, seen_tokens=seen)
        self.guard.verify({"Authorization": f"Bearer {sample}"})
        if revoked and key is not None:
            now = int(time.time())
            statement = build(
                {
                    "iss": iss,
                    "iat": now,
                    "kind": "snapshot",
                    "seq": revoked,
                    "prev": first_digest(iss),
                    "revocations": [
                        ["client", f"gone{number}", now, now + 3600] for number in range(revoked)
                    ],
                },
                key,
                TYPE,
            )
            revocations = Revocations(iss)
            revocations.restore(statement, lambda _: key.public(), now)
            self.guard._door.watches[iss].revocations = revocations

    def __call__(self, headers: dict[str, str]) -> object:
        return self.guard.verify(headers)


def measure(algorithm: Algorithm, rounds: int) -> list[Figure]:
    """Every contender on the same tokens, rounds interleaved."""
    key = generate(algorithm)
    with issuer(key) as iss:
        made = tokens(key, iss, TOKENS)
        guards = {
            "guard, first sight": Guarded(iss, made[0], seen=2),
            "guard, first sight, 10,000 revocations": Guarded(iss, made[0], seen=2, revoked=10_000, key=key),
            "guard, seen before": Guarded(iss, made[0], seen=8192),
            "guard, seen before, 10,000 revocations": Guarded(
                iss, made[0], seen=8192, revoked=10_000, key=key
            ),
        }
        by_headers: dict[str, Check] = {**guards, "the least in compiled code, nothing checked": least(key)}
        contenders = {"cryptography alone": bare(key, made), **by_headers}
        contenders |= {"joserfc": joserfc(key, iss), "PyJWT": pyjwt(key, iss)}
        if algorithm != "EdDSA":  # which its validator does not take
            contenders["Authlib"] = authlib(key, iss)
        headers = [
            {"Host": "api.example", "Accept": "*/*", "User-Agent": "b", "Authorization": f"Bearer {token}"}
            for token in made
        ]
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for round_ in range(rounds + 1):
            for name, check in contenders.items():
                began = time.thread_time()
                given = headers if name in by_headers else made
                for one in given:
                    check(one)
                if round_:  # the first warms up
                    times[name].append((time.thread_time() - began) / len(made) * 1e6)
        for guarded in guards.values():
            guarded.guard.close()
    return [
        Figure(
            algorithm, name, statistics.median(taken), (max(taken) - min(taken)) / statistics.median(taken)
        )
        for name, taken in times.items()
    ]


def verdicts(figures: Sequence[Figure]) -> list[tuple[bool, str]]:
    """Each bar: whether it is met, and a line that says so."""
    of = {(one.algorithm, one.name): one.micros for one in figures}
    lines = []
    for algorithm in sorted({one.algorithm for one in figures}):
        if algorithm == "RS256":
            share = of[algorithm, "guard, first sight"] / of[algorithm, "cryptography alone"]
            lines.append(
                (share <= FIRST_SIGHT_BAR, f"RS256 first sight {share:.2f} x raw (bar {FIRST_SIGHT_BAR})")
            )
        seen = of[algorithm, "guard, seen before"]
        lines.append((seen <= SEEN_BAR, f"{algorithm} seen before {seen:.2f} us (bar {SEEN_BAR:g})"))
        for state in ("first sight", "seen before"):
            share = (
                of[algorithm, f"guard, {state}, 10,000 revocations"] / of[algorithm, f"guard, {state}"] - 1
            )
            lines.append(
                (
                    share <= REVOCATIONS_BAR,
                    f"{algorithm} {state}, 10,000 revocations: {share:+.0%} (bar +10%)",
                )
            )
    return lines


def text(figures: Sequence[Figure]) -> str:
    """A table of microseconds per token and of ratios to the bare verification, then the bars."""
    raw = {one.algorithm: one.micros for one in figures if one.name == "cryptography alone"}
    lines = [f"{'':8}{'':42}{'us':>8}{'x raw':>8}{'spread':>8}"]
    lines += [
        f"{one.algorithm:8}{one.name:42}{one.micros:8.2f}{one.micros / raw[one.algorithm]:8.2f}{one.spread:8.0%}"
        for one in figures
    ]
    return "\n".join(
        [*lines, "", *(f"{'met   ' if met else 'MISSED'} {line}" for met, line in verdicts(figures))]
    )


def main() -> int:
    """Measure, print, and answer 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verifying", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--algorithms", nargs="+", choices=get_args(Algorithm), default=get_args(Algorithm))
    given = parser.parse_args()
    figures = [figure for algorithm in given.algorithms for figure in measure(algorithm, given.rounds)]
    print(text(figures))
    return 0 if all(met for met, _ in verdicts(figures)) else 1


if __name__ == "__main__":
    sys.exit(main())
