"""Rules of a refusal: RFC 6749's shape unless declared otherwise, a challenge with 401, nothing of a vendor's
text that could harm a log."""

from __future__ import annotations

import json
import re

import pytest

from mintmark.dialect import catalogue, load_dialect, read_response, write_error
from mintmark.values.errors import (
    OAuthError,
    invalid_client,
    invalid_request,
    invalid_scope,
    quota_exceeded,
    temporarily_unavailable,
)
from mintmark.wire.http import HttpResponse

STANDARD = catalogue().get("standard")
NOW = 1_700_000_000
VENDOR = """
name = "x"
title = "X"
path = "/t"
[[forms]]
[forms.body]
id = "${client_id}"
[response.body]
t = "${access_token}"
[errors]
status = 200
token_dead = [401, 403]
body = { ok = false, err = { no = "${error}", text = "${error_description}", http = "${status}" } }
[errors.codes.invalid_client]
code = 40013
[errors.codes.invalid_scope]
code = "E7"
status = 422
[errors.codes.rate_limited]
status = 423
"""


def refusal(body: str | bytes, status: int, *headers: tuple[bytes, bytes]) -> OAuthError:
    response = HttpResponse(status, headers, body.encode() if isinstance(body, str) else body)
    with pytest.raises(OAuthError) as caught:
        read_response(STANDARD, response, NOW)
    return caught.value


@pytest.mark.parametrize("dialect", list(catalogue()), ids=lambda dialect: dialect.name)
def test_bodies_are_what_rfc_6749_asks_for(dialect: object) -> None:
    error = OAuthError("invalid_request", 400, 'a "quoted" \\ text\nwith ä', reason="x")
    written = write_error(dialect, error, "realm")  # type: ignore[arg-type]
    body = json.loads(written.body)
    assert list(body) == ["error", "error_description"]
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", body["error_description"])
    assert (written.status, written.values(b"cache-control"), written.values(b"pragma")) == (
        400,
        [b"no-store"],
        [b"no-cache"],
    )
    assert written.values(b"content-type") == [b"application/json"]
    assert written.values(b"www-authenticate") == []


@pytest.mark.parametrize(
    ("name", "challenge"),
    [
        ("standard", b'Basic realm="a?b", charset="UTF-8"'),
        ("omneo-proxy", b'Basic realm="a?b", charset="UTF-8"'),
        ("omnilab", b'ClientCredentials realm="a?b"'),
        ("omneo-shopify", b'SignedSubject realm="a?b"'),
    ],
)
def test_401_carries_a_challenge(name: str, challenge: bytes) -> None:
    written = write_error(catalogue().get(name), invalid_client(reason="x"), 'a"b')
    assert (written.status, written.values(b"www-authenticate")) == (401, [challenge])


def test_retry_after_and_allow_are_written() -> None:
    assert write_error(STANDARD, quota_exceeded(77, reason="x"), "r").values(b"retry-after") == [b"77"]
    assert write_error(STANDARD, temporarily_unavailable(1, reason="x"), "r").status == 503
    wrong = OAuthError("invalid_request", 405, "POST only.", reason="wrong_method")
    assert write_error(STANDARD, wrong, "r").values(b"allow") == [b"POST"]


def test_a_vendor_spells_its_codes_and_statuses() -> None:
    dialect = load_dialect(VENDOR, "x")
    written = write_error(dialect, invalid_client(reason="x"), "r")
    assert written.status == 200
    assert json.loads(written.body) == {
        "ok": False,
        "err": {"no": 40013, "text": "Client authentication failed.", "http": 200},
    }
    assert write_error(dialect, invalid_scope("No.", reason="x"), "r").status == 422
    for error in (invalid_client(reason="x"), invalid_scope("No.", reason="x")):
        with pytest.raises(OAuthError) as caught:
            read_response(dialect, write_error(dialect, error, "r"), NOW)
        assert caught.value.code == error.code
    with pytest.raises(OAuthError) as caught:
        read_response(dialect, HttpResponse(423), NOW)
    assert (caught.value.code, caught.value.reason) == ("rate_limited", "vendor_status")
    assert dialect.errors.token_dead == (401, 403)


def test_a_vendor_may_refuse_without_a_body() -> None:
    dialect = load_dialect(VENDOR.replace("body = { ok", "body = {} # { ok").split("[errors.codes")[0], "x")
    written = write_error(dialect, invalid_request("No."), "r")
    assert (written.body, written.values(b"content-type")) == (b"", [])


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (401, "invalid_client"),
        (403, "invalid_client"),
        (429, "rate_limited"),
        (500, "temporarily_unavailable"),
        (503, "temporarily_unavailable"),
    ],
)
@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", '{"error":{"a":1}}', '{"error":true}', '{"a":1,"a":2}', b"\xff"]
)
def test_a_status_speaks_where_the_body_is_silent(body: str | bytes, status: int, code: str) -> None:
    error = refusal(body, status)
    assert (error.code, error.status) == (code, status)
    assert str(status) in error.description


def test_what_a_vendor_says_is_short_and_printable() -> None:
    error = refusal(
        json.dumps({"error": "slow down\n" + "x" * 500, "error_description": "a\x1b[31m" + "b" * 500}), 400
    )
    assert error.code == "slow_down?" + "x" * 54
    assert error.description.startswith("a?[31mb") and len(error.description) == 200
    assert error.reason == "vendor_refused"
    assert refusal(" " * ((1 << 20) - 1), 400).code == "invalid_request"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"120", 120),
        (b"0", 0),
        (b"999999999", 86400 * 31),
        (b"Tue, 14 Nov 2023 22:14:20 GMT", 60),
        (b"Mon, 13 Nov 2023 22:14:20 GMT", 0),
        (b"9999999999", None),
        (b"-5", None),
        (b"soon", None),
        (b"\xb2", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: bytes, seconds: int | None) -> None:
    assert refusal("", 429, (b"retry-after", value)).retry_after == seconds


def test_a_repeated_retry_after_is_ignored() -> None:
    assert refusal("", 429, (b"retry-after", b"1"), (b"retry-after", b"2")).retry_after is None
