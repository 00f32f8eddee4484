"""Credentials that need attention: a second before and after the end is near, and the last use far."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mintmark.authorization_server.administration import (
    api_tokens,
    attention,
    client_secrets,
    clients,
    legacy_tokens,
    signature_keys,
)
from tests.authorization_server.administration.conftest import AUDIENCE, ENVIRONMENT, NOW, House, furnish


@pytest.fixture(autouse=True)
def acme(house: House) -> None:
    furnish(house)


def found(house: House, now: int) -> list[tuple[str, str, str]]:
    listed = house.see(attention.listing, [ENVIRONMENT], now)
    return [(each.why, each.kind, each.name) for each in listed]


@pytest.mark.parametrize(("before", "named"), [(1, False), (0, False), (-1, True)])
def test_an_end_is_near_within_two_weeks(house: House, before: int, named: bool) -> None:
    ends_at = NOW + attention.SOON + before
    house.do(clients.create, environment=ENVIRONMENT, name="export", expires_at=ends_at)
    assert (("ends", "secret", "export") in found(house, NOW)) is named


@pytest.mark.parametrize(("after", "named"), [(-1, False), (0, False), (1, True)])
def test_no_use_is_long_after_ninety_days(house: House, after: int, named: bool) -> None:
    house.do(clients.create, environment=ENVIRONMENT, name="export")
    assert (("unused", "secret", "export") in found(house, NOW + attention.LONG + after)) is named


def test_what_is_over_needs_nothing(house: House) -> None:
    made = house.do(clients.create, environment=ENVIRONMENT, name="export", expires_at=NOW + 60)
    assert found(house, NOW + 60) == []
    house.do(
        client_secrets.revoke,
        environment=ENVIRONMENT,
        client_id=made.client.client_id,
        secret_id=made.version.id,
    )
    assert found(house, NOW) == []


def test_an_overlap_that_ends_is_an_end(house: House) -> None:
    made = house.do(clients.create, environment=ENVIRONMENT, name="export")
    house.do(client_secrets.add, environment=ENVIRONMENT, client_id=made.client.client_id, overlap=86400)
    (only,) = house.see(attention.listing, [ENVIRONMENT], NOW)
    assert (only.credential_id, only.ends_at) == (made.version.id, NOW + 86400)


def test_every_kind_of_credential_is_looked_at(house: House) -> None:
    common = {"environment": ENVIRONMENT, "audience": AUDIENCE, "expires_at": NOW + 60}
    house.do(api_tokens.create, scopes=("orders:read",), label="token", **common)
    house.do(signature_keys.create, scopes=("orders:read",), label="key", **common)
    house.do(legacy_tokens.import_token, token_id="old", digest="d", scopes=(), label="", **common)
    assert sorted(found(house, NOW)) == [
        ("ends", "api_token", "token"),
        ("ends", "legacy_token", "old"),
        ("ends", "signature_key", "key"),
    ]


def test_other_environments_are_not_looked_at(house: House) -> None:
    act = replace(house.act, now=NOW)
    house.write(
        lambda tx: clients.create(tx, act, environment=ENVIRONMENT, name="export", expires_at=NOW + 60)
    )
    assert house.see(attention.listing, [], NOW) == []
    assert house.see(attention.listing, ["acme/elsewhere"], NOW) == []
