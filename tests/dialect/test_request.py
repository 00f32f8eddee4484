"""Rules of reading a token request: what each document shows works, what an attacker sends does not."""

from __future__ import annotations

import re
import tomllib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from mintmark.dialect import catalogue, load_dialect, read_request, write_error
from mintmark.dialect.request import LARGEST_BODY, LONGEST_QUERY
from mintmark.values.errors import OAuthError
from mintmark.values.secret import Secret
from mintmark.wire.http import Headers, HttpRequest

DIALECTS = catalogue()
FORM = (b"content-type", b"application/x-www-form-urlencoded")
JSON = (b"content-type", b"application/json")
ATTACKS: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "attacks.toml").read_text(encoding="utf-8")
)["attack"]
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")


def basic(user: str, password: str) -> tuple[bytes, bytes]:
    return b"authorization", b"Basic " + b64encode(f"{user}:{password}".encode())


def post(body: bytes, *headers: tuple[bytes, bytes], query: bytes = b"") -> HttpRequest:
    return HttpRequest("POST", "/any", query, headers, body)


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack["name"] for attack in ATTACKS])
def test_refuses(attack: dict[str, Any]) -> None:
    dialect = DIALECTS.get(attack["dialect"])
    pairs = [header.partition(": ") for header in attack.get("headers", [])]
    headers: Headers = tuple((name.lower().encode(), value.encode()) for name, _, value in pairs)
    request = HttpRequest(
        attack.get("method", "POST"),
        dialect.path,
        attack.get("query", "").encode(),
        headers,
        attack.get("body", "").encode(),
    )
    with pytest.raises(OAuthError) as caught:
        read_request(dialect, request)
    error = caught.value
    assert (error.code, error.status) == (attack["error"], attack.get("status", 400))
    assert attack.get("says", "") in error.description
    assert attack.get("reason", error.reason) == error.reason
    assert DESCRIPTION.fullmatch(error.description)
    assert "hunter2" not in f"{error}{error!r}{error.detail}"
    assert b"hunter2" not in write_error(dialect, error, "realm").body


def test_refuses_a_body_or_query_beyond_its_limit() -> None:
    dialect = DIALECTS.get("standard")
    start = b"grant_type=client_credentials&client_id=a&client_secret=b&"
    fitting = start + b"&" * (LARGEST_BODY - len(start))
    with pytest.raises(OAuthError, match="more than"):
        read_request(dialect, post(fitting, FORM))
    for request in (post(fitting + b"&", FORM), post(start, FORM, query=b"x" * (LONGEST_QUERY + 1))):
        with pytest.raises(OAuthError) as caught:
            read_request(dialect, request)
        assert caught.value.status == 413


def test_a_browser_form_names_its_character_set() -> None:
    kind = (b"content-type", b"application/x-www-form-urlencoded;charset=UTF-8")
    body = b"grant_type=client_credentials&client_id=c&client_secret=s&username=u%40x&password=p&scope=*"
    read = read_request(DIALECTS.get("omneo"), post(body, kind))
    assert (read.username, read.password, read.scope) == ("u@x", Secret("p"), "*")


def test_a_customer_id_is_text_or_a_whole_number() -> None:
    dialect = DIALECTS.get("omneo-shopify")
    for written in (b'"5940192837"', b"5940192837"):
        read = read_request(dialect, post(b'{"id":' + written + b',"signature":"ab"}', JSON))
        assert (read.subject, read.signature) == ("5940192837", Secret("ab"))
        assert read.grant_type == "signed_subject"


def test_the_content_type_picks_the_form_at_fyma() -> None:
    dialect = DIALECTS.get("fyma")
    form = b"grant_type=client_credentials&audience=a&client_id=c&client_secret=s"
    tree = b'{"grant_type":"client_credentials","audience":"a","client_id":"c","client_secret":"s"}'
    assert read_request(dialect, post(form, FORM)) == read_request(dialect, post(tree, JSON))


