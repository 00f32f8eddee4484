"""One-time codes against the vectors of RFC 6238 appendix B, one step before, at and after."""

from __future__ import annotations

import pytest

from mintmark.web.console import one_time_codes

SECRET = b"12345678901234567890"
#: (seconds since the epoch, the last six digits of the RFC's SHA-1 column)
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
]


@pytest.mark.parametrize(("now", "code"), VECTORS)
def test_takes_the_code_of_the_moment_and_of_its_neighbours(now: int, code: str) -> None:
    step = now // one_time_codes.STEP
    assert one_time_codes.matching_step(SECRET, code, now) == step
    first, last = (step - 1) * 30, (step + 2) * 30 - 1
    assert one_time_codes.matching_step(SECRET, code, first) == step
    assert one_time_codes.matching_step(SECRET, code, last) == step
    assert first == 0 or one_time_codes.matching_step(SECRET, code, first - 1) is None
    assert one_time_codes.matching_step(SECRET, code, last + 1) is None


@pytest.mark.parametrize("code", ["", "28708", "2870822", "287 08x", "２８７０８２", "\ud800"])
def test_takes_nothing_else(code: str) -> None:
    assert one_time_codes.matching_step(SECRET, code, 59) is None


def test_people_may_write_it_with_a_space() -> None:
    assert one_time_codes.matching_step(SECRET, "287 082", 59) == 1


def test_the_picture_needs_no_style_of_its_own() -> None:
    address = one_time_codes.address(SECRET, "ada@acme", "mint.example")
    assert (
        address
        == "otpauth://totp/mint.example:ada%40acme?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=mint.example"
    )
    drawn = one_time_codes.picture(address)
    assert drawn.startswith("<svg")
    assert "style=" not in drawn
    assert "<script" not in drawn
