"""The machine that the figures are of: processor, cores, Python, libraries, and what making a write durable costs."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import sysconfig
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl.backend import backend


@dataclass(frozen=True, slots=True)
class Machine:
    """`load`: processes that wanted a core in the last minute; a busy machine measures itself.

    `fdatasync_ms`: median of appending 4 KiB to a file and syncing it, where the databases lie.
    """

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    libraries: str
    filesystem: str
    fdatasync_ms: float
    load: float

    def describe(self) -> str:
        """A few lines for the head of a report."""
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gib:.0f} GiB; {self.system}; {self.python}\n"
            f"{self.libraries}; fdatasync of 4 KiB on {self.filesystem}: {self.fdatasync_ms:.2f} ms; "
            f"load {self.load:.1f} at the start"
        )


def this_machine(directory: Path) -> Machine:
    """The machine, with the sync time measured in `directory`."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.lower().startswith(("model name", "hardware"))
        ),
        platform.machine(),
    )
    return Machine(
        processor=processor,
        cores=os.cpu_count() or 1,
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        system=f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}",
        python=_interpreter(),
        libraries=", ".join(
            [f"{name} {version(name)}" for name in ("cryptography", "uvicorn", "uvloop", "httptools")]
            + [backend.openssl_version_text()]
        ),
        filesystem=_filesystem(directory),
        fdatasync_ms=_sync_time(directory),
        load=os.getloadavg()[0],
    )


def _interpreter() -> str:
    """Which Python, and whether its build record says that it was optimised with a profile (Debian's does not say)."""
    configured = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    said = "with" if "--enable-optimizations" in configured else "no"
    return (
        f"{platform.python_implementation()} {platform.python_version()} ({os.path.realpath(sys.executable)}, "
        f"{said} --enable-optimizations in its build record; a million small calls take {_call_time():.0f} ms)"
    )


def _call_time(times: int = 5) -> float:
    """Milliseconds for a million calls of a small function, the best of a few: how fast the interpreter is itself."""

    def small(number: int) -> int:
        return number + 1

    taken = []
    for _ in range(times):
        begins = time.perf_counter()
        for number in range(200_000):
            small(number)
        taken.append((time.perf_counter() - begins) * 5000)
    return min(taken)


def _filesystem(directory: Path) -> str:
    place = str(directory.resolve())
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    fitting = [(at, kind) for at, kind in mounts if place == at or place.startswith(at.rstrip("/") + "/")]
    return max(fitting, key=lambda mount: len(mount[0]), default=("", "an unknown file system"))[1]


def _sync_time(directory: Path, times: int = 50) -> float:
    path = directory / "sync-probe"
    taken = []
    with path.open("wb", buffering=0) as file:
        for _ in range(times):
            begins = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - begins) * 1000)
    path.unlink()
    return statistics.median(taken)