def test_an_authorization_header_picks_the_form_at_oleria() -> None:
    dialect = DIALECTS.get("oleria")
    in_body = read_request(
        dialect, post(b"grant_type=client_credentials&client_id=c&client_secret=s&scope=x", FORM)
    )
    in_header = read_request(dialect, post(b"grant_type=client_credentials&scope=x", FORM, basic("c", "s")))
    assert in_body == in_header


def test_an_empty_body_has_no_content_type_worth_reading_at_omnissa() -> None:
    dialect = DIALECTS.get("omnissa")
    for headers in ((), (FORM,), (JSON,)):
        request = post(b"", *headers, basic("a@b", "s"), query=b"grant_type=client_credentials")
        assert read_request(dialect, request).client_id == "a@b"
    read = read_request(dialect, post(b"grant_type=client_credentials", FORM, basic("a@b", "s")))
    assert read.client_id == "a@b"


def test_raw_basic_is_never_decoded() -> None:
    read = read_request(
        DIALECTS.get("omnissa"), post(b"", basic("a%40b+c", "s%2Bt"), query=b"grant_type=client_credentials")
    )
    assert (read.client_id, read.client_secret, read.other_reading) == ("a%40b+c", Secret("s%2Bt"), None)


@pytest.mark.parametrize(
    ("user", "password", "first", "other"),
    [
        ("id", "secret", ("id", "secret"), None),
        ("a%40b", "s", ("a@b", "s"), ("a%40b", "s")),
        ("id", "s+t", ("id", "s t"), ("id", "s+t")),
        ("id", "100%", ("id", "100%"), None),
    ],
)
def test_the_rfc_mount_reads_basic_both_ways(
    user: str, password: str, first: tuple[str, str], other: tuple[str, str] | None
) -> None:
    request = post(b"grant_type=client_credentials", FORM, basic(user, password))
    read = read_request(DIALECTS.get("standard"), request)
    assert (read.client_id, read.client_secret) == (first[0], Secret(first[1]))
    assert read.other_reading == (None if other is None else (other[0], Secret(other[1])))


def test_an_equal_client_id_may_stand_beside_basic() -> None:
    dialect = DIALECTS.get("standard")
    for user, again in (("id", b"id"), ("a%40b", b"a%40b"), ("a+b", b"a%2Bb")):
        request = post(b"grant_type=client_credentials&client_id=" + again, FORM, basic(user, "s"))
        assert read_request(dialect, request).client_secret == Secret("s")


def test_unknown_parameters_are_ignored_and_empty_ones_are_absent() -> None:
    body = b"grant_type=client_credentials&client_id=c&client_secret=s&scope=&audience=&foo=bar"
    read = read_request(DIALECTS.get("standard"), post(body, FORM, query=b"utm=1"))
    assert (read.scope, read.audience, dict(read.parameters)) == (None, (), {})


def test_resources_may_be_repeated_and_join_the_audience() -> None:
    body = b"grant_type=client_credentials&client_id=c&client_secret=s"
    body += b"&resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb"
    dialect = DIALECTS.get("standard")
    assert read_request(dialect, post(body, FORM)).audience == ("https://a", "https://b")
    assert read_request(dialect, post(body + b"&audience=one+two", FORM)).audience[0] == "one two"
    assert read_request(dialect, post(body + b"&resource=", FORM)).audience == ("https://a", "https://b")


KEY = """
name = "key"
title = "Key"
path = "/t"
[[forms]]
encoding = "none"
headers = { Authorization = "Token ${client_secret}" }
[response.body]
t = "${access_token}"
"""


def test_a_vendors_own_scheme_word_is_read_in_any_case_and_its_absence_is_401() -> None:
    dialect = load_dialect(KEY, "key.toml")
    for word in (b"Token", b"token", b"TOKEN"):
        read = read_request(dialect, post(b"", (b"authorization", word + b" aBc")))
        assert read.client_secret == Secret("aBc")
    with pytest.raises(OAuthError) as caught:
        read_request(dialect, post(b""))
    assert (caught.value.code, caught.value.status) == ("invalid_client", 401)
    with pytest.raises(OAuthError, match="not of its form"):
        read_request(dialect, post(b"", (b"authorization", b"Bearer aBc")))


