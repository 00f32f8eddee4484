from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.jose import base64url


@given(st.binary(max_size=100))
def test_decodes_what_it_encodes(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data


@given(st.binary(max_size=12) | st.text("AQgwEIMUYcko048-_+/= \n", max_size=9).map(str.encode))
def test_each_value_has_one_spelling(text: bytes) -> None:
    try:
        data = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"A", id="a lone character"),
        pytest.param(b"AAAAA", id="a character too many"),
        pytest.param(b"AB", id="stray bits after one octet"),
        pytest.param(b"AAB", id="stray bits after two octets"),
        pytest.param(b"AA==", id="padding"),
        pytest.param(b"AAA=", id="one padding character"),
        pytest.param(b"=", id="padding alone"),
        pytest.param(b"AA A", id="a space"),
        pytest.param(b"AAA\n", id="a line break"),
        pytest.param(b"AA+A", id="plus"),
        pytest.param(b"AA/A", id="slash"),
        pytest.param(b"AA\xffA", id="a byte beyond ASCII"),
        pytest.param(b"AA\x00A", id="a null"),
    ],
)
def test_refuses_other_spellings(text: bytes) -> None:
    with pytest.raises(ValueError):
        base64url.decode(text)
