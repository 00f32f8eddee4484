"""Forms as browsers send them: strictly read, names may repeat where the page has several."""

from __future__ import annotations

import pytest

from mintmark.web.console.forms import MOST_PAIRS, Form, read_body, read_query
from mintmark.wire.http import HttpRequest, Malformed

FORM = b"application/x-www-form-urlencoded"


def body(data: bytes, kind: bytes = FORM) -> Form:
    return read_body(HttpRequest("POST", "/", b"", ((b"content-type", kind),), data))


def test_names_may_repeat_and_one_refuses_that() -> None:
    form = body(b"scope=a&scope=b&name=+x+")
    assert form.all("scope") == ["a", "b"]
    assert form.one("name") == "x"
    assert form.one("absent", "else") == "else"
    assert "scope" in form
    assert "absent" not in form
    with pytest.raises(Malformed, match="stands twice"):
        form.one("scope")


def test_lines_of_a_text_area_stay_lines() -> None:
    assert body(b"text=one%0D%0Atwo%0Athree").one("text") == "one\ntwo\nthree"


@pytest.mark.parametrize(
    "data",
    [
        b"a=%",
        b"a=%zz",
        b"a=%00",
        b"a=\xff",
        b"a=%FF",
        b"&".join([b"a=1"] * (MOST_PAIRS + 1)),
        b"a=" + b"x" * 20000,
    ],
)
def test_refuses_what_is_broken(data: bytes) -> None:
    with pytest.raises(Malformed):
        body(data)


@pytest.mark.parametrize(("text", "number"), [("", None), ("0", 0), ("15", 15)])
def test_reads_whole_numbers(text: str, number: int | None) -> None:
    assert body(f"n={text}".encode()).number("n") == number


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "%D9%A1", "1" * 16])
def test_refuses_other_numbers(text: str) -> None:
    with pytest.raises(Malformed):
        body(f"n={text}".encode()).number("n")


def test_takes_no_other_kind_of_body() -> None:
    with pytest.raises(Malformed):
        body(b"{}", b"application/json")
    assert read_body(HttpRequest("POST", "/")) == Form()


def test_values_are_not_shown() -> None:
    assert "secret" not in repr(body(b"password=secret"))
    assert read_query(HttpRequest("GET", "/", b"a=1")).one("a") == "1"
