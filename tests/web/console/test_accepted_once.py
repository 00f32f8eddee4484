"""What a browser answers is accepted once, by whichever node's clock."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mintmark.storage.replays import MemoryReplays
from mintmark.web.console.pages.sign_in_otherwise import WITHIN, accept_once, challenge_of, challenge_ticket
from mintmark.web.console.tickets import Tickets

BEGUN = 1_800_000_000
CHALLENGE = b"c" * 32


@pytest.mark.parametrize("behind", [0, 1, 30, 60])
def test_an_answer_is_remembered_for_as_long_as_its_ticket_holds_at_a_node_whose_clock_is_behind(
    behind: int,
) -> None:
    passed = 0.0
    services = SimpleNamespace(tickets=Tickets(b"k" * 32), replays=MemoryReplays(lambda: passed))

    def visit(now: float, ticket: str = "") -> Any:
        return SimpleNamespace(services=services, now=now, form=SimpleNamespace(one=lambda _: ticket))

    async def answered(now: float, ticket: str) -> bool:
        here = visit(now, ticket)
        return challenge_of(here, "passkey-in") == CHALLENGE and await accept_once(here, CHALLENGE)

    ticket = challenge_ticket(visit(BEGUN), "passkey-in", CHALLENGE)
    assert asyncio.run(answered(BEGUN, ticket))
    for passed in (WITHIN - 1, WITHIN + behind - 1, WITHIN + behind):
        assert not asyncio.run(answered(BEGUN + passed - behind, ticket))
