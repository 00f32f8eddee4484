"""Many clients at once: a page is imported as a whole or not at all, and may be imported again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mintmark.authorization_server.administration import clients, tenants
from mintmark.authorization_server.administration.client_imports import ClientEntry, Importer, Page
from mintmark.crypto.secret_hash import check_secret, dummy_digest
from mintmark.values.client import Client
from mintmark.values.credential import SecretVersion
from tests.authorization_server.administration.conftest import (
    AUDIENCE,
    ENVIRONMENT,
    NOW,
    SCOPES,
    SECRET_KEY,
    House,
)

DIGEST = dummy_digest()


def entry(number: int, **fields: Any) -> ClientEntry:
    values = {"client_id": f"client {number}", "name": f"Client {number}", "digest": DIGEST}
    return ClientEntry(number, **(values | fields))


def imported(house: House, *entries: ClientEntry, importer: Importer | None = None) -> Page:
    return house.do((importer or Importer(ENVIRONMENT)).page, entries)


def ids(house: House) -> list[str]:
    return [client.client_id for client in house.see(clients.listing, ENVIRONMENT)]


def test_an_imported_client_has_what_its_line_says(acme: House) -> None:
    page = imported(
        acme,
        entry(
            1,
            allowed={AUDIENCE: ("orders:read",)},
            protects=(AUDIENCE,),
            needs_user=True,
            daily_token_limit=5,
            rate_limit=6,
            label="old server",
            expires_at=NOW + 60,
        ),
    )
    assert page == Page([("client 1", None)], 0)
    assert acme.see(clients.show, ENVIRONMENT, "client 1") == Client(
        ENVIRONMENT,
        "client 1",
        "Client 1",
        grant_types=clients.GRANT_TYPES,
        allowed={AUDIENCE: ("orders:read",)},
        protects=(AUDIENCE,),
        needs_user=True,
        daily_token_limit=5,
        rate_limit=6,
        imported=True,
        created_at=NOW,
    )
    (version,) = acme.see(lambda tx: tx.find(SecretVersion, environment=ENVIRONMENT))
    assert (version.hash_kind, version.digest, version.label) == ("argon2id", DIGEST, "old server")
    assert version.expires_at == NOW + 60
    event = acme.events()[-1]
    assert (event.kind, event.client_id, event.credential_id, event.actor) == (
        "admin.client.import",
        "client 1",
        version.id,
        "tester",
    )
    assert DIGEST not in str(event)


def test_a_client_without_a_secret_gets_one_of_ours(acme: House) -> None:
    (made,) = imported(acme, entry(1, digest=None)).made
    (version,) = acme.see(lambda tx: tx.find(SecretVersion, environment=ENVIRONMENT))
    assert made.secret is not None
    assert check_secret(SECRET_KEY, made.secret.reveal(), version.digest)
    assert version.id in made.secret.reveal()
    assert made.secret.reveal() not in str(acme.events())


def test_a_star_is_all_scopes_that_the_api_has_now(acme: House) -> None:
    imported(acme, entry(1, allowed={AUDIENCE: ("*",)}))
    assert acme.see(clients.show, ENVIRONMENT, "client 1").allowed == {AUDIENCE: tuple(SCOPES)}


def test_a_page_may_be_imported_again(acme: House) -> None:
    importer = Importer(ENVIRONMENT)
    first = imported(acme, *(entry(number) for number in range(3)), importer=importer)
    again = imported(acme, *(entry(number, name="Else") for number in range(5)), importer=importer)
    assert ([each.client_id for each in first.made], first.present) == (
        ["client 0", "client 1", "client 2"],
        0,
    )
    assert ([each.client_id for each in again.made], again.present) == (["client 3", "client 4"], 3)
    assert acme.see(clients.show, ENVIRONMENT, "client 0").client_name == "Client 0"
    assert imported(acme, *(entry(number) for number in range(5))) == Page([], 5)


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        ({"client_id": ""}, "invalid", "client id"),
        ({"client_id": "é"}, "invalid", "client id"),
        ({"client_id": "client 1"}, "invalid", "twice"),
        ({"name": " "}, "invalid", "name"),
        ({"digest": "plain"}, "invalid", "argon2id"),
        ({"allowed": {AUDIENCE: ("nothing",)}}, "invalid", "no such scope"),
        ({"allowed": {"https://else": ()}}, "not_found", "no API"),
        ({"protects": ("https://else",)}, "not_found", "no API"),
        ({"daily_token_limit": 0}, "invalid", "daily token limit"),
        ({"rate_limit": -1}, "invalid", "rate limit"),
        ({"label": "\n"}, "invalid", "label"),
        ({"expires_at": NOW}, "invalid", "future"),
    ],
)
def test_one_faulty_line_leaves_its_whole_page_out(
    acme: House, wrong: dict[str, Any], kind: str, said: str
) -> None:
    importer = Importer(ENVIRONMENT)
    imported(acme, entry(0), importer=importer)
    sentence = acme.refuses(kind, importer.page, [entry(1), replace(entry(2), **wrong), entry(3)])
    assert sentence.startswith("Line 2: ")
    assert said in sentence
    assert ids(acme) == ["client 0"]
    assert len(imported(acme, entry(1), entry(3), importer=importer).made) == 2


@pytest.mark.parametrize(
    ("first", "second"), [("a+b", "a b"), ("a b", "a%20b"), ("a%2Bb", "a+b"), ("a+b", "a%20b")]
)
def test_an_id_that_reads_like_another_is_refused_on_its_page_on_the_next_and_beside_a_single_import(
    acme: House, first: str, second: str
) -> None:
    importer = Importer(ENVIRONMENT)
    one, other = entry(1, client_id=first), entry(2, client_id=second)
    assert "could be taken for" in acme.refuses("conflict", importer.page, [one, other])
    imported(acme, one, importer=importer)
    assert "could be taken for" in acme.refuses("conflict", importer.page, [other])
    assert "could be taken for" in acme.refuses(
        "conflict", clients.import_client, environment=ENVIRONMENT, client_id=second, digest=DIGEST, name="X"
    )


def test_an_id_that_somebody_else_imported_between_two_pages_is_seen(acme: House) -> None:
    importer = Importer(ENVIRONMENT)
    imported(acme, entry(0), importer=importer)
    acme.do(clients.import_client, environment=ENVIRONMENT, client_id="a+b", digest=DIGEST, name="Single")
    acme.refuses("conflict", importer.page, [entry(1, client_id="a b")])
    assert imported(acme, entry(1, client_id="a+b"), importer=importer).present == 1


def test_nothing_is_imported_for_a_tenant_that_is_disabled(acme: House) -> None:
    acme.do(tenants.disable, "acme")
    acme.refuses("conflict", Importer(ENVIRONMENT).page, [entry(1)])
