"""Tickets hold for one purpose, unchanged, until their time."""

from __future__ import annotations

import pytest

from mintmark.web.console.tickets import Tickets

TICKETS = Tickets(b"k" * 32)
TICKET = TICKETS.write("code", {"username": "ada"}, 1000)


@pytest.mark.parametrize(("now", "holds"), [(999, True), (1000, False), (1001, False)])
def test_ends_at_its_time(now: int, holds: bool) -> None:
    assert TICKETS.read("code", TICKET, now) == ({"username": "ada"} if holds else None)


@pytest.mark.parametrize(
    "ticket",
    [
        "",
        ".",
        "x.y",
        TICKET[:-1],
        TICKET + "A",
        "A" + TICKET,
        TICKET.replace(".", ".."),
        TICKET.upper(),
        "\ud800",
        "x" * 5000,
    ],
)
def test_nothing_else_is_one(ticket: str) -> None:
    assert TICKETS.read("code", ticket, 0) is None


def test_is_for_its_purpose_and_installation_alone() -> None:
    assert TICKETS.read("openid", TICKET, 0) is None
    assert Tickets(b"j" * 32).read("code", TICKET, 0) is None
    assert "k" * 8 not in repr(TICKETS)
