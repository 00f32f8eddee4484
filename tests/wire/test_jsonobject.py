"""Rules of JSON from strangers: one value per member, bounded numbers and depth, strict UTF-8."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mintmark.wire.http import Malformed
from mintmark.wire.jsonobject import DEEPEST, read_json, read_object, write_json


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a":1,"a":1}', "repeated"),
        (b'{"x":{"a":1,"\\u0061":2}}', "repeated"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "NaN"),
        (b'{"a":' + b"9" * 33 + b"}", "too long"),
        (b'{"a":0.' + b"9" * 33 + b"}", "too long"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "deeply"),
        (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), "deeply"),
        (b"[" * 16000, "deeply"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b"\xef\xbb\xbf{}", "JSON"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        (b"", "JSON"),
        (b"{'a':1}", "JSON"),
        (b'{"a":1,}', "JSON"),
        (b'{"a":1} {"b":2}', "JSON"),
        (b'{"a":"line\nbreak"}', "JSON"),
        (b'{"a":01}', "JSON"),
    ],
)
def test_refuses_what_two_readers_could_read_differently(data: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        read_json(data)


def test_brackets_inside_text_do_not_count_as_depth() -> None:
    text = "[{" * 40 + '\\"' + "[" * 40
    assert read_json(b'["' + text.encode() + b'"]') == [text.replace("\\", "")]
    assert read_json(b"[" + b",".join([b"{}"] * 100) + b"]") == [{}] * 100


@pytest.mark.parametrize("data", [b'"' + b'\\"' * 100_000, b'"' * 100_001, b'{"a":"' + b"[" * 100_000])
def test_unclosed_text_is_refused_in_linear_time(data: bytes) -> None:
    # A quadratic scan of these would run into the time limit of the suite.
    with pytest.raises(Malformed):
        read_json(data + b"[" * 20)


@pytest.mark.parametrize("data", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_an_object_is_demanded(data: bytes) -> None:
    with pytest.raises(Malformed, match="object"):
        read_object(data)


def test_writes_compact_ascii_in_the_order_given() -> None:
    assert write_json({"b": "ä", "a": [1, None, True]}) == b'{"b":"\\u00e4","a":[1,null,true]}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=60, derandomize=True)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_what_is_written_is_read_back(value: dict[str, object]) -> None:
    assert read_object(write_json(value), deepest=40) == value
