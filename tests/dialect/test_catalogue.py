"""The shelf of vendors: found by name, read on demand, each with its page and an example that holds."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mintmark.dialect import (
    Catalogue,
    Dialect,
    DialectFault,
    catalogue,
    explain,
    load_dialect,
    load_table,
    prove,
)
from mintmark.dialect.address import variables_of
from mintmark.dialect.catalogue import built_in, shipped, vendors
from mintmark.dialect.template import Place, Text, places

NAMES = sorted(vendors())
PAGE = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text(encoding="utf-8")


@pytest.fixture(params=NAMES, scope="module")
def vendor(request: pytest.FixtureRequest) -> Dialect:
    return shipped(request.param)


def test_every_form_has_an_example_and_all_hold(vendor: Dialect) -> None:
    assert {example.form for example in vendor.examples} == {form.name for form in vendor.forms}
    assert list(prove(vendor)) == []
    assert vendor.path in explain(vendor)


def test_the_vendors_page_is_named_and_its_examples_are_sent_to_its_path(vendor: Dialect) -> None:
    assert vendor.documentation.startswith("https://")
    assert all(path in example.sends for example in vendor.examples for path in [vendor.path])


@pytest.mark.parametrize("dialect", list(catalogue()), ids=lambda dialect: dialect.name)
def test_every_built_in_dialect_says_which_page_it_was_read_from(dialect: Dialect) -> None:
    assert dialect.page
    assert dialect.page in explain(dialect)


def row(dialect: Dialect) -> str:
    """The vendor's line of docs/catalogue.md."""
    form = dialect.forms[0]
    inner = {
        p.name
        for function in dialect.functions.values()
        for n in function.arguments.values()
        for p in places(n)
    }
    given = [
        name
        for name in ("client_id", "client_secret", "username", "password", "scope", "audience", *form.further)
        if name in (form.names | inner) - dialect.functions.keys()
        and dialect.parameters[name].required
        and dialect.parameters[name].only is None
    ]
    given += [name for name in variables_of(dialect.url) if name not in given]
    wire = "".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in parts_of(dialect))
    return (
        f"| `{dialect.name}` | [{dialect.title}]({dialect.documentation}) | `{wire}` | "
        f"{', '.join(f'`{name}`' for name in given)} |"
    )


def parts_of(dialect: Dialect) -> tuple[str | Place, ...]:
    if isinstance(dialect.url, Text):
        return dialect.url.parts
    return (dialect.url,) if isinstance(dialect.url, Place) else (str(dialect.url.value),)  # type: ignore[union-attr]


def test_the_page_of_the_catalogue_lists_exactly_what_is_shipped() -> None:
    told = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert told == [row(shipped(name)) for name in NAMES]


class Unread:
    """A shelf whose files must not be read."""

    name = "vendor.toml"

    def read_text(self, encoding: str | None = None) -> str:
        raise AssertionError("a vendor's file was read though nobody asked for it")


def test_a_vendor_is_read_only_when_it_is_asked_for() -> None:
    known = Catalogue(built_in(), {"twitch": Unread()})  # type: ignore[dict-item]
    assert "twitch" in known
    assert "twitch" in known.names()
    assert len(known) == len(list(known)) == len(built_in())
    assert known.source("twitch") == "vendors/vendor.toml"
    with pytest.raises(AssertionError, match="nobody asked"):
        known.get("twitch")


def test_a_vendor_once_read_is_kept_and_iterating_stays_as_it_was() -> None:
    known = catalogue()
    assert known.get("twitch") is known.get("twitch")
    assert "twitch" not in {dialect.name for dialect in known}
    assert (
        {dialect.name for dialect in known.everything()}
        == set(known.names())
        == {d.name for d in known} | set(NAMES)
    )


def test_an_operators_dialect_goes_before_a_vendors_of_the_same_name() -> None:
    text = vendors()["twitch"].read_text(encoding="utf-8").replace("Twitch (app access token)", "Ours")
    known = catalogue([("ours.toml", text)])
    assert known.get("twitch").title == "Ours"
    assert known.source("twitch") == "ours.toml"
    assert [dialect.title for dialect in known.everything()].count("Ours") == 1


@pytest.mark.parametrize(
    "name", ["../standard", "vendors/twitch", "/etc/passwd", "twitch.toml", "", "TWITCH", "\x00"]
)
def test_only_a_name_of_the_catalogue_reaches_a_file(name: str) -> None:
    assert name not in catalogue()
    for get in (shipped, catalogue().get):
        with pytest.raises(KeyError, match="there is no dialect"):
            get(name)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(KeyError, match="did you mean 'salesforce'"):
        shipped("sales-force")
    with pytest.raises(KeyError, match=rf"{len(NAMES)} more vendors"):
        catalogue().get("nope")


def test_a_shipped_name_needs_one_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("mintmark.dialect.catalogue")
    read: list[str] = []
    load = module.load_dialect
    monkeypatch.setattr(
        module, "load_dialect", lambda text, source: (read.append(source), load(text, source))[1]
    )
    assert [shipped(name).name for name in ("omnissa", "sabre")] == ["omnissa", "sabre"]
    assert read == ["omnissa.toml", "sabre.toml"]


def test_a_vendors_file_that_is_damaged_names_itself() -> None:
    class Damaged(Unread):
        def read_text(self, encoding: str | None = None) -> str:
            return 'name = "x"\nnonsense = 1\n'

    with pytest.raises(DialectFault, match=r"^vendors/vendor\.toml:2: "):
        Catalogue([], {"x": Damaged()}).get("x")  # type: ignore[dict-item]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_a_vendor_that_is_not_listed_takes_at_most_ten_lines_or_the_same_in_python() -> None:
    (text,) = blocks("toml")
    assert len(text.splitlines()) <= 10
    names: dict[str, Any] = {}
    exec(blocks("python")[1], names)
    in_python = names["northwind"].obtains.profile.dialect
    assert repr(in_python) == repr(load_dialect(text, "northwind.toml"))
    assert in_python.forms == load_table(tomllib.loads(text), "northwind").forms


def test_the_sources_of_the_page_can_be_made() -> None:
    names: dict[str, Any] = {}
    exec(blocks("python")[0], names)
    made = {name for name, value in names.items() if hasattr(value, "atoken")}
    assert made == {"test_environment", "where_you_are_told", "with_a_version"}
