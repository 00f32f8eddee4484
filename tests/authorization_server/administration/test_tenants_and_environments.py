"""Tenants, environments and their mounts: what may stand together, what ends, and what an operator is told."""

from __future__ import annotations

from typing import Any

import pytest

from mintmark.authorization_server.administration import clients, environments, mounts, tenants
from mintmark.values.tenancy import Environment, HostAlias, Mount
from tests.authorization_server.administration.conftest import ENVIRONMENT, NOW, House


def create(house: House, **options: Any) -> Environment:
    given = {"tenant": "acme", "name": "staging", "issuer": "https://staging.acme.example"}
    return house.do(environments.create, **{**given, "dialects": house.dialects, **options})


def test_a_tenant_is_created_listed_renamed_and_deleted(house: House) -> None:
    tenant = house.do(tenants.create, handle="acme", name="Acme", daily_token_limit=100)
    assert (tenant.handle, tenant.daily_token_limit, tenant.created_at) == ("acme", 100, NOW)
    assert house.see(tenants.listing) == [tenant]
    assert house.do(tenants.change, "acme", name="Acme Ltd").name == "Acme Ltd"
    assert house.see(tenants.show, "acme").name == "Acme Ltd"
    house.do(tenants.delete, "acme")
    assert house.see(tenants.listing) == []
    assert [event.kind for event in house.events()] == [
        "admin.tenant.create",
        "admin.tenant.change",
        "admin.tenant.delete",
    ]
    assert {event.subject for event in house.events()} == {"tenant:acme"}


@pytest.mark.parametrize("handle", ["", "a", "Acme", "1acme", "acme-", "ac me", "x" * 41, "acme\n", "ümlaut"])
def test_a_handle_is_a_dns_label(house: House, handle: str) -> None:
    house.refuses("invalid", tenants.create, handle=handle, name="Acme")


def test_a_taken_handle_is_refused(acme: House) -> None:
    assert "'acme'" in acme.refuses("conflict", tenants.create, handle="acme", name="Again")


def test_enabling_a_tenant_enables_nothing_below_it(acme: House, client: clients.NewClient) -> None:
    acme.do(environments.disable, ENVIRONMENT)
    acme.do(clients.disable, ENVIRONMENT, client.client.client_id)
    acme.do(tenants.disable, "acme")
    assert acme.do(tenants.enable, "acme").enabled
    assert not acme.see(environments.show, ENVIRONMENT).enabled
    assert not acme.see(clients.show, ENVIRONMENT, client.client.client_id).enabled
    assert acme.do(environments.enable, ENVIRONMENT).enabled
    assert not acme.see(clients.show, ENVIRONMENT, client.client.client_id).enabled


