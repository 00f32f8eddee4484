"""Spellings of values, both ways: numbers, quoted numbers, times, lists, Base64."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mintmark.dialect.formats import FORMATS, LATEST
from mintmark.dialect.template import ABSENT, Mismatch, TemplateFault, fill, match, parse, places

NOON = 1_700_000_000


@pytest.mark.parametrize(
    ("name", "value", "wire"),
    [
        ("seconds", 3600, 3600),
        ("quoted-seconds", 3600, "3600"),
        ("minutes", 3600, 60),
        ("milliseconds", 3600, 3_600_000),
        ("epoch", NOON, NOON),
        ("quoted-epoch", NOON, str(NOON)),
        ("epoch-ms", NOON, NOON * 1000),
        ("quoted-epoch-ms", NOON, str(NOON * 1000)),
        ("rfc3339", NOON, "2023-11-14T22:13:20Z"),
        ("iso8601", NOON, "2023-11-14T22:13:20Z"),
        ("iso8601-utc", NOON, "2023-11-14T22:13:20"),
        ("http-date", NOON, "Tue, 14 Nov 2023 22:13:20 GMT"),
        ("text", "a", "a"),
        ("integer", "-7", -7),
        ("text-or-integer", "7", "7"),
        ("list", "a b", ["a", "b"]),
        ("base64", "ä:b", "w6Q6Yg=="),
        ("json", 'a"\\\n', 'a\\"\\\\\\n'),
        ("any", [1], [1]),
    ],
)
def test_is_written_and_read(name: str, value: object, wire: object) -> None:
    assert FORMATS[name].write(value, False) == wire
    assert FORMATS[name].read(wire, False) == value
    assert FORMATS[name].name == name


@pytest.mark.parametrize(
    ("name", "wire", "value"),
    [
        ("rfc3339", "2023-11-14t23:13:20.5+01:00", NOON),
        ("iso8601", "2023-11-15T00:13:20.1234567+0200", NOON),
        ("iso8601", "2023-11-14 21:13:20-01:00", NOON),
        ("iso8601", "2023-11-14T22:13Z", NOON - 20),
        ("iso8601-utc", "2023-11-14 22:13:20,5", NOON),
        ("http-date", "Tue, 14 Nov 2023 22:13:20 -0000", NOON),
        ("text-or-integer", 7, "7"),
        ("minutes", 0, 0),
    ],
)
def test_is_read_as_vendors_write_it(name: str, wire: object, value: object) -> None:
    assert FORMATS[name].read(wire, False) == value


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("seconds", "3600"),
        ("seconds", 1.5),
        ("seconds", True),
        ("seconds", -1),
        ("seconds", LATEST + 1),
        ("quoted-seconds", 3600),
        ("quoted-seconds", "1e3"),
        ("quoted-seconds", "٣"),
        ("quoted-seconds", "9" * 20),
        ("epoch", None),
        ("rfc3339", "2023-11-14T22:13:20"),
        ("rfc3339", "2023-11-14"),
        ("rfc3339", NOON),
        ("rfc3339", "2023-13-14T22:13:20Z"),
        ("rfc3339", "1969-12-31T23:59:59Z"),
        ("iso8601", "2023-11-14T22:13:20"),
        ("iso8601", "0001-01-01T00:00:00+23:00"),
        ("iso8601", "2023-11-14T22:13:60Z"),
        ("iso8601", "x" * 65),
        ("http-date", "yesterday"),
        ("integer", "7"),
        ("text-or-integer", True),
        ("list", "a b"),
        ("list", ["a", ""]),
        ("list", ["a b"]),
        ("list", [1]),
        ("base64", "a"),
        ("base64", "/w=="),
        ("json", 'a"b'),
        ("text", 1),
    ],
)
def test_is_refused(name: str, wire: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        FORMATS[name].read(wire, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [("seconds", "1"), ("rfc3339", "1"), ("integer", "1.5"), ("integer", 1), ("text", None)],
)
def test_a_value_of_another_kind_is_not_written(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        FORMATS[name].write(value, False)


def test_where_only_text_can_stand_numbers_are_text() -> None:
    for name in ("seconds", "epoch", "integer", "list", "any"):
        form = FORMATS[name]
        value: object = {"integer": "7", "list": "a b", "any": "x"}.get(name, 7)
        wire = form.write(value, True)
        assert isinstance(wire, str) and form.read(wire, True) == value
    node = parse({"a": True, "b": 1.5, "c": "x"})
    assert fill(node, lambda _: None, textual=True) == {"a": "true", "b": "1.5", "c": "x"}
    assert fill(parse(False), lambda _: None, textual=True) == "false"


def test_absent_values_take_their_members_away() -> None:
    node = parse(
        {"a": "${x}", "b": {"c": "${x}"}, "d": ["${x}"], "e": "p ${x}", "f": {}, "g": [], "h": "${null}"}
    )
    assert fill(node, lambda _: None) == {"f": {}, "g": [], "h": None}
    assert fill(parse({"a": "${x}"}), lambda _: None) is ABSENT
    assert repr(ABSENT) == "ABSENT"
    assert [place.name for place in places(node)] == ["x"] * 4


def test_a_fault_inside_a_template_names_its_place() -> None:
    with pytest.raises(TemplateFault) as caught:
        parse({"a": [{"b": "${"}]})
    assert caught.value.path == ("a", 0, "b")


def test_one_name_in_two_places_must_agree() -> None:
    node = parse({"a": "${x}", "b": "${x}"})
    found: dict[str, object] = {}
    match(node, {"a": "1", "b": "1"}, found)
    assert found == {"x": "1"}
    with pytest.raises(Mismatch, match="two places"):
        match(node, {"a": "1", "b": "2"}, {})


@settings(max_examples=60, derandomize=True)
@given(
    st.integers(0, LATEST), st.sampled_from(["rfc3339", "iso8601", "iso8601-utc", "http-date", "epoch-ms"])
)
def test_every_instant_is_read_back(instant: int, name: str) -> None:
    assert FORMATS[name].read(FORMATS[name].write(instant, False), False) == instant


@settings(max_examples=60, derandomize=True)
@given(st.text(max_size=40), st.sampled_from(sorted(FORMATS)), st.booleans())
def test_any_text_is_read_or_refused(text: str, name: str, textual: bool) -> None:
    try:
        FORMATS[name].read(text, textual)
    except ValueError as error:
        assert str(error).startswith("must be")
