"""How long a revoked credential's JWTs live on at a guard that follows the feed, and what live revocations cost others.

`python -m benchmarks.revocation`. A real server, a real guard in this process, real tokens. The delay counts from the
acknowledgement of the revocation to the guard's first refusal; acts come first from another process's connection (as
`mintmark admin` has one), then from the server's own revocation endpoint, at a steady rate.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import mintmark
from benchmarks.installation import AUDIENCE, ENVIRONMENT, PATH, SCOPES, Installation, install
from benchmarks.servers import start_server
from mintmark.authorization_server.administration import clients
from mintmark.compose.installation import open_installation
from mintmark.config import load_settings
from mintmark.jose.jws import parse_compact
from mintmark.resource_server.issuer import Issuer
from mintmark.values.errors import OAuthError
from mintmark.values.revocation import Revocation
from mintmark.wire.basic import write_basic
from mintmark.wire.form import write_form

#: Seconds within which a guard refuses, at the 99th of 100; the share that 10,000 live revocations may add to others.
DELAY_BAR, COST_BAR = 1.0, 0.10
LIVE = 10_000
_STEP, _PATIENCE = 0.0005, 30.0
Headers = dict[str, str]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of delay of each revocation, by who made it; microseconds per verified token of a bystander."""

    by_another: list[float]
    by_endpoint: list[float]
    before: float
    with_live: float
    live: int

    def text(self) -> str:
        """Delay and cost, for people."""
        rows = [("another process", self.by_another), ("the revocation endpoint", self.by_endpoint)]
        lines = ["| revoked by | revocations | p50 ms | p99 ms | most ms |", "|---|---|---|---|---|"]
        for name, delays in rows:
            ordered = sorted(delays)
            shown = (statistics.median(ordered), ordered[int(len(ordered) * 0.99)], ordered[-1])
            figures = " | ".join(f"{1000 * seconds:.0f}" for seconds in shown)
            lines.append(f"| {name} | {len(ordered)} | {figures} |")
        lines += [
            "",
            f"A token that was seen before: {self.before:.2f} µs without revocations, {self.with_live:.2f} µs with "
            f"{self.live:,} live ones.",
        ]
        return "\n".join(lines + [f"{'met' if met else 'MISSED'}: {said}" for met, said in self.verdicts()])

    def verdicts(self) -> list[tuple[bool, str]]:
        """Each bar, and whether it is met."""
        delays = sorted(self.by_another + self.by_endpoint)
        p99 = delays[int(len(delays) * 0.99)]
        more = self.with_live / self.before - 1
        return [
            (p99 < DELAY_BAR, f"p99 of the delay {p99:.3f} s, at most {DELAY_BAR} s"),
            (
                more < COST_BAR,
                f"{self.live:,} live revocations add {more:+.1%} to other tokens, at most {COST_BAR:.0%}",
            ),
        ]


def measure(directory: Path, count: int, per_second: float) -> Measured:
    """Revoke `count` tokens at that rate, then fill up to `LIVE` revocations."""
    made = install(directory / "installation", "ES256", 1)
    with open_installation(load_settings(made.config)) as opened, start_server(made, durable=True, core=None):
        act = opened.act("benchmark")

        def provision(tx):  # type: ignore[no-untyped-def]
            allowed = {AUDIENCE: SCOPES}
            asking = [
                clients.create(tx, act, environment=ENVIRONMENT, name=f"client {number}", allowed=allowed)
                for number in range(count + 1)
            ]
            guard = clients.create(tx, act, environment=ENVIRONMENT, name="guard", protects=(AUDIENCE,))
            return [(each.client.client_id, each.secret.reveal()) for each in (guard, *asking)]

        guard_pair, *pairs = asyncio.run(opened.store.write(provision))
        issuer = f"{opened.settings.public_url}/t/{ENVIRONMENT}"
        place = f"http://127.0.0.1:{made.port}/t/{ENVIRONMENT}"
        trusted = Issuer(
            issuer,
            jwks_uri=f"{place}/jwks.json",
            revocations_endpoint=f"{place}/revocations",
            credentials=lambda: guard_pair,
            follow_revocations=True,
        )
        guard = mintmark.Guard(trusted, AUDIENCE)
        tokens = [_token(made, pair) for pair in pairs]
        for token in tokens:
            guard.verify(_bearer(token))
        bystander = _bearer(tokens.pop())
        before = _micros(guard, bystander)
        loop = asyncio.new_event_loop()

        def publish(names: list[Revocation]) -> None:
            def work(tx):  # type: ignore[no-untyped-def]
                for name in names:
                    tx.revoke(ENVIRONMENT, name, now=time.time())

            loop.run_until_complete(opened.store.write(work))

        acts: list[Callable[[], None]] = []
        half = len(tokens) // 2  # apart: the server follows at once what it has written itself
        for number, token in enumerate(tokens):
            if number >= half:
                acts.append(
                    lambda token=token, pair=pairs[number]: _post(made, "/revoke", pair, {"token": token})
                )
            else:
                named = Revocation("token", _claims(token)["jti"], _claims(token)["exp"])
                acts.append(lambda named=named: publish([named]))
        delays = _delays(guard, [_bearer(token) for token in tokens], acts, per_second)
        live = LIVE - len(acts)
        publish(
            [Revocation("token", os.urandom(16).hex(), int(time.time()) + 3600) for _ in range(max(0, live))]
        )
        _until(lambda: guard.health().issuers[0].revocations >= LIVE)
        with_live = _micros(guard, bystander)
        guard.close()
        loop.close()
        return Measured(delays[:half], delays[half:], before, with_live, LIVE)


