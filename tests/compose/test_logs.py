"""Log lines: JSON with time and level; an exception shows its kind and place, never what it says."""

from __future__ import annotations

import json
import logging

import pytest

from mintmark.compose.logs import set_up_logging

pytestmark = pytest.mark.usefixtures("restored_logging")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object_with_time_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info").info("refused", status=401)
    (line,) = lines(capsys)
    assert line["event"] == "refused"
    assert (line["level"], line["status"]) == ("info", 401)
    assert str(line["timestamp"]).endswith("Z")


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log = set_up_logging("error")
    log.info("refused")
    log.error("fault")
    assert [line["event"] for line in lines(capsys)] == ["fault"]


def test_an_exception_shows_kind_and_place_and_never_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    log = set_up_logging("info")
    try:
        try:
            raise KeyError("a-secret")
        except KeyError as cause:
            raise ValueError("another-secret") from cause
    except ValueError:
        log.error("fault", exc_info=True)
        logging.getLogger("uvicorn.error").error("below", exc_info=True)
    ours, theirs = lines(capsys)
    for line in (ours, theirs):
        assert line["exception"] == ["builtins.ValueError", "builtins.KeyError"]
        assert "test_logs.py" in str(line["frames"])
        assert "secret" not in json.dumps(line)
    assert theirs["event"] == "below"


def test_what_other_libraries_log_is_json_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")
    logging.getLogger("some.library").warning("told %s", "so")
    assert lines(capsys)[0]["event"] == "told so"
