"""Rules of the Basic header: any case of the scheme, strict Base64, a declared encoding of the halves."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mintmark.wire.basic import LONGEST, decoded, read_basic, write_basic
from mintmark.wire.http import Malformed

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30)


def _header(text: bytes, scheme: bytes = b"Basic ") -> bytes:
    return scheme + b64encode(text)


@pytest.mark.parametrize("scheme", [b"Basic ", b"basic ", b"BASIC ", b"bAsIc  "])
def test_the_scheme_is_read_in_any_case(scheme: bytes) -> None:
    assert read_basic(_header(b"id:secret", scheme)) == ("id", "secret")


def test_the_vector_of_rfc_7617() -> None:
    assert read_basic(b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == ("Aladdin", "open sesame")
    assert write_basic("Aladdin", "open sesame", encoded=False) == b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_only_the_first_colon_separates() -> None:
    assert read_basic(_header(b"id:se:cr:et")) == ("id", "se:cr:et")


@pytest.mark.parametrize("value", [b"Bearer abc", b"Digest x", b"BasicQWxh", b""])
def test_another_scheme_is_told_apart(value: bytes) -> None:
    assert read_basic(value) is None


def test_a_vendor_may_name_the_scheme_differently() -> None:
    assert read_basic(_header(b"id:secret", b"Bearer "), b"bearer") == ("id", "secret")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"Basic", "colon"),
        (b"Basic QWxh!!!!", "Base64"),
        (b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Base64"),
        (b"Basic QWxh ZGRpbjpv", "Base64"),
        (b"Basic QWxhZGRpbjpv\n", "Base64"),
        (_header(b"no colon here"), "colon"),
        (_header(b"\xff\xfe:x"), "UTF-8"),
        (_header(b"id:sec\x00ret"), "control"),
        (_header(b"id\r\n:secret"), "control"),
        (_header(b"id:" + b"s" * LONGEST), "too long"),
    ],
)
def test_refuses_a_malformed_header(value: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says) as caught:
        read_basic(value)
    assert "secret" not in str(caught.value)


def test_raw_writing_refuses_a_colon_in_the_user() -> None:
    with pytest.raises(ValueError, match="colon"):
        write_basic("a:b", "c", encoded=False)
    assert read_basic(write_basic("a:b", "c", encoded=True)) == ("a%3Ab", "c")


def test_writing_refuses_control_characters() -> None:
    with pytest.raises(ValueError, match="control"):
        write_basic("a", "b\n", encoded=False)


@settings(max_examples=60, derandomize=True)
@given(TEXT, TEXT)
def test_what_is_written_is_read_back(user: str, password: str) -> None:
    halves = read_basic(write_basic(user, password, encoded=True))
    assert halves is not None and decoded(*halves) == (user, password)
    if ":" not in user:
        assert read_basic(write_basic(user, password, encoded=False)) == (user, password)
