"""`mintmark apply`: what a file says is made so, once, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.end_to_end.conftest import Demo, serving
from tests.end_to_end.server import PATIENCE, mintmark

API = "https://api.umbra.example"
HOUSE = """
[[tenants]]
handle = "umbra"
name = "Umbra"
daily_token_limit = 100

[[environments]]
environment = "umbra/production"
mounts = { "/oauth/token" = "standard" }
rate_limit = 300

[[apis]]
environment = "umbra/production"
audience = "https://api.umbra.example"
name = "Orders"
scopes = { "orders:read" = "Reading orders", "orders:write" = "Changing orders" }

[[clients]]
environment = "umbra/production"
name = "nightly export"
allowed = { "https://api.umbra.example" = ["orders:read"] }

[[machine_users]]
environment = "umbra/production"
username = "robot@umbra.example"
scopes = ["orders:read"]

[[people]]
username = "ada@umbra"
role = "admin"
tenant = "umbra"
"""


class Keeper:
    """Applies files to an installation, in place or through its server."""

    def __init__(self, folder: Path, *place: object, **environment: str) -> None:
        self.file = folder / "house.toml"
        self.place, self.environment = place, environment

    def apply(self, text: str, *more: str) -> Any:
        self.file.write_text(text)
        return mintmark("apply", self.file, *self.place, *more, env=self.environment)

    def answer(self, text: str, *more: str) -> Any:
        done = self.apply(text, "--json", "--yes", *more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    directory = tmp_path / "here"
    done = mintmark("init", "--directory", directory, "--non-interactive")
    assert done.returncode == 0, done.stderr
    return Keeper(tmp_path, "--config", directory / "mintmark.toml")


def signs(rows: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(row["sign"], row["what"].split()[0]) for row in rows]


def test_everything_is_made_once_and_each_secret_is_shown_once(keeper: Keeper) -> None:
    planned = keeper.answer(HOUSE, "--plan")
    assert [sign for sign, _ in signs(planned)] == ["+"] * 6
    made = keeper.answer(HOUSE)
    assert [row["what"].split()[0] for row in made] == ["client", "machine"]
    assert all(len(row["secret"]) > 20 for row in made)
    again = keeper.apply(HOUSE, "--yes")
    assert again.returncode == 0
    assert "Nothing to do: 6 as the file has them." in again.stderr
    assert not any(row["secret"] in again.stdout + again.stderr for row in made)


def test_only_what_differs_is_changed_and_said(keeper: Keeper) -> None:
    keeper.answer(HOUSE)
    other = (
        HOUSE.replace("rate_limit = 300", "rate_limit = 200")
        .replace('= ["orders:read"] }', '= ["orders:write", "orders:read"] }')
        .replace("daily_token_limit = 100", "daily_token_limit = 0")
        .replace('"/oauth/token" = "standard"', '"/login/token" = "standard"')
    )
    planned = keeper.answer(other, "--plan")
    assert [(row["sign"], row["changes"]) for row in planned] == [
        ("~", ["daily_token_limit: 100 -> none"]),
        ("~", ["rate_limit: 300 -> 200"]),
        ("+", []),
        ("-", []),
        (
            "~",
            [f"allowed: {{{API}: orders:read}} -> {{{API}: orders:write orders:read}}"],
        ),
    ]
    assert keeper.answer(other) == {"applied": 5, "unchanged": 3}
    assert keeper.answer(other, "--plan") == []
    reordered = other.replace('["orders:write", "orders:read"]', '["orders:read", "orders:write"]')
    assert keeper.answer(reordered, "--plan") == []


def test_what_the_file_does_not_name_is_left_alone(keeper: Keeper) -> None:
    keeper.answer(HOUSE)
    assert keeper.answer('[[tenants]]\nhandle = "umbra"\n', "--plan") == []
    smaller = HOUSE.partition("[[machine_users]]")[0]
    assert keeper.answer(smaller, "--plan") == []


def test_objects_are_disabled_and_enabled(keeper: Keeper) -> None:
    keeper.answer(HOUSE)
    off = HOUSE.replace('name = "nightly export"', 'name = "nightly export"\nenabled = false')
    assert keeper.answer(off, "--plan")[0]["changes"] == ["enabled: True -> False"]
    keeper.answer(off)
    assert keeper.answer(off, "--plan") == []
    keeper.answer(off.replace("enabled = false", "enabled = true"))


def test_nothing_is_done_without_a_yes(keeper: Keeper) -> None:
    done = keeper.apply(HOUSE)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert [sign for sign, _ in signs(keeper.answer(HOUSE, "--plan"))] == ["+"] * 6


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("[[clients]]", "[[client]]"), "There is no table [[client]]; there are: apis, clients"),
        (("rate_limit = 300", "rate_limits = 300"), "there is no field rate_limits; did you mean rate_limit."),
        (("rate_limit = 300", 'rate_limit = "300"'), "environments[1].rate_limit must be a number."),
        (('scopes = ["orders:read"]', 'scopes = "orders:read"'), "machine_users[1].scopes must be a list of texts."),
        (('name = "nightly export"', ""), "clients[1]: say its name."),
        (('role = "admin"', ""), "is new: say its role."),
        (('username = "ada@umbra"', 'username = "ada@umbra"\npassword = "x"'), "there is no field password."),
        (('handle = "umbra"', "handle = "), "it is not TOML"),
        (('[[people]]', '[[tenants]]\nhandle = "umbra"\n[[people]]'), "tenants[2]: umbra stands twice."),
    ],
)  # fmt: skip
def test_a_faulty_file_is_one_sentence_with_the_place_and_changes_nothing(
    keeper: Keeper, change: tuple[str, str], sentence: str
) -> None:
    done = keeper.apply(HOUSE.replace(*change), "--yes")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().split("\n")) == 1
    assert [sign for sign, _ in signs(keeper.answer(HOUSE, "--plan"))] == ["+"] * 6


def test_what_cannot_be_changed_is_refused_before_anything_is_done(keeper: Keeper) -> None:
    keeper.answer(HOUSE)
    for before, after, word in (
        ('name = "Orders"', 'name = "Orders"\nalgorithm = "RS256"', "algorithm cannot be changed"),
        ('"/oauth/token" = "standard"', '"/oauth/token" = "oleria"', "speaks standard"),
    ):
        done = keeper.apply(HOUSE.replace(before, after).replace("Umbra", "Changed"), "--yes")
        assert (done.returncode, word in done.stderr) == (2, True), done.stderr
    assert keeper.answer(HOUSE, "--plan") == []


def test_a_step_that_fails_says_how_far_it_came_and_the_next_time_goes_on(keeper: Keeper) -> None:
    wrong = HOUSE.replace(
        'allowed = { "https://api.umbra.example" = ["orders:read"] }',
        'allowed = { "https://nowhere.example" = ["x"] }',
    )
    done = keeper.apply(wrong, "--yes")
    assert done.returncode == 1
    assert "3 steps are done, 3 are not" in done.stderr
    assert [sign for sign, _ in signs(keeper.answer(HOUSE, "--plan"))] == ["+"] * 3
    keeper.answer(HOUSE)


def test_a_running_server_is_kept_the_same_way_and_what_was_made_works(demo: Demo, tmp_path: Path) -> None:
    operators = json.loads((demo.directory / "operators.json").read_text())
    keeper = Keeper(
        tmp_path,
        *("--server", demo.url),
        MINTMARK_CLIENT_ID=operators["client_id"],
        MINTMARK_CLIENT_SECRET=operators["client_secret"],
    )
    made = keeper.answer(HOUSE)
    client = made[0]
    token = httpx2.post(
        f"{demo.url}/t/umbra/production/oauth/token",
        auth=(client["id"], client["secret"]),
        data={"grant_type": "client_credentials"},
        timeout=PATIENCE,
    )
    assert token.status_code == 200
    assert keeper.answer(HOUSE, "--plan") == []


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with serving(tmp_path / "here") as served:
        done = mintmark("apply", tmp_path / "absent.toml", "--config", served.directory / "mintmark.toml")
    assert done.returncode == 2
    assert "cannot be read" in done.stderr
