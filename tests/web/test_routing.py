"""From host and path to an environment: exact, by declared names only."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mintmark.jose.keyring import Keyring, SigningKeyLife
from mintmark.values.tenancy import HostAlias, Mount, SigningKey
from mintmark.web.routing import Misdirected, Routes, same_hosts
from tests.jose.samples import key
from tests.web.world import HOST, NOW, OMNEO, OMNISSA, OWN_HOST, PUBLIC, Known, World, off, view

TOKEN = "/t/omneo/production/api/v3/auth/token"
METADATA = "/.well-known/oauth-authorization-server"


def test_finds_a_mount_by_path_and_by_host_alias() -> None:
    world = World()
    assert world.ask("POST", TOKEN).status == 200
    assert world.ask("POST", "/api/v3/auth/token", host="api.omneo.localhost:8080").status == 200
    assert [asked[1:3] for asked in world.endpoint.asked] == [("omneo/production", "/api/v3/auth/token")] * 2


def test_a_mount_stands_only_on_hosts_of_its_roles() -> None:
    world = World()
    assert world.ask("POST", "/oauth/token", host="auth.omnissa.localhost:8080").status == 200
    assert world.ask("POST", "/oauth/token", host="api.omnissa.localhost:8080").status == 404
    assert world.ask("POST", "/api/v3/auth/token", host="manager.omneo.localhost:8080").status == 404


def test_the_host_is_read_in_any_case() -> None:
    assert World().ask("POST", "/oauth/token", host="Auth.Omnissa.LOCALHOST:8080").status == 200


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_loopback_names_with_the_right_port_mean_the_public_url(host: str) -> None:
    assert World().ask("POST", TOKEN, host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:8081",
        "127.0.0.1:8080.evil.example",
        "localhost:8080@evil.example",
        "api.omneo.localhost",
        "api.omneo.localhost:8081",
        "127.0.0.1:8080,evil.example",
        " 127.0.0.1:8080",
        "auth.omneo.localhost:8080",
    ],
)
def test_an_unknown_host_is_misdirected(host: str) -> None:
    answer = World().ask("POST", TOKEN, host=host)
    assert (answer.status, answer.json["error"]) == (421, "misdirected_request")


def test_a_missing_or_second_host_is_a_bad_request() -> None:
    assert World().ask("POST", TOKEN, host=None).status == 400
    assert World().ask("POST", TOKEN, headers={"host": "api.omneo.localhost:8080"}).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/t",
        "/t/",
        "/t/omneo",
        "/t/omneo/production",
        "/t/omneo/staging/api/v3/auth/token",
        "/t/nobody/production/api/v3/auth/token",
        TOKEN + "/",
        TOKEN.upper(),
        TOKEN.replace("token", "%74oken"),
        TOKEN.replace("/auth", "%2Fauth"),
        TOKEN.replace("/auth", "//auth"),
        TOKEN.replace("/auth", "/./auth"),
        TOKEN.replace("/auth", "/x/../auth"),
        TOKEN.replace("omneo", "omnissa/../omneo"),
        "//t/omneo/production/api/v3/auth/token",
        TOKEN + ";x=y",
        TOKEN + "\\",
        "/api/v3/auth/token",
    ],
)
def test_nothing_is_normalised_into_a_match(path: str) -> None:
    world = World()
    assert world.ask("POST", path).status == 404
    assert world.endpoint.asked == []


def test_the_public_url_may_have_a_path_of_its_own() -> None:
    world = World(OMNEO, public="http://127.0.0.1:8080/tokens")
    assert world.ask("POST", "/tokens" + TOKEN).status == 200
    assert world.ask("POST", TOKEN).status == 404


def test_metadata_stands_where_rfc_8414_section_3_1_puts_it_and_below_the_issuer() -> None:
    world = World()
    issuer = f"{PUBLIC}/t/omneo/production"
    for path in (f"{METADATA}/t/omneo/production", f"/t/omneo/production{METADATA}"):
        answer = world.ask("GET", path)
        assert answer.status == 200
        assert answer.json["issuer"] == issuer
        assert answer.json["jwks_uri"] == f"{issuer}/jwks.json"


@pytest.mark.parametrize("path", [METADATA, "/jwks.json", METADATA + "/t/omneo/production"])
def test_an_alias_has_no_metadata_of_its_own(path: str) -> None:
    assert World().ask("GET", path, host="api.omneo.localhost:8080").status == 404


@pytest.mark.parametrize("path", [METADATA, "/jwks.json"])
def test_an_issuer_with_a_host_of_its_own_has_its_documents_there(path: str) -> None:
    world = World()
    for host in ("id.acme.example", "id.acme.example:443"):
        assert world.ask("GET", path, host=host).status == 200
    assert world.ask("POST", "/oauth/token", host="id.acme.example").status == 200


def test_the_issuer_does_not_depend_on_the_host_that_was_called() -> None:
    world = World()
    told = {
        json.dumps(world.ask("GET", f"/t/omneo/production{METADATA}", host=host).json)
        for host in ("127.0.0.1:8080", "localhost:8080", "[::1]:8080")
    }
    assert len(told) == 1


def test_documents_are_cacheable_and_told_apart_by_etag() -> None:
    world = World()
    first = world.ask("GET", "/t/omneo/production/jwks.json")
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.json == {"keys": []}
    for known in (first.headers["etag"], f'"x", {first.headers["etag"]}', f"W/{first.headers['etag']}", "*"):
        again = world.ask("GET", "/t/omneo/production/jwks.json", headers={"if-none-match": known})
        assert (again.status, again.body) == (304, b"")
    assert world.ask("GET", "/t/omneo/production/jwks.json", headers={"if-none-match": '"x"'}).status == 200
    assert world.ask("POST", "/t/omneo/production/jwks.json").headers["allow"] == "GET, HEAD"


def test_a_key_set_is_of_this_moment_or_is_asked_for_again_soon() -> None:
    world = World()

    async def out_of_reach() -> bool:
        return False

    path = "/t/omneo/production/jwks.json"
    world.app = replace(world.app, settled=out_of_reach)
    doubtful = world.ask("GET", path)
    assert (doubtful.status, doubtful.headers["cache-control"]) == (200, "public, max-age=60")

    async def gone() -> bool:
        world.known.views.pop("omneo/production")
        world.known.generation += 1
        return True

    world.app = replace(world.app, settled=gone)
    assert world.ask("GET", path).status == 404


def signing_key(number: int, published_at: int, removed_at: int | None = None) -> SigningKeyLife:
    private = key("ES256", number)
    public = json.dumps(private.public().jwk())
    times = (published_at, published_at, removed_at, removed_at)
    record = SigningKey("omneo/production", private.kid, "ES256", public, "sealed", *times)
    return SigningKeyLife(record, private)


def test_a_key_set_is_of_the_moment_after_the_look_whatever_its_makers_clock_says() -> None:
    world = World()
    moment = int(NOW)
    fresh, over = signing_key(0, moment + 30), signing_key(1, 0, removed_at=moment + 3)
    world.known.views["omneo/production"] = replace(OMNEO, keyring=Keyring((fresh, over)))
    world.known.generation += 1

    async def look() -> bool:
        nonlocal moment
        moment += 5
        return True

    world.app = replace(world.app, now=lambda: moment, settled=look)
    listed = world.ask("GET", "/t/omneo/production/jwks.json").json["keys"]
    assert [one["kid"] for one in listed] == [fresh.record.kid]


def test_nobody_looks_at_the_database_for_a_key_set_that_is_refused() -> None:
    world = World()

    async def look() -> bool:
        raise AssertionError("it was looked for")

    world.app = replace(world.app, settled=look)
    path = "/t/omneo/production/jwks.json"
    assert world.ask("POST", path).status == 405
    world.known.views["omneo/production"] = off(OMNEO)
    world.known.generation += 1
    assert world.ask("GET", path).status == 404


def test_a_changed_environment_is_found_under_its_new_hosts() -> None:
    known = Known({"omnissa/production": OMNISSA})
    routes = Routes(known, PUBLIC)
    assert routes.find("auth.omnissa.localhost:8080", "/oauth/token") is not None
    moved = view(
        "omnissa",
        "production",
        Mount("/oauth/token", "omnissa", roles=("auth",)),
        hosts=[HostAlias("login.omnissa.example", "auth")],
    )
    known.views = {"omnissa/production": moved}
    known.generation += 1
    assert routes.find("login.omnissa.example", "/oauth/token") is not None
    with pytest.raises(Misdirected):
        routes.find("auth.omnissa.localhost:8080", "/oauth/token")


def test_an_environment_that_is_gone_is_not_found_under_its_alias() -> None:
    known = Known({"omnissa/production": OMNISSA})
    routes = Routes(known, PUBLIC)
    assert routes.find("auth.omnissa.localhost:8080", "/oauth/token") is not None
    known.views = {}
    known.generation += 1
    with pytest.raises(Misdirected):
        routes.find("auth.omnissa.localhost:8080", "/oauth/token")


def test_an_environment_that_goes_while_its_host_is_looked_up_is_not_found() -> None:
    known = Known({"omnissa/production": OMNISSA})
    routes = Routes(known, PUBLIC)
    assert routes.find("auth.omnissa.localhost:8080", "/nothing") is not None
    known.views = {}
    assert routes.find("auth.omnissa.localhost:8080", "/oauth/token") is None


def test_an_alias_never_takes_over_the_public_host() -> None:
    thief = view("thief", "production", Mount("/oauth/token", "standard"), hosts=[HostAlias(HOST, "api")])
    located = Routes(Known({"thief/production": thief, "omneo/production": OMNEO}), PUBLIC).find(HOST, TOKEN)
    assert located is not None
    assert located.view.environment.id == "omneo/production"


def test_hosts_of_a_url_with_and_without_the_port_of_its_scheme() -> None:
    assert same_hosts("https://a.example") == {"a.example", "a.example:443"}
    assert same_hosts("http://a.example:8080") == {"a.example:8080"}
    assert same_hosts("http://[::1]:8080") == {"[::1]:8080"}


def test_own_host_environments_are_reached_by_path_as_well() -> None:
    assert World(OWN_HOST).ask("POST", "/t/acme/production/oauth/token").status == 200
