"""The process's memory in huge pages: which mappings are chosen, when a pass is made, and that the kernel does it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path

import pytest

from mintmark.compose import huge_pages
from mintmark.compose.huge_pages import collapse, heap_of, keep_collapsing

MIB = 1024 * 1024
FIELDS = (
    "Size: {size} kB\nKernelPageSize: 4 kB\nRss: {rss} kB\nPss: 1 kB\nAnonHugePages: 0 kB\nVmFlags: rd wr\n"
)


def mapping(
    begins: int, ends: int, rss_kib: int, *, rights: str = "rw-p", name: str = "", inode: str = "0"
) -> str:
    size = (ends - begins) // 1024
    return f"{begins:x}-{ends:x} {rights} 00000000 00:00 {inode} {name}\n" + FIELDS.format(
        size=size, rss=rss_kib
    )


@pytest.mark.parametrize("name", ["", "[heap]", "[anon: glibc: malloc]"])
def test_whole_huge_pages_of_used_private_memory_are_chosen(name: str) -> None:
    smaps = mapping(3 * MIB, 9 * MIB, 6 * 1024, name=name)
    assert heap_of(smaps) == [(4 * MIB, 4 * MIB)]


@pytest.mark.parametrize(
    "smaps",
    [
        mapping(2 * MIB, 10 * MIB, 64),  # a stack: reserved, hardly used
        mapping(2 * MIB, 10 * MIB, 8 * 1024, rights="r-xp"),
        mapping(2 * MIB, 10 * MIB, 8 * 1024, inode="247278", name="/usr/lib/libfoo.so"),
        mapping(2 * MIB, 10 * MIB, 8 * 1024, name="[stack]"),
        mapping(3 * MIB, 5 * MIB, 2 * 1024),  # holds no whole huge page
        "",
        "nonsense\n",
    ],
)
def test_everything_else_is_left_alone(smaps: str) -> None:
    assert heap_of(smaps) == []


def test_mappings_are_told_apart_in_a_long_list() -> None:
    smaps = (
        mapping(2 * MIB, 4 * MIB, 64)
        + mapping(4 * MIB, 8 * MIB, 4 * 1024)
        + mapping(8 * MIB, 12 * MIB, 4 * 1024, rights="r--p")
        + mapping(12 * MIB, 16 * MIB, 4 * 1024)
    )
    assert heap_of(smaps) == [(4 * MIB, 4 * MIB), (12 * MIB, 4 * MIB)]


@pytest.mark.skipif(not huge_pages.available(), reason="no Linux, or huge pages are switched off")
def test_the_kernel_takes_the_advice_and_nothing_is_lost() -> None:
    def huge() -> int:
        return sum(
            map(int, re.findall(r"^AnonHugePages: +(\d+) kB$", Path("/proc/self/smaps").read_text(), re.M))
        )

    before = huge()
    kept = [str(number) * 8 for number in range(400_000)]
    collapse()
    if huge() <= before:
        pytest.skip("this kernel does not know MADV_COLLAPSE")
    assert all(text == str(number) * 8 for number, text in enumerate(kept))


def test_a_pass_is_made_at_first_and_after_growth_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huge_pages, "_INTERVAL", 0)
    held = iter([100 * MIB, 105 * MIB, 130 * MIB, 131 * MIB])
    passes: list[str] = []

    def look() -> int:
        try:
            return next(held)
        except StopIteration:
            raise asyncio.CancelledError from None

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(keep_collapsing(look, lambda: passes.append("pass")))
    assert len(passes) == 2