def test_a_name_is_captured_from_query_and_body_only_if_both_agree() -> None:
    text = KEY.replace('encoding = "none"', 'query = { i = "${username}" }\nbody = { u = "${username}" }')
    dialect = load_dialect(text, "key.toml")
    header = (b"authorization", b"Token s")
    assert read_request(dialect, post(b"u=me", FORM, header, query=b"i=me")).username == "me"
    with pytest.raises(OAuthError, match="two places"):
        read_request(dialect, post(b"u=me", FORM, header, query=b"i=you"))
    with pytest.raises(OAuthError, match="beside an Authorization header"):
        read_request(dialect, post(b"u=me&client_secret=x", FORM, header))


RARE = """
name = "rare"
title = "Rare"
path = "/t"
method = "PUT"
grant_type = "client_credentials"
[[forms]]
encoding = "json"
content_type = "application/vnd.rare+json"
headers = { X-Tenant = "t-${tenant}", X-Version = "2" }
cookies = { sid = "${client_secret}" }
basic = { user = "${client_id}", password = "", codec = "raw" }
may_repeat = { id = "client_id" }
[forms.body]
kinds = ["a", 1]
flag = true
nested = { deep = { name = "${username}", n = "${count:integer}" }, scopes = "${scope:list}" }
items = ["${subject}"]
[parameters.tenant]
required = true
[parameters.count]
[parameters.subject]
required = false
[parameters.username]
only = "root"
[parameters.scope]
only = "one"
[response.body]
t = "${access_token}"
"""


def rare(body: bytes, *headers: tuple[bytes, bytes]) -> HttpRequest:
    defaults = {
        b"content-type": b"application/vnd.rare+json",
        b"authorization": b"Basic aWQ6",
        b"x-tenant": b"t-acme",
        b"cookie": b"sid=s",
    }
    return HttpRequest("PUT", "/t", b"", tuple((defaults | dict(headers)).items()), body)


BODY = (
    b'{"kinds":["a",1],"flag":true,"nested":{"deep":{"name":"root","n":5},"scopes":["one"]},"items":["me"]}'
)


def test_reads_nested_bodies_headers_and_cookies() -> None:
    read = read_request(load_dialect(RARE, "rare.toml"), rare(BODY))
    assert (read.client_id, read.client_secret, read.username) == ("id", Secret("s"), "root")
    assert (read.subject, read.scope, dict(read.parameters)) == (
        "me",
        "one",
        {"tenant": "acme", "count": "5"},
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"a",1', b'"a",2', "kinds"),
        (b'"a",1', b'"a"', "fixed length"),
        (b'"kinds":["a",1],', b"", "kinds"),
        (b'"flag":true', b'"flag":1', "flag"),
        (b'"n":5', b'"n":"5"', "nested.deep.n must be a whole number"),
        (b'{"deep"', b'{"deep":1,"x"', "JSON object"),
        (b'["me"]', b'"me"', "array"),
        (b'["one"]', b'["o ne"]', "array of text"),
        (b'["one"]', b'"one"', "array of text"),
        (b'"root"', b'"user"', "nested.deep.name is not what it must be"),
        (b'"flag"', b'"id":7,"flag"', "two places"),
    ],
)
def test_refuses_nested_bodies_that_differ(old: bytes, new: bytes, says: str) -> None:
    assert old in BODY
    with pytest.raises(OAuthError, match=says):
        read_request(load_dialect(RARE, "rare.toml"), rare(BODY.replace(old, new)))


OMNEO_SHOPIFY, OMNISSA = catalogue().get("omneo-shopify"), catalogue().get("omnissa")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"signature":"ab"}', "id is required."),
        (b'{"id":[1],"signature":"ab"}', "id must be"),
        (b'{"id":"a\\u0001b","signature":"ab"}', "id holds control characters."),
    ],
)
def test_a_sentence_names_the_field_that_the_vendor_has(body: bytes, says: str) -> None:
    with pytest.raises(OAuthError) as caught:
        read_request(OMNEO_SHOPIFY, post(body, (b"content-type", b"application/json")))
    assert caught.value.description.startswith(says)


