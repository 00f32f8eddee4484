"""Rules of writing a token request: what the dialect has no place for is refused, never left out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mintmark.dialect import catalogue, load_dialect, read_request, write_request
from mintmark.dialect.address import address
from mintmark.dialect.template import Node, parse
from mintmark.values.secret import Secret
from mintmark.values.token import TokenRequest

STANDARD, OMNISSA, OMNEO = (catalogue().get(name) for name in ("standard", "omnissa", "omneo"))
URL = {"token_url": "https://vendor.example/oauth/token"}
REQUEST = TokenRequest("client_credentials", "id", Secret("s3cret"))


def test_the_first_form_is_written_unless_another_is_named() -> None:
    first = write_request(STANDARD, REQUEST, URL)
    assert first.url == "https://vendor.example/oauth/token" and first.path == "/oauth/token"
    assert first.values(b"authorization") == [b"Basic aWQ6czNjcmV0"]
    for form in (1, "post"):
        written = write_request(STANDARD, REQUEST, URL, form=form)
        assert written.body == b"grant_type=client_credentials&client_id=id&client_secret=s3cret"
        assert written.values(b"authorization") == []
    with pytest.raises(KeyError):
        write_request(STANDARD, REQUEST, URL, form="third")


def test_several_audiences_go_where_a_name_may_be_repeated() -> None:
    two = write_request(STANDARD, REQUEST._replace(audience=("https://a", "https://b")), URL)
    assert two.body.endswith(b"resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb")
    assert read_request(STANDARD, two).audience == ("https://a", "https://b")
    with pytest.raises(ValueError, match="one audience only"):
        write_request(
            catalogue().get("omnilab"), REQUEST._replace(audience=("a", "b")), {"api_host": "vendor.example"}
        )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"client_id": None}, "needs client_id"),
        ({"client_secret": Secret("")}, "needs client_secret"),
        ({"username": "u"}, "no place for username"),
        ({"password": Secret("s3cret")}, "no place for password"),
        ({"audience": ("a",)}, "no place for audience"),
        ({"parameters": {"tenant": "s3cret"}}, "no place for tenant"),
        ({"client_secret": Secret("s3cret\n")}, "client_secret holds control"),
        ({"client_id": "s3cret:x"}, "colon"),
    ],
)
def test_refuses_what_cannot_be_carried(change: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        write_request(OMNISSA, REQUEST._replace(**change), URL)  # type: ignore[arg-type]
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "needs the variable 'tenant'"),
        ({"tenant": ""}, "needs the variable 'tenant'"),
        ({"tenant": "evil.example/"}, "'tenant' does not fit"),
        ({"tenant": "me@evil.example"}, "'tenant' does not fit"),
        ({"tenant": "evil.example?"}, "'tenant' does not fit"),
        ({"tenant": "evil.example#"}, "'tenant' does not fit"),
        ({"tenant": "a\r\nb"}, "'tenant' does not fit"),
        ({"tenant": "a:1:2"}, "'tenant' does not fit"),
    ],
)
def test_a_variable_never_reaches_beyond_its_place(variables: Mapping[str, str], says: str) -> None:
    request = REQUEST._replace(username="u", password=Secret("p"), scope="*")
    with pytest.raises(ValueError, match=says):
        write_request(OMNEO, request, variables)


@pytest.mark.parametrize(
    "url",
    [
        "vendor.example/token",
        "ftp://vendor.example/",
        "https://user:pass@vendor.example/",
        "https://vendor.example/#x",
        "https:///token",
        "https://vendor.example/a b",
    ],
)
def test_a_whole_address_must_be_one(url: str) -> None:
    with pytest.raises(ValueError, match="'token_url' does not fit|not an http or https"):  # noqa: RUF043
        write_request(STANDARD, REQUEST, {"token_url": url})


def test_path_segments_are_quoted() -> None:
    node: Node = parse("https://${host}:8443/t/${tenant}/token")
    assert address(node, {"host": "a.b", "tenant": "x/../y z"}) == (
        "https://a.b:8443/t/x%2F..%2Fy%20z/token",
        "/t/x/../y z/token",
        "",
    )
    with pytest.raises(ValueError, match="'tenant' does not fit"):
        address(node, {"host": "a.b", "tenant": ".."})
    with pytest.raises(ValueError, match="not an http"):
        address(parse("x://${host}/"), {"host": "a"})
    with pytest.raises(ValueError, match="not an http"):
        address(parse(5), {})
    assert address(parse("https://${host}"), {"host": "a"})[1] == "/"


def test_a_query_in_the_address_is_kept_and_never_doubled() -> None:
    written = write_request(STANDARD, REQUEST, {"token_url": "https://v.example/t?api=2"})
    assert (written.url, written.query) == ("https://v.example/t", b"api=2")
    with pytest.raises(ValueError, match="already holds"):
        write_request(OMNISSA, REQUEST, {"token_url": "https://v.example/t?grant_type=x"})


SIGNED = """
name = "signed"
title = "Signed"
path = "/t"
url = "https://v.example/apps/${client_id}/t"
[[forms]]
encoding = "json"
headers = { Authorization = "Bearer ${assertion}", X-Id = "${request_id}", X-Lang = "${lang}" }
cookies = { lang = "${lang}", again = "${request_id}" }
query = { id = "${client_id}" }
[forms.body]
meta = { id = "${request_id}", lang = "${lang}", scopes = ["${scope}"] }
[parameters.lang]
[functions.request_id]
call = "uuid"
[functions.assertion]
call = "jwt"
alg = "RS256"
key = "${private_key}"
claims = { iss = "${client_id}", scope = "${scope}", jti = "${request_id}" }
[response.body]
t = "${access_token}"
"""


def test_named_functions_are_handed_in_and_called_once() -> None:
    dialect = load_dialect(SIGNED, "signed.toml")
    calls: list[tuple[str, Mapping[str, object]]] = []

    def uuid(arguments: Mapping[str, object]) -> str:
        calls.append(("uuid", arguments))
        return "u-1"

    def jwt(arguments: Mapping[str, object]) -> str:
        calls.append(("jwt", arguments))
        return "h.c.s"

    request = TokenRequest("client_credentials", "id")
    variables = {"private_key": "PEM"}
    written = write_request(dialect, request, variables, {"uuid": uuid, "jwt": jwt})
    assert calls == [
        ("uuid", {}),
        ("jwt", {"alg": "RS256", "key": "PEM", "claims": {"iss": "id", "jti": "u-1"}}),
    ]
    assert written.url == "https://v.example/apps/id/t" and written.query == b"id=id"
    assert written.body == b'{"meta":{"id":"u-1"}}'
    assert written.values(b"authorization") == [b"Bearer h.c.s"] and written.values(b"cookie") == [
        b"again=u-1"
    ]
    assert dict(read_request(dialect, written).parameters) == {"assertion": "h.c.s", "request_id": "u-1"}
    assert not dialect.admits_cors
    with pytest.raises(ValueError, match="needs the function 'uuid'|needs the function 'jwt'"):  # noqa: RUF043
        write_request(dialect, request, variables)


def test_variables_fill_declared_parameters_and_are_checked_where_they_stand() -> None:
    dialect = load_dialect(SIGNED, "signed.toml")
    made = {"uuid": lambda _: "u", "jwt": lambda _: "j"}
    request = TokenRequest("client_credentials", "id")
    written = write_request(dialect, request, {"private_key": "k", "lang": "en"}, made)
    assert written.values(b"cookie") == [b"lang=en; again=u"] and written.values(b"x-lang") == [b"en"]
    for value, says in (("e;n", "no cookie carries"), (" en", "no header carries"), ("e\nn", "control")):
        with pytest.raises(ValueError, match=says):
            write_request(dialect, request, {"private_key": "k", "lang": value}, made)
    with pytest.raises(ValueError, match="no header carries"):
        write_request(dialect, request, {"private_key": "k"}, {**made, "uuid": lambda _: "a\nb"})
    with pytest.raises(ValueError, match="cannot carry"):
        write_request(dialect, request, {"private_key": "k"}, {**made, "jwt": lambda _: ""})


def test_a_fixed_value_is_written_without_being_asked_and_never_replaced() -> None:
    text = SIGNED.replace("[parameters.lang]", '[parameters.lang]\nonly = "en"')
    dialect = load_dialect(text, "signed.toml")
    made = {"uuid": lambda _: "u", "jwt": lambda _: "j"}
    written = write_request(dialect, TokenRequest("client_credentials", "id"), {}, made)
    assert written.values(b"x-lang") == [b"en"]
    with pytest.raises(ValueError, match="lang must be 'en'"):
        write_request(dialect, TokenRequest("client_credentials", "id", parameters={"lang": "de"}), {}, made)


TEXTS = """
name = "texts"
title = "Texts"
path = "/t"
grant_type = "user_login"
[[forms]]
encoding = "text"
body = "${username};${password}"
[[forms]]
encoding = "xml"
body = "<u>${username}</u><p>${password}</p><l>${lang}</l>"
[[forms]]
encoding = "json"
body = { q = 'login(u: "${username:json}", p: "${password:json}")' }
[parameters.lang]
[response.body]
t = "${access_token}"
"""


def test_text_bodies_carry_only_what_can_be_read_back() -> None:
    dialect = load_dialect(TEXTS, "texts.toml")
    request = TokenRequest("user_login", username="u<&>", password=Secret('p"\\q'))
    plain = write_request(dialect, request, URL)
    assert plain.body == b'u<&>;p"\\q' and read_request(dialect, plain) == request
    with pytest.raises(ValueError, match="cannot carry"):
        write_request(dialect, request._replace(username="a;b"), URL)
    graph = write_request(dialect, request, URL, form="json")
    assert read_request(dialect, graph) == request
    with pytest.raises(ValueError, match="needs every value"):
        write_request(dialect, request, URL, form="xml")
    xml = write_request(dialect, request, {**URL, "lang": "en"}, form="xml")
    assert b"<u>u&lt;&amp;&gt;</u>" in xml.body
    assert read_request(dialect, xml).username == "u<&>"
