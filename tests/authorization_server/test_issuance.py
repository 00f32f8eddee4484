"""A token is decided first and signed once, by whoever comes first to need it."""

from __future__ import annotations

from mintmark.authorization_server.issuance import Issued


def test_a_token_is_signed_once_and_not_before_it_is_asked_for() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("signed")
        return f"token {len(made)}"

    issued = Issued(make, 1000, 4600, "j")
    assert made == []
    assert issued.sign().reveal() == "token 1"
    assert issued.sign().reveal() == "token 1"
    assert made == ["signed"]
