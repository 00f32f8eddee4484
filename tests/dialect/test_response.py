"""Rules of the success answer: written exactly, read with every doubt a stranger's bytes deserve."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest

from mintmark.dialect import (
    ResponseFault,
    catalogue,
    load_dialect,
    prepare_response,
    present,
    read_response,
    write_response,
)
from mintmark.dialect.response import LARGEST_ANSWER, LONGEST_TOKEN
from mintmark.values.errors import OAuthError
from mintmark.values.secret import Secret
from mintmark.values.token import TokenResponse
from mintmark.wire.http import HttpResponse

STANDARD = catalogue().get("standard")
START = """
name = "x"
title = "X"
path = "/t"
[[forms]]
[forms.body]
id = "${client_id}"
"""
NOW = 1_700_000_000


def answer(body: str | bytes, *headers: tuple[bytes, bytes], status: int = 200) -> HttpResponse:
    return HttpResponse(status, headers, body.encode() if isinstance(body, str) else body)


def jwt(claims: object) -> str:
    return "e30." + urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".c2ln"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "no access token"),
        ("{}", "no access token"),
        ('{"access_token":null}', "no access token"),
        ('{"access_token":""}', "no access token"),
        ('{"access_token":17}', "access_token must be text"),
        ('{"access_token":{"a":"b"}}', "access_token must be text"),
        ('{"access_token":"a\\r\\nX: y"}', "control"),
        ('{"access_token":"a b"}', "no header carries"),
        ('{"access_token":"ä"}', "no header carries"),
        ('{"access_token":"' + "a" * (LONGEST_TOKEN + 1) + '"}', "too long"),
        ('{"access_token":"a","access_token":"b"}', "repeated"),
        ("[" * 40 + "]" * 40, "deeply"),
        ("<html>", "JSON"),
        ('["a"]', "JSON object"),
        (b'{"access_token":"\xff"}', "UTF-8"),
        ('{"access_token":"a","expires_in":"3600"}', "expires_in must be a whole number"),
        ('{"access_token":"a","expires_in":3600.5}', "expires_in must be a whole number"),
        ('{"access_token":"a","expires_in":true}', "expires_in must be a whole number"),
        ('{"access_token":"a","expires_in":-1}', "makes sense"),
        ('{"access_token":"a","expires_in":99999999999999}', "makes sense"),
        ('{"access_token":"a","expires_in":0}', "no lifetime"),
        ('{"access_token":"a","token_type":"mac"}', "token type"),
        ('{"access_token":"a","scope":["x"]}', "scope must be text"),
    ],
)
def test_refuses_an_answer_that_makes_no_sense(body: str | bytes, says: str) -> None:
    with pytest.raises(ResponseFault, match=says):
        read_response(STANDARD, answer(body), NOW)


def test_refuses_too_much_and_redirects() -> None:
    with pytest.raises(ResponseFault, match="larger"):
        read_response(STANDARD, answer(b" " * (LARGEST_ANSWER + 1)), NOW)
    with pytest.raises(ResponseFault, match="redirect"):
        read_response(STANDARD, answer("", (b"location", b"https://evil.example/"), status=302), NOW)


def test_an_unknown_status_of_success_is_neither_success_nor_refusal() -> None:
    for status in (100, 201, 204):
        with pytest.raises(ResponseFault, match=f"status {status}"):
            read_response(STANDARD, answer('{"access_token":"a"}', status=status), NOW)
    with pytest.raises(OAuthError):
        read_response(STANDARD, answer('{"error":"invalid_client"}', status=201), NOW)


def test_an_answer_without_type_or_expiry_is_read_with_what_the_record_says() -> None:
    read = read_response(STANDARD, answer('{"access_token":"a","scope":null,"more":{"x":[1]}}'), NOW)
    assert read == TokenResponse(Secret("a"), "Bearer", NOW, None, None, {})
    known = read_response(catalogue().get("omnilab"), answer('{"access_token":"a"}'), NOW)
    assert known.expires_at == NOW + 3600


def test_a_refusal_with_status_200_is_a_refusal() -> None:
    with pytest.raises(OAuthError) as caught:
        read_response(STANDARD, answer('{"error":"invalid_scope","error_description":"No."}'), NOW)
    assert (caught.value.code, caught.value.description) == ("invalid_scope", "No.")


ENVELOPE = (
    START
    + """