def test_an_environment_has_what_it_was_given(acme: House) -> None:
    made = create(
        acme,
        hosts=[HostAlias("api.acme.mintmark.localhost:8080", "api")],
        live_secrets=2,
        overlap=0,
        variables={"org_id": "538f"},
    )
    assert made == acme.see(environments.show, "acme/staging")
    assert made.hosts == (HostAlias("api.acme.mintmark.localhost:8080", "api"),)
    assert [each.id for each in acme.see(environments.listing)] == [ENVIRONMENT, "acme/staging"]
    assert acme.see(environments.listing, "acme") == acme.see(environments.listing)
    assert acme.events()[-1].detail == "https://staging.acme.example"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"name": "Production"}, "name of the environment"),
        ({"issuer": "http://acme.example"}, "https"),
        ({"issuer": "https://acme.example/"}, "slash"),
        ({"issuer": "https://acme.example?x=1"}, "query"),
        ({"issuer": "https://acme.example?"}, "query"),
        ({"issuer": "https://acme.example#"}, "fragment"),
        ({"issuer": "https://user@acme.example"}, "user name"),
        ({"issuer": "https://acme.example/ä"}, "https"),
        ({"issuer": "https://acme .example"}, "https"),
        ({"issuer": "https://"}, "https"),
        ({"issuer": "https://[::1"}, "https"),
        ({"issuer": "https://acme.example:99999"}, "https"),
        ({"issuer": "ftp://acme.example"}, "https"),
        ({"hosts": [HostAlias("UPPER.example", "api")]}, "host alias"),
        ({"hosts": [HostAlias("a..example", "api")]}, "host alias"),
        ({"hosts": [HostAlias("acme.example", "boss")]}, "role"),
        ({"client_id_template": "{tenant}"}, "{id}"),
        ({"client_id_template": "{id}{id}"}, "{id}"),
        ({"client_id_template": "{id}:x"}, "{id}"),
        ({"client_id_template": "{id}" + "x" * 200}, "{id}"),
        ({"live_secrets": 0}, "live secrets"),
        ({"live_secrets": 21}, "live secrets"),
        ({"overlap": -1}, "overlap"),
        ({"rate_limit": 0}, "rate limit"),
        ({"variables": {"org_id": "a\nb"}}, "variable"),
        ({"variables": {"": "x"}}, "variable"),
        ({"mounts": [Mount("/a", "standard"), Mount("/a", "fyma")]}, "twice"),
        ({"mounts": [Mount("/revoke", "standard")]}, "itself"),
        ({"mounts": [Mount("oauth", "standard")]}, "slash"),
        ({"mounts": [Mount("/oauth/", "standard")]}, "slash"),
        ({"mounts": [Mount("/../oauth", "standard")]}, "dot"),
        ({"mounts": [Mount("/.well-known/x", "standard")]}, "dot"),
        ({"mounts": [Mount("/a%2fb", "standard")]}, "segments"),
        ({"mounts": [Mount("/a", "standard", roles=())]}, "roles"),
        ({"mounts": [Mount("/a", "standard", roles=("boss",))]}, "roles"),
        ({"mounts": [Mount("/a", "omneo-shopify", origins=("https://shop.example/x",))]}, "path"),
        ({"mounts": [Mount("/a", "omneo-shopify", origins=("*",))]}, "origin"),
        ({"mounts": [Mount("/a", "standard", origins=("https://shop.example",))]}, "browser"),
        ({"mounts": [Mount("/a", "omnissa")]}, "base64"),
        ({"mounts": [Mount("/a", "omnissa")], "client_id_template": "{id}@{tenant}.data.example"}, "shorter"),
    ],
)
def test_an_environment_that_cannot_work_is_refused(acme: House, options: dict[str, Any], word: str) -> None:
    given = {"tenant": "acme", "name": "staging", "issuer": "https://staging.acme.example"}
    assert word in acme.refuses(
        "invalid", environments.create, **{**given, "dialects": acme.dialects, **options}
    )


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:8080/t/acme/staging", "http://x.localhost", "http://[::1]:80/a"]
)
def test_an_issuer_on_loopback_may_be_plain_http(acme: House, issuer: str) -> None:
    assert create(acme, issuer=issuer).issuer == issuer


def test_a_tenant_with_a_long_handle_cannot_have_raw_basic_ids_that_wrap(acme: House) -> None:
    """`{id}@{tenant}`: 8 + 1 + 7 is the most, as id, colon and secret stay within 57 bytes."""
    for handle, fits in [("omnissa", True), ("omnissas", False)]:
        acme.do(tenants.create, handle=handle, name=handle)
        options = {
            "tenant": handle,
            "issuer": f"https://{handle}.example",
            "mounts": [Mount("/oauth/token", "omnissa")],
            "client_id_template": "{id}@{tenant}",
        }
        if fits:
            create(acme, **options)
        else:
            sentence = acme.refuses(
                "invalid", environments.create, **{"name": "staging", "dialects": acme.dialects, **options}
            )
            assert "17 characters" in sentence


def test_a_long_template_is_refused_before_a_client_gets_such_an_id(acme: House) -> None:
    create(acme, client_id_template="{id}@{tenant}.data.example")
    assert "shorter" in acme.refuses("invalid", clients.create, environment="acme/staging", name="Report")


def test_unknown_tenants_and_dialects_are_named(acme: House) -> None:
    given = {"name": "staging", "issuer": "https://staging.acme.example", "dialects": acme.dialects}
    assert "'nobody'" in acme.refuses("not_found", environments.create, tenant="nobody", **given)
    sentence = acme.refuses(
        "not_found", environments.create, tenant="acme", mounts=[Mount("/a", "klingon")], **given
    )
    assert "'klingon'" in sentence
    assert "standard" in sentence


def test_an_issuer_or_host_belongs_to_one_environment(acme: House) -> None:
    given = {"tenant": "acme", "name": "staging", "dialects": acme.dialects}
    acme.refuses("conflict", environments.create, issuer="https://auth.acme.example", **given)
    acme.do(environments.change, ENVIRONMENT, hosts=[HostAlias("a.example", "api")], dialects=acme.dialects)
    acme.refuses(
        "conflict",
        environments.create,
        issuer="https://other.example",
        hosts=[HostAlias("a.example", "api")],
        **given,
    )
    create(acme, hosts=[HostAlias("b.example", "api")])
    acme.refuses(
        "conflict",
        environments.change,
        "acme/staging",
        hosts=[HostAlias("a.example", "api")],
        dialects=acme.dialects,
    )


