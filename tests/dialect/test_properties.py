"""Whatever the ids and secrets are: what a client writes is what a server reads, or it is not sent at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mintmark.dialect import (
    Dialect,
    catalogue,
    prepare_response,
    read_request,
    read_response,
    write_request,
    write_response,
)
from mintmark.values.errors import OAuthError
from mintmark.values.secret import Secret
from mintmark.values.token import TokenRequest, TokenResponse
from mintmark.wire.http import HttpRequest

DIALECTS = list(catalogue())
VARIABLES = {
    "token_url": "https://vendor.example/token",
    "tenant": "acme",
    "api_host": "api.vendor.example",
    "proxy_url": "https://proxy.example",
}
AWKWARD = st.text(
    st.sampled_from("abzAZ019@:+/=%& ?#;,\"'\\{}$.-_~äß€語😀")
    | st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]),
    min_size=1,
    max_size=24,
)


def _request(dialect: Dialect, form: int, texts: list[str]) -> TokenRequest:
    """A request with every value that the form has a place for."""
    names = dialect.forms[form].names
    values: dict[str, object] = {}
    for name, text in zip(TokenRequest._fields[1:8], texts, strict=True):
        if name in names:
            secret = name in ("client_secret", "password", "signature")
            values[name] = Secret(text) if secret else text
    audience = (texts[-1],) if "audience" in names else ()
    return TokenRequest(dialect.grant_type, audience=audience, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@settings(max_examples=50, derandomize=True)
@given(texts=st.lists(AWKWARD, min_size=7, max_size=7))
def test_what_is_written_is_read(dialect: Dialect, texts: list[str]) -> None:
    for index, form in enumerate(dialect.forms):
        meant = _request(dialect, index, texts)
        try:
            sent = write_request(dialect, meant, VARIABLES, form=index)
        except ValueError as error:
            assert "colon" in str(error) and form.basic is not None and form.basic.codec == "raw"
            assert ":" in texts[0] or ":" in texts[2]
            continue
        read = read_request(dialect, HttpRequest(sent.method, sent.path, sent.query, sent.headers, sent.body))
        for name in (
            "client_id",
            "client_secret",
            "username",
            "password",
            "subject",
            "signature",
            "scope",
            "audience",
        ):
            assert getattr(read, name) == getattr(meant, name), name


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@settings(max_examples=50, derandomize=True)
@given(
    token=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40),
    lifetime=st.integers(1, 10**7),
    scope=st.none() | AWKWARD,
)
def test_what_is_answered_is_read(dialect: Dialect, token: str, lifetime: int, scope: str | None) -> None:
    if dialect.response.expiry == "jwt-exp":
        return  # the token itself says when it ends
    meant = TokenResponse(Secret(token), dialect.response.token_type, 10**9, 10**9 + lifetime, scope)
    written = write_response(dialect, meant)
    prepared = prepare_response(
        dialect, meant._replace(access_token=Secret("another"), issued_at=0, expires_at=lifetime)
    )
    if prepared is not None:
        assert prepared.with_token(meant.access_token, ()) == written
    read = read_response(dialect, written, 10**9)
    assert (read.access_token, read.expires_at) == (meant.access_token, meant.expires_at)
    assert read.scope in (scope, None)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@settings(max_examples=50, derandomize=True)
@given(
    kind=st.sampled_from(
        [b"application/json", b"application/x-www-form-urlencoded", b"text/plain", b"", None]
    ),
    authorization=st.none()
    | st.binary(max_size=40)
    | st.binary(max_size=40).map(lambda tail: b"Basic " + tail),
    query=st.binary(max_size=60),
    body=st.binary(max_size=200)
    | st.sampled_from(
        [b"grant_type=client_credentials", b'{"grant_type":"client_credentials"}', b"{}", b"[]"]
    ),
)
def test_any_bytes_are_read_or_refused(
    dialect: Dialect, kind: bytes | None, authorization: bytes | None, query: bytes, body: bytes
) -> None:
    headers = [] if kind is None else [(b"content-type", kind)]
    if authorization is not None:
        headers.append((b"authorization", authorization))
    try:
        read_request(dialect, HttpRequest(dialect.method, dialect.path, query, tuple(headers), body))
    except OAuthError as error:
        assert error.status in (400, 401)
