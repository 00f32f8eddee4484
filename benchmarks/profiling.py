"""Where the time of a token goes: the running server is sampled under load, and each sample counted for one step.

The samples are py-spy's (from the `bench` extra). Being looked at slows a server down, so the microseconds are of a
run just before, by thread, and the samples only say how they are divided.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import Result
from benchmarks.processes import main_thread_share, thread_seconds
from benchmarks.suite import Bench, Plan, Say, fresh_folder

#: Samples per second.
RATE = 250
#: What a step is called, and the modules whose work it is; the innermost frame that fits decides.
STEPS: tuple[tuple[str, str], ...] = (
    ("ledger, writing thread (batch, SQLite, sync)", r"storage/(batch|database|audit|rows)|sqlalchemy/"),
    ("ledger, event loop", r"storage/(ledger|refusals)|concurrent/futures"),
    ("read the request (dialect, wire)", r"mintmark/(dialect/(request|refusal|capture|template)|wire/)"),
    ("authenticate the client", r"client_authentication|crypto/|storage/(directory|cache)|hmac\.py"),
    ("grant, scope, limits", r"authorization_server/(grants/|limits)|storage/counters"),
    ("build and sign the token", r"jose/|authorization_server/issuance"),
    ("write the answer (dialect)", r"mintmark/dialect/"),
    ("token endpoint, audit event", r"authorization_server/token_endpoint"),
    ("routes, request id, body (web)", r"mintmark/web/|mintmark/compose/|asyncio/timeouts"),
    ("HTTP server, event loop, kernel", r"uvicorn/|asyncio/|uvloop/"),
)
OTHER = "everything else"
#: A thread that waits for work.
_WAITING = re.compile(r"_worker \(concurrent/futures|wait \(threading")


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of one side of the server, the event loop's thread or the others, by step and by innermost function."""

    steps: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)

    def scaled(self, counts: Counter[str], cost: float) -> dict[str, float]:
        """The counts as parts of `cost`."""
        total = sum(self.steps.values()) or 1
        return {name: number / total * cost for name, number in counts.items()}


def profile(directory: Path, plan: Plan, say: Say) -> str:
    """A table of microseconds per token and step, ES256 with durable audit. Raises SystemExit without py-spy."""
    with fresh_folder(directory) as place:
        bench = Bench(place, plan, say)
        samples = place / "samples"
        with bench.running("ES256", plan.clients) as measured:
            pid = measured.server.pid
            spy = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid)]
            spy += [
                "--rate",
                str(RATE),
                "--duration",
                str(int(plan.seconds)),
                "--format",
                "raw",
                "--function",
            ]
            spy += ["--output", str(samples)]
            before = thread_seconds(pid)
            result = bench.load_beside(measured, lambda: time.sleep(plan.seconds))
            share = main_thread_share(pid, before)
            bench.load_beside(measured, lambda: _sample(spy))
        return _table(samples.read_text(), result, share)


def _sample(command: list[str]) -> None:
    time.sleep(1)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SystemExit("py-spy is not installed: it comes with the extra `bench`") from None
    if done.returncode:
        raise SystemExit(f"py-spy failed (it may need to be run as root): {done.stderr.strip()[-300:]}")


def _table(raw: str, result: Result, share: float) -> str:
    loop, others = count(raw.splitlines())
    cost = result.server_cpu / result.tokens * 1e6
    steps: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for samples, part in ((loop, share), (others, 1 - share)):
        steps.update(samples.scaled(samples.steps, cost * part))
        functions.update(samples.scaled(samples.functions, cost * part))
    lines = [
        f"{cost:.1f} us of processor time per token ({result.tokens / result.seconds:,.0f} tokens/s), of it:"
    ]
    for name, _ in (*STEPS, (OTHER, "")):
        lines.append(f"{steps[name]:8.1f} us  {steps[name] / cost:5.1%}  {name}")
    lines += ["", "The functions with the most time of their own:"]
    lines += [f"{number:8.1f} us  {function}" for function, number in functions.most_common(30)]
    return "\n".join(lines)


def count(stacks: Iterable[str]) -> tuple[Samples, Samples]:
    """Samples of the event loop's thread, and of all others. `stacks`: ``outermost;...;innermost samples``."""
    loop, others = Samples(), Samples()
    for line in stacks:
        stack, _, number = line.rpartition(" ")
        frames = stack.split(";")
        if _WAITING.search(frames[-1]):
            continue
        side = others if "threading.py" in frames[0] else loop
        side.steps[_step(frames)] += int(number)
        side.functions[frames[-1]] += int(number)
    return loop, others


def _step(frames: list[str]) -> str:
    for frame in reversed(frames):
        for name, modules in STEPS:
            if re.search(modules, frame):
                return name
    return OTHER