def _delays(
    guard: mintmark.Guard, tokens: list[Headers], acts: list[Callable[[], None]], per_second: float
) -> list[float]:
    """From each acknowledgement to the guard's first refusal. A thread acts, this one verifies all that are open."""
    acknowledged: list[float] = []
    refused_at: dict[int, float] = {}

    def act() -> None:
        begun = time.perf_counter()
        for number, one in enumerate(acts):
            time.sleep(max(0.0, begun + number / per_second - time.perf_counter()))
            one()
            acknowledged.append(time.perf_counter())

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    quiet_since = time.perf_counter()
    while len(refused_at) < len(acts):
        known = len(refused_at)
        for number in range(min(len(acknowledged) + 1, len(acts))):
            if number not in refused_at and _refused(guard, tokens[number]):
                refused_at[number] = time.perf_counter()
        if len(refused_at) > known:
            quiet_since = time.perf_counter()
        elif time.perf_counter() - quiet_since > _PATIENCE:
            raise RuntimeError(f"{len(acts) - len(refused_at)} revocations do not reach the guard")
        time.sleep(_STEP)
    thread.join()
    # Another thread of this process may see the refusal before the acknowledgement: that is no delay.
    return [max(0.0, refused_at[number] - at) for number, at in enumerate(acknowledged)]


def _refused(guard: mintmark.Guard, headers: Headers) -> bool:
    try:
        guard.verify(headers)
    except OAuthError as error:
        return error.reason == "not_active"
    return False


def _micros(guard: mintmark.Guard, headers: Headers, rounds: int = 15, calls: int = 20_000) -> float:
    """Processor time of this thread per call, in microseconds: the median of the rounds."""
    figures = []
    for _ in range(rounds):
        begun = time.thread_time()
        for _ in range(calls):
            guard.verify(headers)
        figures.append((time.thread_time() - begun) / calls * 1e6)
    return statistics.median(figures)


def _until(what: Callable[[], bool]) -> None:
    ends = time.perf_counter() + _PATIENCE
    while not what():
        if time.perf_counter() > ends:
            raise RuntimeError("the guard does not follow the feed")
        time.sleep(0.01)


def _bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def _claims(token: str) -> dict[str, object]:
    claims: dict[str, object] = json.loads(parse_compact(token).payload)
    return claims


def _token(made: Installation, pair: Pair) -> str:
    """From the server, which hears of new clients within a moment."""
    found: list[str] = []

    def asked() -> bool:
        body = _post(made, PATH, pair, {"grant_type": "client_credentials", "scope": SCOPES[0]})
        found.extend([body["access_token"]] if "access_token" in body else [])
        return bool(found)

    _until(asked)
    return found[0]


def _post(made: Installation, path: str, pair: Pair, fields: dict[str, str]) -> dict[str, str]:
    headers = {
        "Authorization": write_basic(*pair, encoded=True).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    with closing(http.client.HTTPConnection("127.0.0.1", made.port, timeout=_PATIENCE)) as connection:
        connection.request("POST", f"/t/{ENVIRONMENT}{path}", write_form(fields.items()), headers)
        answer = connection.getresponse()
        body = answer.read()
    return json.loads(body) if body else {"status": str(answer.status)}


def main() -> int:
    """Measure, print, and answer 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.revocation", description=__doc__)
    parser.add_argument("--revocations", type=int, default=1000)
    parser.add_argument("--per-second", type=float, default=37.0)
    parser.add_argument("--directory", type=Path, default=Path("build"))
    given = parser.parse_args()
    given.directory.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.directory) as scratch:
        measured = measure(Path(scratch), given.revocations, given.per_second)
    print(measured.text())
    return 0 if all(met for met, _ in measured.verdicts()) else 1


if __name__ == "__main__":
    sys.exit(main())
