"""The policy file, and which paths are looked up in it at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.web.policy import Demand, Denied, PolicyFault, parse_policy, read_path

POLICY = parse_policy("""
max_age = 30

[[route]]
path = "/v1/things"
GET = ["things:read"]
POST = ["things:read", "things:write"]

[[route]]
path = "/health"
GET = "open"

[[route]]
path = "/admin/*"
DELETE = ["admin:delete"]
any = ["admin"]

[[route]]
path = "/v1/*"
any = []
""")


def denied(method: str, target: str) -> str:
    with pytest.raises(Denied) as caught:
        POLICY.demand(method, target)
    return caught.value.reason


@pytest.mark.parametrize(
    ("method", "target", "scopes"),
    [
        ("GET", "/v1/things", ("things:read",)),
        ("GET", "/v1/things?x=/../admin&y=;", ("things:read",)),
        ("GET", "/v1/things/", ("things:read",)),  # most programs serve both, so both need the same
        ("HEAD", "/v1/things", ("things:read",)),
        ("POST", "/v1/things", ("things:read", "things:write")),
        ("GET", "/v1/things/7", ()),
        ("GET", "/v1", ()),
        ("GET", "/v1/a%20b/caf%C3%A9/x:cancel", ()),
        ("GET", "/admin", ("admin",)),
        ("GET", "/admin/", ("admin",)),
        ("PATCH", "/admin/users/1", ("admin",)),
        ("DELETE", "/admin/users/1", ("admin:delete",)),
    ],
)
def test_the_first_route_that_fits_decides(method: str, target: str, scopes: tuple[str, ...]) -> None:
    assert POLICY.demand(method, target) == Demand(scopes)


def test_an_open_route_needs_no_token_for_its_methods_only() -> None:
    assert POLICY.demand("GET", "/health").open
    assert POLICY.demand("HEAD", "/health").open
    assert denied("POST", "/health") == "method_not_admitted"


def test_a_method_that_a_route_does_not_name_falls_to_no_later_route() -> None:
    assert denied("DELETE", "/v1/things") == "method_not_admitted"


@pytest.mark.parametrize("target", ["/", "/v2/things", "/healthy", "/administration", "/v10"])
def test_what_no_route_names_is_denied(target: str) -> None:
    assert denied("GET", target) == "no_route"


@pytest.mark.parametrize("method", ["get", "Get", "", "GET ", "GET,POST", "GET\r\nX: y", "GÉT", "A" * 21])
def test_a_method_that_is_not_one_word_in_capitals_is_denied(method: str) -> None:
    assert denied(method, "/v1/things") == "ambiguous_method"


TRICKS = [
    "",
    "v1/things",
    "*",
    "http://api.example/v1/things",
    "//admin",
    "/v1//things",
    "/v1/things//",
    "/./admin",
    "/v1/.",
    "/v1/..",
    "/v1/../admin",
    "/v1/.../admin",
    "/%2e%2e/admin",
    "/v1/%2E%2e/admin",
    "/v1/.%2e/admin",
    "/v1/..%2fadmin",
    "/v1%2Fthings",
    "/v1/%252e%252e/admin",
    "/v1/%25",
    "/v1/%5c..%5cadmin",
    "/v1\\..\\admin",
    "/v1/things;jsessionid=1",
    "/v1/..;/admin",
    "/admin;",
    "/v1/%3bx",
    "/admin%3fx",
    "/admin%23",
    "/admin#",
    "/admin.",
    "/v1/things./7",
    "/admin%20",
    "/%20admin",
    "/admin%00",
    "/admin%0a",
    "/admin%7f",
    "/admin%09x",
    "/%61dmin",
    "/v1/%74hings",
    "/v1/a%2Db",
    "/v1/%zz",
    "/v1/%4",
    "/v1/%",
    "/v1/%c0%ae%c0%ae/admin",
    "/v1/%ff",
    "/v1/%ed%a0%80",
    "/%ef%bd%81dmin",  # a full-width a
    "/v1/%ef%bc%8fadmin",  # a full-width slash
    "/v1/e%CC%81",  # an e and a combining accent
    "/v1/%e2%80%8bthings",  # a space of no width
    "/v1/%e2%80%aeadmin",  # right to left
    "/v1/caf\xe9",
    "/v1/a b",
    "/v1/a\tb",
    "/v1/things\n",
    '/v1/"x',
    "/v1/<x>",
    "/v1/{x}",
    "/v1/x|y",
    "/v1/x^",
    "/v1/" + "a" * 9000,
    "/V1/things",
    "/ADMIN",
    "/Admin/users",
    "/v1/THINGS",
    "/adm%C4%B1n",  # a dotless i, whose capital is I
    "/Health",
]


@pytest.mark.parametrize("target", TRICKS)
def test_a_path_that_can_be_read_in_two_ways_is_denied(target: str) -> None:
    assert denied("GET", target) == "ambiguous_path"


@given(st.text(alphabet="/.%2eEfF5cC;\\adminv1 \x00é", max_size=20))
def test_a_path_that_is_read_has_one_reading(text: str) -> None:
    try:
        segments = read_path("/" + text)
    except Denied:
        return
    for segment in segments:
        assert segment
        assert not set(segment) & set("/\\;?#%\x00")
        assert not segment.endswith(".")
    assert "//" not in text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no"),
        ("route = 1", "has no"),
        ("[[route", "not TOML"),
        ('colour = "red"', "'colour' means nothing"),
        ("max_age = 301", "max_age is a whole number"),
        ("max_age = -1", "max_age is a whole number"),
        ("max_age = true", "max_age is a whole number"),
        ("[[route]]\nGET = []", "route 1 has no path"),
        ('[[route]]\npath = "/a"', "route 1 names no method"),
        ('[[route]]\npath = "/a"\nget = []', "'get' is no method"),
        ('[[route]]\npath = "/a"\nGET = "free"', "route 1, GET"),
        ('[[route]]\npath = "/a"\nGET = ["two words"]', "route 1, GET"),
        ('[[route]]\npath = "/a"\nGET = [1]', "route 1, GET"),
        ('[[route]]\npath = "/a*"\nGET = []', "no path"),
        ('[[route]]\npath = "/*/a"\nGET = []', "no path"),
        ('[[route]]\npath = "/a?b"\nGET = []', "no path"),
        ('[[route]]\npath = "a"\nGET = []', "can be asked for"),
        ('[[route]]\npath = "/a/../b"\nGET = []', "can be asked for"),
        ('[[route]]\npath = "/a;b"\nGET = []', "can be asked for"),
        ('[[route]]\npath = "/*"\nGET = []\n[[route]]\npath = "/a"\nGET = []', "route 2 is never reached"),
        ('[[route]]\npath = "/a"\nGET = []\n[[route]]\npath = "/a/"\nPOST = []', "route 2 is never reached"),
        (
            '[[route]]\npath = "/a/*"\nGET = []\n[[route]]\npath = "/A/b"\nPOST = []',
            "route 2 is never reached",
        ),
    ],
)
def test_a_policy_that_means_nothing_or_something_else_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(PolicyFault, match=sentence):
        parse_policy(text)


def test_an_exact_route_may_stand_before_the_prefix_of_the_same_path() -> None:
    policy = parse_policy('[[route]]\npath = "/"\nGET = "open"\n[[route]]\npath = "/*"\nany = ["all"]')
    assert policy.demand("GET", "/").open
    assert policy.demand("GET", "/x").scopes == ("all",)
    assert policy.max_age == 0