[response]
extras = ["id", "csrf"]
secrets = ["csrf"]
success = { status = [201, 200], at = "/code", in = [0, "0"] }
[response.body]
code = 0
id = "${id}"
data = { a = [{ token = "${access_token}" }], until = "${expires_at:iso8601}", nothing = "${null}", x.y = "${scope}" }
[[response.also]]
at = "/data/a/0/jwt~1token"
is = "${access_token}"
[[response.also]]
at = "/data/left"
is = "${expires_in:minutes}"
[errors]
body = { code = "${error}", text = "${error_description}" }
"""
)


def test_an_envelope_is_written_and_read() -> None:
    dialect = load_dialect(ENVELOPE, "x")
    meant = TokenResponse(Secret("a"), "Bearer", NOW, NOW + 60, None, {"id": 7})
    written = write_response(dialect, meant)
    assert written.status == 201
    assert json.loads(written.body) == {
        "code": 0,
        "id": 7,
        "data": {"a": [{"token": "a"}], "until": "2023-11-14T22:14:20Z", "nothing": None},
    }
    assert read_response(dialect, written, NOW) == meant


@pytest.mark.parametrize("code", ["1", "false", '"00"', "null", "{}"])
def test_success_is_told_by_value_and_type(code: str) -> None:
    dialect = load_dialect(ENVELOPE, "x")
    with pytest.raises(OAuthError):
        read_response(dialect, answer('{"code":' + code + ',"data":{"a":[{"token":"t"}]}}'), NOW)


def test_further_places_are_read_only_while_a_value_is_absent() -> None:
    dialect = load_dialect(ENVELOPE, "x")
    body = '{"code":"0","data":{"left":2,"a":[{"jwt/token":"other"}]}}'
    read = read_response(dialect, answer(body), NOW)
    assert (read.access_token, read.expires_at) == (Secret("other"), NOW + 120)
    both = body.replace('"jwt/token"', '"token":"first","jwt/token"')
    assert read_response(dialect, answer(both), NOW).access_token == Secret("first")
    with pytest.raises(ResponseFault, match="no access token"):
        read_response(dialect, answer('{"code":"0","data":{"a":["x"]}}'.replace('["x"]', "[]")), NOW)


HEADERS = (
    START
    + """
