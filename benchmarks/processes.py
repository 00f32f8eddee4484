"""What /proc says of processes: CPU seconds, memory, children; and pinning to a core."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def pin(core: int | None) -> None:
    """Run this process, and what it starts, on one core; None leaves it where it is."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def cores() -> tuple[int, int]:
    """The core for the server and the core for the load: two different ones where the machine has them."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[-1]


def family(pid: int) -> list[int]:
    """A process and all its descendants that live now."""
    found = [pid]
    for parent in found:
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            for task in tasks:
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def cpu_seconds(pids: Iterable[int], below: str = "") -> float:
    """User and system seconds that these processes have used so far, all their threads included.

    `below`: the folder of one thread, as in ``/task/123``.
    """
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}{below}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def main_thread_share(pid: int, before: tuple[float, float]) -> float:
    """The main thread's part of the processor time used since `before` (`thread_seconds` then)."""
    main, everything = (now - then for now, then in zip(thread_seconds(pid), before, strict=True))
    return main / everything if everything else 1.0


def thread_seconds(pid: int) -> tuple[float, float]:
    """CPU seconds of the main thread, and of the whole process."""
    return cpu_seconds([pid], f"/task/{pid}"), cpu_seconds([pid])


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident and proportional set size of a process, MiB."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) / 1024
    return sizes["Rss"], sizes["Pss"]