def test_a_change_replaces_what_is_given_only(acme: House) -> None:
    changed = acme.do(
        environments.change,
        ENVIRONMENT,
        dialects=acme.dialects,
        live_secrets=2,
        overlap=60,
        rate_limit=10,
        client_id_template="x-{id}",
        variables={"a": "b"},
    )
    assert changed.mounts == (Mount("/oauth/token", "standard", slow_secrets=True),)
    assert (changed.live_secrets, changed.overlap, changed.rate_limit) == (2, 60, 10)
    assert acme.events()[-1].detail == "client_id_template, live_secrets, overlap, rate_limit, variables"


def test_deleting_an_environment_takes_all_of_it(acme: House, client: clients.NewClient) -> None:
    acme.do(environments.delete, ENVIRONMENT)
    assert acme.see(environments.listing) == []
    acme.refuses("not_found", environments.delete, ENVIRONMENT)
    acme.refuses("not_found", clients.delete, ENVIRONMENT, client.client.client_id)


def test_a_mount_is_added_and_removed(acme: House) -> None:
    acme.do(mounts.add, ENVIRONMENT, Mount("/v1/oauth:token", "omnilab"), dialects=acme.dialects)
    event = acme.events()[-1]
    assert (event.kind, event.mount, event.dialect) == ("admin.mount.add", "/v1/oauth:token", "omnilab")
    same = Mount("/v1/oauth:token", "fyma")
    acme.refuses("conflict", mounts.add, ENVIRONMENT, same, dialects=acme.dialects)
    acme.refuses("invalid", mounts.add, ENVIRONMENT, Mount("/b", "fyma", ends_at=NOW), dialects=acme.dialects)
    acme.do(mounts.remove, ENVIRONMENT, "/v1/oauth:token")
    assert [mount.path for mount in acme.see(environments.show, ENVIRONMENT).mounts] == ["/oauth/token"]
    acme.refuses("not_found", mounts.remove, ENVIRONMENT, "/v1/oauth:token")


def test_a_mount_is_changed(acme: House) -> None:
    acme.do(
        mounts.change,
        ENVIRONMENT,
        "/oauth/token",
        dialects=acme.dialects,
        slow_secrets=False,
        roles=["auth"],
    )
    assert acme.see(environments.show, ENVIRONMENT).mounts == (
        Mount("/oauth/token", "standard", roles=("auth",)),
    )
    acme.refuses(
        "invalid",
        mounts.change,
        ENVIRONMENT,
        "/oauth/token",
        dialects=acme.dialects,
        origins=["https://shop.example"],
    )


def test_a_mount_ends_on_a_date_that_can_be_taken_back_while_it_is_ahead(acme: House) -> None:
    def end(ends_at: int | None) -> Environment:
        return acme.do(mounts.end, ENVIRONMENT, "/oauth/token", ends_at=ends_at)

    assert end(NOW + 10).mounts[0].ends_at == NOW + 10
    assert end(None).mounts[0].ends_at is None
    acme.refuses("invalid", mounts.end, ENVIRONMENT, "/oauth/token", ends_at=NOW - 1)
    end(NOW + 10)
    acme.later(9)
    end(NOW + 10)
    acme.later(1)
    assert "ended already" in acme.refuses("conflict", mounts.end, ENVIRONMENT, "/oauth/token", ends_at=None)


def test_a_listing_of_mounts_says_who_uses_each(acme: House) -> None:
    acme.do(mounts.add, ENVIRONMENT, Mount("/a", "fyma"), dialects=acme.dialects)
    uses = {"/oauth/token": [mounts.Use("nightly", 3, float(NOW))]}
    found = acme.see(mounts.listing, ENVIRONMENT, lambda mount: uses.get(mount.path, []))
    assert [(entry.mount.path, [use.client_id for use in entry.uses]) for entry in found] == [
        ("/a", []),
        ("/oauth/token", ["nightly"]),
    ]


def test_origins_are_for_dialects_without_a_client_secret(acme: House) -> None:
    mount = Mount("/shopify/token", "omneo-shopify", origins=("https://shop.example",))
    acme.do(mounts.add, ENVIRONMENT, mount, dialects=acme.dialects)
    assert mount in acme.see(environments.show, ENVIRONMENT).mounts