@pytest.mark.parametrize(
    ("headers", "says", "reason"),
    [
        (
            (),
            "client_secret must not stand in the body of this request; it belongs in the Authorization header.",
            "misplaced_parameter",
        ),
        (
            ((b"authorization", b"Basic aWQ6cw=="),),
            "client_secret must not stand in the body beside an Authorization header.",
            "two_authentications",
        ),
    ],
)
def test_a_secret_in_the_body_is_said_to_be_beside_a_header_only_if_there_is_one(
    headers: tuple[tuple[bytes, bytes], ...], says: str, reason: str
) -> None:
    with pytest.raises(OAuthError) as caught:
        read_request(OMNISSA, post(b"grant_type=client_credentials&client_secret=s", FORM, *headers))
    assert (caught.value.description, caught.value.reason) == (says, reason)


def test_refuses_another_scope_than_the_only_one() -> None:
    with pytest.raises(OAuthError) as caught:
        read_request(load_dialect(RARE, "rare.toml"), rare(BODY.replace(b'["one"]', b'["two"]')))
    assert caught.value.code == "invalid_scope"


def test_refuses_headers_that_differ() -> None:
    dialect = load_dialect(RARE, "rare.toml")
    with pytest.raises(OAuthError, match="not of its form"):
        read_request(dialect, rare(BODY, (b"x-tenant", b"acme")))
    with pytest.raises(OAuthError, match="tenant is required"):
        read_request(dialect, rare(BODY, (b"x-tenant", b"")))
    repeated = rare(BODY)
    doubled = HttpRequest("PUT", "/t", b"", (*repeated.headers, (b"x-tenant", b"t-other")), BODY)
    with pytest.raises(OAuthError, match="X-Tenant is repeated"):
        read_request(dialect, doubled)
    with pytest.raises(OAuthError, match="client_secret is required"):
        read_request(dialect, rare(BODY, (b"cookie", b"other=1")))


XML = """
name = "soap"
title = "Soap"
path = "/t"
grant_type = "user_login"
[[forms]]
encoding = "xml"
body = "<login> <user>${username}</user> <pass>${password}</pass> </login>"
[[forms]]
encoding = "text"
body = "login ${username} ${password}"
[[forms]]
encoding = "form"
body = { u = "${username}", p = "${password}", op = "login", tag = "v-${version}" }
[parameters.version]
[response]
encoding = "xml"
body = "<token>${access_token}</token>"
"""


def test_reads_xml_and_text_by_template() -> None:
    dialect = load_dialect(XML, "soap.toml")
    xml = (b"content-type", b"text/xml; charset=utf-8")
    read = read_request(dialect, post(b"<login>\n<user>a&amp;b</user>\n <pass>&lt;p&gt;</pass></login>", xml))
    assert (read.username, read.password) == ("a&b", Secret("<p>"))
    text = (b"content-type", b"text/plain")
    read = read_request(dialect, post(b"login me my pass", text))
    assert (read.username, read.password) == ("me", Secret("my pass"))
    for body, kind in ((b"<login/>", xml), (b"logout me now", text), (b"\xff", text)):
        with pytest.raises(OAuthError):
            read_request(dialect, post(body, kind))


def test_reads_forms_with_fixed_and_mixed_members() -> None:
    dialect = load_dialect(XML, "soap.toml")
    read = read_request(dialect, post(b"u=a&p=b&op=login&tag=v-2", FORM))
    assert (read.username, dict(read.parameters)) == ("a", {"version": "2"})
    for body, says in (
        (b"u=a&p=b", "op is missing"),
        (b"u=a&p=b&op=login&tag=2", "version"),
        (b"client_secret=x", "body"),
    ):
        with pytest.raises(OAuthError, match=says):
            read_request(dialect, post(body, FORM))
