"""A dialect file that is wrong is refused with one sentence, its file and its line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from mintmark.dialect import Catalogue, DialectFault, catalogue, check_dialect, load_dialect, prove
from mintmark.dialect.catalogue import built_in
from mintmark.dialect.lines import Lines
from mintmark.dialect.model import Function

SOUND = """name = "sound"
title = "Sound"
path = "/token"

[[forms]]
encoding = "form"
headers = { X-Version = "2" }
[forms.body]
grant_type = "${grant_type}"
id = "${client_id}"
secret = "${client_secret}"

[response.body]
token = "${access_token}"
left = "${expires_in}"

"""
FAULTS: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "faults.toml").read_text(encoding="utf-8")
)["fault"]


def test_the_sound_file_is_sound() -> None:
    dialect = load_dialect(SOUND, "sound.toml")
    assert (dialect.name, dialect.method, dialect.admits_cors, dialect.challenge) == (
        "sound",
        "POST",
        False,
        "ClientCredentials",
    )
    assert dialect.form("form") is dialect.form(0) is dialect.forms[0]
    with pytest.raises(KeyError):
        dialect.form("other")


@pytest.mark.parametrize("fault", FAULTS, ids=[fault["name"] for fault in FAULTS])
def test_refuses(fault: dict[str, Any]) -> None:
    text = SOUND
    if "replace" in fault:
        assert fault["replace"] in text
        text = text.replace(fault["replace"], fault["by"])
    if "add" in fault:
        added = fault["add"].replace("\\n", "\n")
        text = f"{added}\n{text}" if fault.get("top") else text + added
    with pytest.raises(DialectFault) as caught:
        load_dialect(text, "acme.toml")
    assert fault["says"] in caught.value.sentence
    assert caught.value.line == fault["line"]
    place = f"acme.toml:{fault['line']}: " if fault["line"] else "acme.toml: "
    assert str(caught.value).startswith(place)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("deep", ["x = " + "[" * 5000, "[forms.body]\na" + ".a" * 3000 + " = 1"])
def test_a_file_nested_without_end_is_refused(deep: str) -> None:
    text = 'name = "deep"\ntitle = "Deep"\npath = "/t"\n'
    with pytest.raises(DialectFault):
        load_dialect(
            text + (deep if deep.startswith("x") else "[[forms]]\nencoding = 'json'\n" + deep), "deep.toml"
        )


def test_a_secret_of_a_vendors_own_keeps_browsers_out() -> None:
    text = SOUND.replace('secret = "${client_secret}"', 'key = "${key}"') + "[parameters.key]\n"
    assert load_dialect(text, "x").admits_cors
    assert not load_dialect(text + "secret = true\n", "x").admits_cors


def test_the_same_secret_in_the_query_may_be_declared() -> None:
    text = "secret_in_query = true\n" + SOUND.replace(
        'encoding = "form"', 'query = { s = "${client_secret}" }'
    )
    assert load_dialect(text, "x").secret_in_query


def test_limits_and_functions_are_kept_as_declared() -> None:
    text = SOUND + (
        "[limits]\nlifetime = 60\nidle = 30\nrenew_before = 5\nreissue = 'replace'\nlive = 15\n"
        "[[limits.quotas]]\nmost = 10\nper = 'hour'\n[functions.sig]\ncall = 'hmac'\nkey = '${client_secret}'\n"
        "[parameters.scope]\ndelimiter = ','\ndescription = 'what for'\n"
    )
    dialect = load_dialect(text, "x")
    assert (dialect.limits.lifetime, dialect.limits.idle, dialect.limits.renew_before) == (60, 30, 5)
    assert (dialect.limits.reissue, dialect.limits.live, dialect.limits.quotas[0].most) == ("replace", 15, 10)
    assert isinstance(dialect.functions["sig"], Function) and dialect.scope_delimiter == ","


def test_an_operators_dialects_join_the_built_in_ones() -> None:
    known = catalogue([("sound.toml", SOUND)])
    assert "sound" in known and len(known) == len(built_in()) + 1
    assert known.get("sound").title == "Sound"
    assert known.source("sound") == "sound.toml"
    assert known.source("standard") == "standard.toml"
    with pytest.raises(KeyError, match="there is no dialect 'nope'; known are fyma"):
        known.get("nope")


def test_a_name_is_taken_once() -> None:
    with pytest.raises(DialectFault, match=r"b\.toml:1: the name 'sound' is taken by a\.toml"):
        Catalogue([("a.toml", SOUND), ("b.toml", SOUND)])
    with pytest.raises(DialectFault, match=r"taken by standard\.toml"):
        catalogue([("mine.toml", SOUND.replace('"sound"', '"standard"'))])


def test_lines_are_found_in_every_way_to_write_toml() -> None:
    text = (
        'a = 1\nb.c = 2\n["d e"]\nx = """\ny = 3\n"""\nz = \'\'\'one\'\'\'\n[[f]]\ng = 1\n[f.h]\ni = 1\n[[f]]\ng = 2\n'
        "[f.h]\ni = 2\n'q' = {r = 1}\n"
    )
    lines = Lines(text)
    assert [lines.at(path) for path in (("a",), ("b", "c"), ("d e", "x"), ("d e", "z"))] == [1, 2, 4, 7]
    assert [lines.at(("f", index, "h", "i")) for index in (0, 1)] == [11, 15]
    assert lines.at(("d e", "y")) == 3
    assert lines.at(("f", 1, "h", "q", "r")) == 16
    assert lines.at(("nowhere",)) == 0


EXAMPLE = """
[[examples]]
variables = { token_url = "https://vendor.example/token" }
request = { client_id = "a", client_secret = "b" }
issued_at = 1000
response = { access_token = "t", expires_at = 1060 }
sends = '''
POST /token
Content-Type: application/x-www-form-urlencoded
X-Version: 2

grant_type=client_credentials&id=a&secret=b'''
answers = '''
200
Content-Type: application/json

{"token":"t","left":60}'''
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("", "", None),
        ("POST /token", "POST /other", "another path"),
        ("id=a&", "id=c&", "not read as the values"),
        ("id=a&", "id=a&more=1&", "not what the values beside it are written as"),
        ("X-Version: 2", "X-Version: 3", "not what the values beside it are written as"),
        ("id=a&", "", "cannot be run"),
        ('"left":60', '"left":61', "its answer is not read"),
        ('"left":60', '"left": 60', None),
        ('{"token":"t","left":60}', '{"left":60,"token":"t"}', "its answer is not what the values"),
        ("200\n", "201\n", "cannot be run"),
        ("/token" + '"', '"', "another path"),
    ],
)
def test_an_example_that_does_not_hold_is_named_with_its_line(old: str, new: str, says: str | None) -> None:
    found = list(prove(load_dialect(SOUND + EXAMPLE.replace(old, new, 1), "x")))
    if says is None:
        assert found == []
    else:
        assert found and any(says in sentence for _, sentence in found)
        assert {line for line, _ in found} == {18}


def test_checking_a_file_runs_its_examples() -> None:
    assert check_dialect(SOUND + EXAMPLE, "x").name == "sound"
    with pytest.raises(DialectFault, match=r"^x:18: the example of the form 'form'"):
        check_dialect(SOUND + EXAMPLE.replace("id=a&", "id=c&", 1), "x")
