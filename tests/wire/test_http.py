"""Rules of messages: media types, cookies and header values; nothing of a message is printed."""

from __future__ import annotations

import pytest

from mintmark.wire.http import HttpRequest, HttpResponse, Malformed, header_text, media_type, read_cookies


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"application/json", "application/json"),
        (b"Application/JSON ; charset=UTF-8", "application/json"),
        (b"application/x-www-form-urlencoded;charset=UTF-8", "application/x-www-form-urlencoded"),
        (b'text/xml; charset="utf-8"; action=x', "text/xml"),
        (b"multipart/form-data; boundary=abc", "multipart/form-data"),
    ],
)
def test_reads_the_media_type(value: bytes, kind: str) -> None:
    assert media_type(value) == kind


@pytest.mark.parametrize("value", [b"", b"json", b"a/b/c", b"application/", b"/json", b"a b/c", b"a\x00/b"])
def test_refuses_a_malformed_media_type(value: bytes) -> None:
    with pytest.raises(Malformed, match="malformed"):
        media_type(value)


@pytest.mark.parametrize("value", [b"application/json; charset=iso-8859-1", b"text/xml;charset=utf-16"])
def test_refuses_another_character_set(value: bytes) -> None:
    with pytest.raises(Malformed, match="UTF-8"):
        media_type(value)


def test_reads_cookies_and_refuses_repeated_ones() -> None:
    assert read_cookies([b'a=1; b="2"; flag', b"c=3"]) == {"a": "1", "b": "2", "c": "3"}
    with pytest.raises(Malformed, match="repeated"):
        read_cookies([b"a=1", b"a=2"])


@pytest.mark.parametrize("value", [b"\xff", b"a\x00b", b"a\r\nb"])
def test_refuses_odd_header_values(value: bytes) -> None:
    with pytest.raises(Malformed):
        header_text(value)


def test_a_message_gives_values_in_order_and_prints_none_of_them() -> None:
    headers = ((b"authorization", b"Basic c2VjcmV0"), (b"accept", b"a"), (b"accept", b"b"))
    request = HttpRequest("POST", "/token", b"client_secret=hidden", headers, b"hidden")
    response = HttpResponse(200, headers, b"hidden")
    assert request.values(b"accept") == response.values(b"accept") == [b"a", b"b"]
    assert "hidden" not in f"{request!r}{response!r}" and "c2VjcmV0" not in f"{request!r}{response!r}"
