"""A token is decided first and signed once, by whoever comes first to need it."""

from __future__ import annotations

from mintmark.authorization_server.issuance import Issued


def test_a_token_is_signed_once_and_not_before_it_is_asked_for() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("signed")
        return f"token {len(made)}"

    issued = Issued(make, (1000, 4600), "j", "read", {"iss": "https://as.example"})
    assert made == []
    assert issued.sign().reveal() == "token 1"
    answer = issued.response()
    assert made == ["signed"]
    assert answer.access_token.reveal() == "token 1"
    assert (answer.issued_at, answer.expires_at, answer.scope) == (1000, 4600, "read")
    assert answer.extras == {"iss": "https://as.example", "jti": "j", "nbf": 1000}


def test_an_answer_signs_where_nobody_did_before() -> None:
    assert Issued(lambda: "token", (0, 1), "j", "", {}).response().access_token.reveal() == "token"
