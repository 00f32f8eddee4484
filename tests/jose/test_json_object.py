from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.jose.json_object import MAX_DEPTH, parse_object

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def nested(depth: int, opening: str, closing: str) -> bytes:
    """An object that holds `depth` - 1 more levels."""
    return ('{"a":' + opening * (depth - 1) + "1" + closing * (depth - 1) + "}").encode()


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_reads_what_json_writes(value: dict[str, object]) -> None:
    assert parse_object(json.dumps(value).encode()) == value
    assert parse_object(json.dumps(value, ensure_ascii=False, indent=1).encode()) == value


_NAMES = st.text(st.sampled_from('ab:" \\\t'), max_size=2)
_SPACE = st.text(st.sampled_from(" \t\n\r"), max_size=1)


@given(
    st.lists(st.tuples(_SPACE, _NAMES, _SPACE, _SPACE, st.integers(0, 9) | _NAMES | st.lists(_NAMES), _SPACE))
)
def test_no_name_is_read_twice_however_it_is_spaced(
    members: list[tuple[str, str, str, str, object, str]],
) -> None:
    spelt = [
        f"{before}{json.dumps(name)}{behind}:{ahead}{json.dumps(value, separators=(',', ':'))}{after}"
        for before, name, behind, ahead, value, after in members
    ]
    data = f"{{{','.join(spelt)}}}".encode()
    names = [member[1] for member in members]
    if len(set(names)) == len(names):
        assert parse_object(data) == {member[1]: member[4] for member in members}
    else:
        with pytest.raises(ValueError, match="unique names"):
            parse_object(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="an open brace"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"a":1} {"a":1}', id="two objects"),
        pytest.param(b'{"a":1}x', id="something after the object"),
        pytest.param(b'{"a":1,}', id="a trailing comma"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b'{"a":1,"a":1}', id="a name twice"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="a name twice, once escaped"),
        pytest.param(b'{"b":{"a":1,"a":2}}', id="a name twice further in"),
        pytest.param(b'{"a":1,"a" :2}', id="a name twice, once with a space behind it"),
        pytest.param(b'{"a":1,"a"\t:2}', id="a name twice, once with a tab behind it"),
        pytest.param(b'{"a":1,"a"\n:2}', id="a name twice, once with a line break behind it"),
        pytest.param(b'{"a":1,"a"\r:2}', id="a name twice, once with a carriage return behind it"),
        pytest.param(b'{"a":":","a":1}', id="a name twice beside a value that looks like the end of a name"),
        pytest.param(b'{"a":":","a" :1}', id="a name twice, once with a space, beside such a value"),
        pytest.param(
            b'{"a":[":",":"],"a" :1,"b":2}', id="a name twice, once with a space, beside a list of them"
        ),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"a":-Infinity}', id="-Infinity"),
        pytest.param(b'{"a":1e999}', id="a number beyond a double"),
        pytest.param(b'{"a":-1e999}', id="a number beyond a double, negative"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="an integer of 5000 digits"),
        pytest.param(b'{"a":"\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"\\udc00":1}', id="half a surrogate pair in a name"),
        pytest.param(b'{"a":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="a byte order mark"),
        pytest.param(b'{"a":"\x00"}', id="a raw control character"),
        pytest.param(nested(MAX_DEPTH + 1, "[", "]"), id="lists too deep"),
        pytest.param(nested(MAX_DEPTH + 1, '{"a":', "}"), id="objects too deep"),
        pytest.param(b'{"a":' * 100_000, id="100,000 open objects"),
        pytest.param(nested(4000, "[", "]"), id="4000 levels"),
    ],
)
def test_refuses(data: bytes) -> None:
    with pytest.raises(ValueError) as caught:
        parse_object(data)
    assert caught.value.__context__ is None, "an inner exception would carry the text"


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")])
def test_admits_the_greatest_depth(pair: tuple[str, str]) -> None:
    parse_object(nested(MAX_DEPTH, *pair))


def test_many_shallow_members_are_not_depth() -> None:
    assert len(parse_object(json.dumps({str(i): [i] for i in range(100)}).encode())) == 100


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}