[response]
encoding = "none"
extras = ["second"]
secrets = ["second"]
[response.headers]
X-Token = "${access_token}"
X-Until = "${expires_at:http-date}"
X-Second = "two ${second}"
[response.cookies]
sid = "${scope}"
[present.headers]
X-Token = "${access_token}"
X-Second = "${second}"
[present.query]
who = "${client_id}"
type = "${token_type}"
[present.cookies]
sid = "${access_token}"
"""
)


def test_headers_and_cookies_are_written_read_and_presented() -> None:
    dialect = load_dialect(HEADERS, "x")
    meant = TokenResponse(Secret("tok"), "Bearer", NOW, NOW + 60, "s", {"second": Secret("b")})
    written = write_response(dialect, meant)
    assert written.values(b"x-until") == [b"Tue, 14 Nov 2023 22:14:20 GMT"]
    assert written.values(b"set-cookie") == [b"sid=s; Path=/; Secure; HttpOnly"]
    assert read_response(dialect, written, NOW) == meant
    shown = present(dialect, meant, {"client_id": "me"})
    assert shown.headers == (("X-Token", "tok"), ("X-Second", "b"))
    assert shown.query == (("who", "me"), ("type", "Bearer"))
    assert shown.cookies == (("sid", "tok"),)
    assert "tok" not in repr(shown)
    bare = write_response(dialect, TokenResponse(Secret("tok"), "Bearer", NOW))
    assert [name for name, _ in bare.headers if name.startswith((b"x-", b"set"))] == [b"x-token"]
    with pytest.raises(ValueError, match="cannot be presented"):
        present(dialect, meant)
    with pytest.raises(ValueError, match="control"):
        write_response(dialect, TokenResponse(Secret("a\nb"), "Bearer", NOW))


def test_a_repeated_token_header_is_refused() -> None:
    dialect = load_dialect(HEADERS, "x")
    with pytest.raises(ResponseFault, match="repeated"):
        read_response(dialect, answer("", (b"x-token", b"a"), (b"x-token", b"b")), NOW)


@pytest.mark.parametrize(
    ("head", "encoding"), [('body = "${access_token}"', "text"), ('body = "${access_token}"', "json")]
)
def test_the_whole_body_may_be_the_token(head: str, encoding: str) -> None:
    dialect = load_dialect(f'{START}[response]\nencoding = "{encoding}"\n{head}', "x")
    meant = TokenResponse(Secret("abc"), "Bearer", NOW)
    written = write_response(dialect, meant)
    assert written.body == (b"abc" if encoding == "text" else b'"abc"')
    assert read_response(dialect, answer(written.body + b"\n"), NOW) == meant
    with pytest.raises(ResponseFault, match="UTF-8"):
        read_response(dialect, answer(b"\xff"), NOW)


def test_xml_is_read_by_template_and_escaped() -> None:
    dialect = load_dialect(f'{START}[response]\nencoding = "xml"\nbody = "<t> ${{access_token}} </t>"', "x")
    written = write_response(dialect, TokenResponse(Secret("a&b"), "Bearer", NOW))
    assert written.body == b"<t> a&amp;b </t>"
    assert read_response(dialect, answer("<t>a&amp;b</t>"), NOW).access_token == Secret("a&b")
    with pytest.raises(ResponseFault, match="not of its form"):
        read_response(dialect, answer("<t>a</t><t>b</t>"), NOW)


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "a.!!.c",
        jwt([]),
        jwt({}),
        jwt({"exp": "soon"}),
        jwt({"exp": True}),
        jwt({"exp": 1e18}),
        jwt({"exp": 0}),
    ],
)
def test_an_expiry_inside_the_token_must_be_there(token: str) -> None:
    dialect = catalogue().get("omneo-shopify")
    with pytest.raises(ResponseFault, match="JWT"):
        read_response(dialect, answer(json.dumps({"token": token})), NOW)
    assert (
        read_response(dialect, answer(json.dumps({"token": jwt({"exp": NOW + 9})})), NOW).expires_at
        == NOW + 9
    )


def test_a_token_may_be_declared_never_to_expire() -> None:
    text = f'{START}[limits]\nlifetime = 60\n[response]\nexpiry = "never"\n[response.body]\nt = "${{access_token}}"'
    assert read_response(load_dialect(text, "x"), answer('{"t":"a"}'), NOW).expires_at is None


def test_another_token_type_than_bearer_is_written_as_it_is() -> None:
    written = write_response(STANDARD, TokenResponse(Secret("a"), "DPoP", NOW))
    assert json.loads(written.body)["token_type"] == "DPoP"


def test_text_is_escaped_in_the_flat_and_in_the_nested_writer() -> None:
    odd = 'q"\\\u2028<ä'
    flat = load_dialect(
        START + '[response]\nextras = ["e"]\n[response.body]\nt = "${access_token}"\ne = "${e}"\nz = 1', "x"
    )
    nested = load_dialect(
        START + '[response]\nextras = ["e"]\n[response.body]\nt = "${access_token}"\nn = { e = "${e}" }', "x"
    )
    meant = TokenResponse(Secret("a"), "Bearer", NOW, None, None, {"e": odd})
    assert json.loads(write_response(flat, meant).body) == {"t": "a", "e": odd, "z": 1}
    assert json.loads(write_response(nested, meant).body) == {"t": "a", "n": {"e": odd}}
    with pytest.raises(ValueError, match="whole seconds"):
        write_response(STANDARD, TokenResponse(Secret("a"), "Bearer", NOW, NOW + 0.5))  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", ["read", "the-token-stands-here", None])
def test_an_answer_is_prepared_only_where_nothing_but_the_token_is_its_own(scope: str | None) -> None:
    like = TokenResponse(Secret("x"), "Bearer", 0, 3600, scope, {"jti": "j", "nbf": 0, "iss": "i"})
    prepared = prepare_response(STANDARD, like)
    if scope == "the-token-stands-here":  # nobody can tell where the token belongs
        assert prepared is None
    else:
        assert prepared is not None
        more = ((b"x-more", b"1"),)
        status, headers, body = write_response(STANDARD, like._replace(access_token=Secret("tok")))
        assert prepared.with_token(Secret("tok"), more) == (status, headers + more, body)
        assert prepare_response(STANDARD, like) is prepared
    assert prepare_response(catalogue().get("omnissa"), like) is None
