from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.values.permission import format_scope, is_scope_token, narrow, parse_scope

TOKENS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1, max_size=8
)


@given(st.lists(TOKENS, min_size=1, unique=True))
def test_a_scope_survives_writing_and_reading(tokens: list[str]) -> None:
    assert parse_scope(format_scope(tokens)) == tuple(tokens)


def test_repeated_tokens_count_once_in_order_of_appearance() -> None:
    assert parse_scope("write read write") == ("write", "read")


def test_case_counts() -> None:
    assert parse_scope("read Read") == ("read", "Read")


def test_another_delimiter_can_be_declared() -> None:
    assert parse_scope("read,write", ",") == ("read", "write")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " read",
        "read ",
        "read  write",
        "read\twrite",
        "read\n",
        'say"so',
        "back\\slash",
        "é",
        "a\x7f",
        "a\0",
    ],
)
def test_rejects_what_the_grammar_does_not_know(text: str) -> None:
    with pytest.raises(ValueError, match="scope must be scope tokens") as caught:
        parse_scope(text)
    assert not text.strip() or text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "good"), [("read", True), ("*", True), ("", False), ("a b", False), ("a\n", False)]
)
def test_tells_a_scope_token(text: str, good: bool) -> None:
    assert is_scope_token(text) == good


@given(st.lists(TOKENS), st.lists(TOKENS), st.lists(TOKENS))
def test_narrowing_never_widens(wanted: list[str], first: list[str], second: list[str]) -> None:
    narrowed = narrow(wanted, first, set(second))
    assert set(narrowed) == set(wanted) & set(first) & set(second)
    assert list(narrowed) == [token for token in wanted if token in narrowed]


def test_narrowing_compares_whole_tokens() -> None:
    assert narrow(["read", "readwrite"], {"readwrite"}) == ("readwrite",)


def test_an_asterisk_is_a_token_like_any_other() -> None:
    assert narrow(["*"], {"read"}) == ()
