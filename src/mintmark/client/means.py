"""What an exchange needs of the outside world, handed in by whoever composes the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mintmark.client.allowance import Allowance
from mintmark.dialect.writing import NamedFunction
from mintmark.wire.http import HttpRequest, HttpResponse


class SendFault(Exception):
    """A request got no usable answer: one sentence. `unusable`: there was an answer, but it may not be read."""

    def __init__(self, sentence: str, *, unusable: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.unusable = unusable


class AllowanceLedger(Protocol):
    """Remembers across restarts what vendors said is left; counts only. No method raises or waits for long."""

    def read(self, identity: str) -> tuple[Allowance, ...]:
        """What is known of this identity's allowances."""
        ...

    def spend(self, identity: str, now: float) -> None:
        """One token is being asked for: every allowance of the identity shrinks by one."""
        ...

    def write(self, identity: str, allowances: tuple[Allowance, ...]) -> None:
        """What the vendor said now; it replaces what was known under the same names."""
        ...


class NoLedger:
    """Remembers nothing."""

    def read(self, identity: str) -> tuple[Allowance, ...]:  # noqa: ARG002
        """Nothing is known."""
        return ()

    def spend(self, identity: str, now: float) -> None:
        """Nothing is counted."""

    def write(self, identity: str, allowances: tuple[Allowance, ...]) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class Means:
    """`clock`: seconds since the epoch; `monotonic`: seconds that never go back; `send` raises `SendFault`."""

    send: Callable[[HttpRequest], HttpResponse]
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], object]
    entropy: Callable[[int], bytes]
    functions: Mapping[str, NamedFunction] = field(default_factory=dict, repr=False)
    ledger: AllowanceLedger = field(default_factory=NoLedger, repr=False)

    def jitter(self) -> float:
        """A random share from 0 to below 1."""
        return int.from_bytes(self.entropy(2), "big") / 65536
