"""Rules of form text: strict escapes, one value per name, no control characters, bounded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mintmark.wire.form import LONGEST_NAME, LONGEST_VALUE, MOST_PAIRS, form_decode, read_form, write_form
from mintmark.wire.http import Malformed

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (b"", {}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1&&b=2&", {"a": "1", "b": "2"}),
        (b"a", {"a": ""}),
        (b"a=", {"a": ""}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a+b=c+d", {"a b": "c d"}),
        (b"a=%2B%2f%3D%26%25", {"a": "+/=&%"}),
        (b"a=%C3%A4", {"a": "ä"}),
        ("a=ä".encode(), {"a": "ä"}),
    ],
)
def test_reads_names_and_values(data: bytes, fields: dict[str, str]) -> None:
    assert read_form(data) == fields


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a=1&a=1", "repeated"),
        (b"a=&a=1", "repeated"),
        (b"a=1&%61=2", "repeated"),
        (b"a=%", "escape"),
        (b"a=%4", "escape"),
        (b"a=%zz", "escape"),
        (b"a=%u0041", "escape"),
        (b"a=%ff", "UTF-8"),
        (b"a=%C0%80", "UTF-8"),
        (b"a=%ED%A0%80", "UTF-8"),
        (b"a=\xff", "UTF-8"),
        (b"a=%00", "control"),
        (b"a=x%0d%0ay", "control"),
        (b"a=x\r\ny", "control"),
        (b"a=x\n", "control"),
        (b"a=%7f", "control"),
        (b"&".join(b"p%d=1" % n for n in range(MOST_PAIRS + 1)), "more than"),
        (b"a" * (LONGEST_NAME + 1) + b"=1", "too long"),
        (b"a=" + b"b" * (LONGEST_VALUE + 1), "too long"),
    ],
)
def test_refuses_what_two_readers_could_read_differently(data: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        read_form(data)


def test_the_bounds_themselves_are_allowed() -> None:
    assert len(read_form(b"&".join(b"p%d=1" % n for n in range(MOST_PAIRS)))) == MOST_PAIRS
    assert read_form(b"a=" + b"b" * LONGEST_VALUE) == {"a": "b" * LONGEST_VALUE}


def test_a_repeatable_name_gives_all_its_values_and_none_may_hold_a_space() -> None:
    assert read_form(b"r=a&x=1&r=b", frozenset({"r"})) == {"r": "a b", "x": "1"}
    with pytest.raises(Malformed, match="space"):
        read_form(b"r=a+b", frozenset({"r"}))


def test_a_plus_is_a_space_before_escapes_are_read() -> None:
    assert form_decode("a+b%2Bc") == "a b+c"


@settings(max_examples=60, derandomize=True)
@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_what_is_written_is_read_back(fields: dict[str, str]) -> None:
    assert read_form(write_form(fields.items())) == fields


@settings(max_examples=60, derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        fields = read_form(data)
    except Malformed:
        return
    assert all(character >= " " for value in fields.values() for character in value)
