"""This process's memory in pages of 2 MiB, where Linux can (madvise(2), MADV_COLLAPSE since Linux 6.1).

A token touches a few hundred small objects, and with many clients they lie scattered over hundreds of MiB: with pages
of 4 KiB the processor looks most of their addresses up in tables that are in no cache either. Nothing but speed depends
on it: where the kernel cannot, or the operator has switched huge pages off, nothing changes.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

_COLLAPSE: Final = 25
_HUGE: Final = 2 * 1024 * 1024
_SWITCH: Final = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_MAPPING: Final = re.compile(
    r"^([0-9a-f]+)-([0-9a-f]+) rw-p [0-9a-f]+ 00:00 0 *(?:\[heap\]|\[anon:[^]\n]*\])?\n"
    r"(?:(?!Rss:)\w+: .*\n)*Rss: +(\d+) kB$",
    re.MULTILINE,
)
#: Seconds between two looks at how much memory there is, and the growth that is worth another pass.
_INTERVAL, _GROWTH = 5.0, 16 * 1024 * 1024


def heap_of(smaps: str) -> list[tuple[int, int]]:
    """(address, length) of whole huge pages in private memory without a file, most of which is in use.

    `smaps`: what proc(5) says under that name. Stacks of threads are large and nearly empty, so they are left out.
    """
    found = []
    for first, last, resident in _MAPPING.findall(smaps):
        begins, ends = int(first, 16), int(last, 16)
        start, stop = -(-begins // _HUGE) * _HUGE, ends // _HUGE * _HUGE
        if stop > start and int(resident) * 1024 * 4 >= (ends - begins) * 3:
            found.append((start, stop - start))
    return found


def collapse(smaps: Path = Path("/proc/self/smaps")) -> None:
    """Have the kernel put this process's heap into huge pages; what it refuses stays as it was."""
    advise = ctypes.CDLL(None, use_errno=True).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for address, length in heap_of(smaps.read_text("ascii")):
        advise(address, length, _COLLAPSE)


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def available() -> bool:
    """Whether this is Linux, and huge pages have not been switched off."""
    try:
        return sys.platform == "linux" and "[never]" not in _SWITCH.read_text("ascii")
    except OSError:
        return False


async def keep_collapsing(look: Callable[[], int] = resident, work: Callable[[], None] = collapse) -> None:
    """`collapse` now and whenever there is a good deal more memory; on a thread, so that requests go on."""
    known = 0
    while True:
        held = look()
        if held - known >= _GROWTH:
            await asyncio.to_thread(work)
            known = held
        await asyncio.sleep(_INTERVAL)
