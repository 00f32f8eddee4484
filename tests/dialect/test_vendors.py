"""Vendors as dialect files, those of the catalogue and further shapes of a survey: what a client writes a server
reads, and back, for every one of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mintmark.dialect import (
    Dialect,
    explain,
    load_dialect,
    present,
    prove,
    read_request,
    read_response,
    write_error,
    write_request,
    write_response,
)
from mintmark.dialect.address import variables_of
from mintmark.dialect.catalogue import vendors
from mintmark.dialect.model import REQUEST_SECRETS, Form
from mintmark.dialect.template import Place, Text, places
from mintmark.values.errors import OAuthError
from mintmark.values.secret import Secret
from mintmark.values.token import TokenRequest, TokenResponse
from mintmark.wire.http import HttpRequest

SURVEY = sorted((Path(__file__).parent / "vendors").glob("*.toml"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in SURVEY} | {
    name: file.read_text(encoding="utf-8") for name, file in vendors().items()
}
#: Header-safe and awkward everywhere else.
AWKWARD = "a@b+c/d=e%20f&g"
NOW = 1_700_000_040  # a whole number of minutes
FUNCTIONS = {call: lambda arguments: "made-by-a-function" for call in ("jwt", "uuid", "hmac", "now")}


@pytest.fixture(params=sorted(TEXTS), scope="module")
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return load_dialect(TEXTS[request.param], request.param)


def canonical_request(dialect: Dialect, form: Form, value: str = AWKWARD) -> TokenRequest:
    """A request that fills every place of `form`."""
    nodes = [node for members in (form.query, form.headers, form.cookies) for _, node in members]
    whole = {place.name for node in (*nodes, *([form.body] if form.body else [])) for place in places(node)}
    formats = {
        place.name: place.format.name
        for node in (*nodes, *([form.body] if form.body else []))
        for place in places(node)
    }
    assert whole <= form.names

    def text(name: str) -> str | None:
        if name not in form.names:
            return None
        only = dialect.parameters[name].only
        return only or ("15" if formats.get(name) == "integer" else value)

    fields: dict[str, object] = {}
    for name in ("client_id", "client_secret", "username", "password", "subject", "signature", "scope"):
        held = text(name)
        fields[name] = Secret(held) if held is not None and name in REQUEST_SECRETS else held
    audience = text("audience") or text("resource")
    parameters = {name: text(name) or "" for name in form.further if name not in dialect.functions}
    return TokenRequest(
        dialect.grant_type,
        audience=(audience,) if audience else (),
        parameters=parameters,
        **fields,  # type: ignore[arg-type]
    )


def variables(dialect: Dialect) -> dict[str, str]:
    values = {name: name.replace("_", "-") for name in variables_of(dialect.url)}
    if isinstance(dialect.url, Place):
        values[dialect.url.name] = f"https://vendor.example{dialect.path}"
    elif isinstance(dialect.url, Text) and isinstance(dialect.url.parts[0], Place):
        values[dialect.url.parts[0].name] = "https://vendor.example"
    return values


def canonical_response(dialect: Dialect, token: str = "tok.en-1_2~3+4/5=") -> TokenResponse:
    """An answer that fills every place of the record."""
    shape = dialect.response
    named = {p.name: p for node in [shape.body] if node for p in places(node)}
    named |= {p.name: p for _, node in (*shape.headers, *shape.cookies) for p in places(node)}
    timed = {"expires_in", "expires_at"} & named.keys()
    lifetime = dialect.limits.lifetime or 3600
    extras = {
        name: Secret("extra-secret") if name in shape.secrets else "extra"
        for name in shape.extras
        if name in named
    }
    expires = NOW + lifetime if timed or dialect.limits.lifetime else None
    scope = ("7" if named["scope"].format.name == "integer" else "a b") if "scope" in named else None
    return TokenResponse(Secret(token), shape.token_type, NOW, expires, scope, extras)


def test_client_to_server_round_trip(dialect: Dialect) -> None:
    for form in dialect.forms:
        meant = canonical_request(dialect, form)
        sent = write_request(dialect, meant, variables(dialect), FUNCTIONS, form=form.name)
        assert sent.path == dialect.path
        read = read_request(dialect, HttpRequest(sent.method, sent.path, sent.query, sent.headers, sent.body))
        made = {name: "made-by-a-function" for name in dialect.functions if name in form.names}
        assert dict(read.parameters) == {**meant.parameters, **made}
        for name in ("client_id", "client_secret", "username", "password", "scope", "audience", "subject"):
            assert getattr(read, name) == getattr(meant, name), name


def test_server_to_client_round_trip(dialect: Dialect) -> None:
    meant = canonical_response(dialect)
    assert read_response(dialect, write_response(dialect, meant), NOW) == meant
    assert meant.access_token.reveal() in str(
        [value for _, value in present(dialect, meant, {"client_id": "me"}).headers]
        + [value for _, value in present(dialect, meant, {"client_id": "me"}).query]
    )


def test_a_refusal_reaches_the_client(dialect: Dialect) -> None:
    error = OAuthError("invalid_client", 401, "Client authentication failed.", reason="wrong_secret")
    written = write_error(dialect, error, "realm")
    with pytest.raises(OAuthError) as caught:
        read_response(dialect, written, NOW)
    assert caught.value.code == "invalid_client"


def test_every_record_explains_itself(dialect: Dialect) -> None:
    text = explain(dialect)
    assert dialect.title in text
    assert list(prove(dialect)) == []


def test_every_file_bears_the_name_that_it_declares() -> None:
    assert {name: load_dialect(text, name).name for name, text in TEXTS.items()} == {
        name: name for name in TEXTS
    }
    assert {path.stem for path in SURVEY}.isdisjoint(vendors())


def test_the_vendors_need_every_spelling_of_time_and_every_place() -> None:
    known = [load_dialect(text, name) for name, text in TEXTS.items()]
    used = {
        place.format.name for one in known for node in [one.response.body] if node for place in places(node)
    }
    assert used >= {"seconds", "quoted-seconds", "epoch", "epoch-ms", "quoted-epoch-ms", "iso8601"}
    assert {form.encoding for one in known for form in one.forms} == {"form", "json", "none", "xml"}
