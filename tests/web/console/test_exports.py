"""What leaves the console as a file: nothing in a table is a formula to a spreadsheet."""

from __future__ import annotations

import pytest

from mintmark.web.console.pages.audit import _harmless


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_a_spreadsheet_would_run_is_a_text(beginning: str) -> None:
    assert _harmless(f"{beginning}cmd|' /C calc'!A0") == f"'{beginning}cmd|' /C calc'!A0"


def test_numbers_and_other_texts_stay() -> None:
    assert [_harmless(value) for value in (-1, "", "a=b", None)] == [-1, "", "a=b", None]
