"""Clients: made with ids by the template, imported under their own, changed, disabled, deleted."""

from __future__ import annotations

import re

import pytest

from mintmark.authorization_server.administration import (
    Act,
    api_tokens,
    client_secrets,
    clients,
    environments,
    identifiers,
    imported_secrets,
    tenants,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.crypto.secret_hash import check_secret, verify_password
from mintmark.values.credential import SecretVersion
from mintmark.values.secret import Secret, shape_of
from mintmark.values.tenancy import Mount
from tests.authorization_server.administration.conftest import AUDIENCE, ENVIRONMENT, SECRET_KEY, House

NIGHTLY = {"environment": ENVIRONMENT, "name": "Nightly"}


def imported(house: House, client_id: str, **options: object) -> clients.NewClient:
    return house.do(
        clients.import_client,
        environment=ENVIRONMENT,
        client_id=client_id,
        digest="$argon2id$",
        name="Moved",
        **options,
    )


def test_a_client_gets_an_id_and_a_first_secret_that_is_kept_as_a_keyed_hash(acme: House) -> None:
    new = acme.do(clients.create, **NIGHTLY, allowed={AUDIENCE: ["orders:read"]}, label="first")
    assert re.fullmatch("[a-z0-9]{20}", new.client.client_id)
    assert new.secret is not None
    text = new.secret.reveal()
    shape = shape_of(text)
    assert shape is not None
    assert (shape.prefix, shape.version_id) == ("mms", new.version.id)
    stored = acme.see(lambda tx: tx.get(SecretVersion, ENVIRONMENT, new.client.client_id, new.version.id))
    assert stored == new.version
    assert check_secret(SECRET_KEY, text, stored.digest)
    assert text not in repr(stored)
    assert text not in repr(new)


def test_every_act_names_its_actor_and_object_in_the_audit_trail_and_no_secret(acme: House) -> None:
    new = acme.do(clients.create, **NIGHTLY)
    created, added = acme.events()[-2:]
    assert (created.kind, added.kind) == ("admin.client.create", "admin.secret.add")
    for event in (created, added):
        assert (event.outcome, event.actor, event.request_id, event.peer) == (
            "done",
            "tester",
            "request-1",
            "192.0.2.9",
        )
        assert (event.environment, event.client_id) == (ENVIRONMENT, new.client.client_id)
        assert new.secret is not None
        assert new.secret.reveal() not in repr(event)
    assert added.credential_id == new.version.id


def test_an_act_shows_no_key(acme: House) -> None:
    assert "kkkk" not in repr(acme.act)
    assert repr(acme.act).startswith("Act(now=")


def test_ids_follow_the_template_and_stay_on_one_line_of_base64(acme: House) -> None:
    acme.do(tenants.create, handle="omnissa", name="Omnissa")
    acme.do(
        environments.create,
        tenant="omnissa",
        name="production",
        issuer="https://auth.omnissa.example",
        mounts=[Mount("/oauth/token", "omnissa")],
        client_id_template="{id}@{tenant}",
        dialects=acme.dialects,
    )
    new = acme.do(
        clients.create, environment="omnissa/production", name="reportscript", kind="service_account"
    )
    assert re.fullmatch("[a-z0-9]{8}@omnissa", new.client.client_id)
    assert new.secret is not None
    assert len(f"{new.client.client_id}:{new.secret.reveal()}") <= 57


def test_a_taken_id_is_made_anew(acme: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(["same", "same", "other"])
    monkeypatch.setattr(identifiers, "client_id", lambda *_: next(made))
    assert acme.do(clients.create, **NIGHTLY).client.client_id == "same"
    assert acme.do(clients.create, **NIGHTLY).client.client_id == "other"


def test_randomness_that_repeats_itself_is_refused(acme: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identifiers, "client_id", lambda *_: "same")
    acme.do(clients.create, **NIGHTLY)
    assert "randomness" in acme.refuses("conflict", clients.create, **NIGHTLY)


@pytest.mark.parametrize(
    ("options", "kind", "word"),
    [
        ({"name": ""}, "invalid", "name"),
        ({"name": "two\nlines"}, "invalid", "name"),
        ({"name": " padded"}, "invalid", "name"),
        ({"name": "x" * 201}, "invalid", "200"),
        ({"kind": "robot"}, "invalid", "service_account"),
        ({"daily_token_limit": 0}, "invalid", "daily token limit"),
        ({"rate_limit": -1}, "invalid", "rate limit"),
        ({"allowed": {"https://nowhere.example": []}}, "not_found", "no API"),
        ({"allowed": {AUDIENCE: ["orders:burn"]}}, "invalid", "'orders:burn'"),
        ({"allowed": {AUDIENCE: ["two words"]}}, "invalid", "one of them"),
        ({"environment": "acme/staging"}, "not_found", "acme/staging"),
        ({"environment": "acme"}, "not_found", "tenant/name"),
        ({"label": "a\tb"}, "invalid", "label"),
        ({"expires_at": 1_800_000_000}, "invalid", "future"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    acme: House, options: dict[str, object], kind: str, word: str
) -> None:
    assert word in acme.refuses(kind, clients.create, **{**NIGHTLY, **options})
    assert acme.see(clients.listing, ENVIRONMENT) == []


def test_an_imported_client_keeps_its_id_and_secret(acme: House) -> None:
    digest = imported_secrets.digest(acme.act, Secret("hunter2 & more"))
    new = acme.do(
        clients.import_client,
        environment=ENVIRONMENT,
        client_id="old id/7%20x",
        digest=digest,
        name="Moved",
        allowed={AUDIENCE: ["orders:read"]},
    )
    assert new.secret is None
    assert new.client.imported
    assert new.version.hash_kind == "argon2id"
    assert verify_password(new.version.digest, "hunter2 & more")
    assert [event.kind for event in acme.events()[-2:]] == ["admin.client.import", "admin.secret.import"]


@pytest.mark.parametrize("secret", ["", "ünicode", "tab\t", "x" * 1025])
def test_an_imported_secret_is_printable_ascii(acme: House, secret: str) -> None:
    with pytest.raises(clients.AdministrationFault) as caught:
        imported_secrets.digest(acme.act, Secret(secret))
    assert secret == "" or secret not in str(caught.value)


def test_an_imported_secret_of_our_own_format_is_refused_because_it_could_never_match(
    acme: House, client: clients.NewClient
) -> None:
    assert client.secret is not None
    with pytest.raises(clients.AdministrationFault, match="format") as caught:
        imported_secrets.digest(acme.act, client.secret)
    assert client.secret.reveal() not in str(caught.value)


@pytest.mark.parametrize("client_id", ["", "ünicode", "x" * 256, "line\nbreak"])
def test_an_imported_id_is_printable_ascii(acme: House, client_id: str) -> None:
    acme.refuses(
        "invalid",
        clients.import_client,
        environment=ENVIRONMENT,
        client_id=client_id,
        digest="d",
        name="Moved",
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("app@acme", "app%40acme"),
        ("app%40acme", "app@acme"),
        ("a+b", "a b"),
        ("a%20b", "a+b"),
        ("same", "same"),
        ("%2541", "%41"),
    ],
)
def test_an_import_that_reads_like_another_client_is_refused(acme: House, first: str, second: str) -> None:
    imported(acme, first)
    sentence = acme.refuses(
        "conflict", clients.import_client, environment=ENVIRONMENT, client_id=second, digest="d", name="Moved"
    )
    assert first in sentence


def test_imports_that_merely_resemble_each_other_stand_side_by_side(acme: House) -> None:
    for client_id in ("a+b", "a-b", "100%", "%ff", "%fe"):
        imported(acme, client_id)
    assert len(acme.see(clients.listing, ENVIRONMENT)) == 5


def test_changing_a_client_changes_what_is_given_only(acme: House, client: clients.NewClient) -> None:
    changed = acme.do(
        clients.change,
        ENVIRONMENT,
        client.client.client_id,
        allowed={AUDIENCE: ["orders:write", "orders:write"]},
        rate_limit=30,
    )
    assert changed.client_name == "Nightly"
    assert changed.allowed == {AUDIENCE: ("orders:write",)}
    assert changed.rate_limit == 30
    assert acme.events()[-1].detail == "allowed, rate_limit"
    again = acme.do(
        clients.change, ENVIRONMENT, client.client.client_id, name="Daily", needs_user=True, rate_limit=0
    )
    assert (again.client_name, again.needs_user, again.rate_limit) == ("Daily", True, None)
    assert acme.see(clients.show, ENVIRONMENT, client.client.client_id) == again


def test_a_change_to_unknown_scopes_is_refused(acme: House, client: clients.NewClient) -> None:
    acme.refuses(
        "invalid", clients.change, ENVIRONMENT, client.client.client_id, allowed={AUDIENCE: ["nothing"]}
    )


def test_disabling_and_enabling_a_client_touch_nothing_else(acme: House, client: clients.NewClient) -> None:
    client_id = client.client.client_id
    assert not acme.do(clients.disable, ENVIRONMENT, client_id).enabled
    assert acme.events()[-1].kind == "admin.client.disable"
    acme.do(client_secrets.add, environment=ENVIRONMENT, client_id=client_id)
    acme.do(clients.change, ENVIRONMENT, client_id, name="Still disabled")
    assert not acme.see(clients.show, ENVIRONMENT, client_id).enabled
    assert acme.do(clients.enable, ENVIRONMENT, client_id).enabled
    assert acme.events()[-1].kind == "admin.client.enable"


def test_deleting_a_client_takes_its_secrets_with_it(acme: House, client: clients.NewClient) -> None:
    client_id = client.client.client_id
    acme.do(clients.delete, ENVIRONMENT, client_id)
    assert acme.see(lambda tx: tx.find(SecretVersion, environment=ENVIRONMENT)) == []
    assert "no client" in acme.refuses("not_found", clients.delete, ENVIRONMENT, client_id)


@pytest.mark.parametrize(
    "disable", [lambda h: h.do(tenants.disable, "acme"), lambda h: h.do(environments.disable, ENVIRONMENT)]
)
def test_no_credential_is_made_under_a_disabled_tenant_or_environment(
    acme: House, client: clients.NewClient, disable: object
) -> None:
    disable(acme)  # type: ignore[operator]
    for function, options in [
        (clients.create, NIGHTLY),
        (clients.import_client, {**NIGHTLY, "client_id": "old", "digest": "d"}),
        (client_secrets.add, {"environment": ENVIRONMENT, "client_id": client.client.client_id}),
        (api_tokens.create, {"environment": ENVIRONMENT, "audience": AUDIENCE, "scopes": ["orders:read"]}),
    ]:
        assert "disabled" in acme.refuses("conflict", function, **options)


def test_an_act_and_its_audit_event_are_one_transaction(acme: House) -> None:
    class Stop(Exception):
        pass

    def work(tx: Transaction) -> None:
        clients.create(tx, acme.act, **NIGHTLY)
        raise Stop

    before = acme.events()
    with pytest.raises(Stop):
        acme.write(work)
    assert acme.events() == before
    assert acme.see(clients.listing, ENVIRONMENT) == []


def test_an_act_without_a_request_has_no_reference() -> None:
    act = Act(
        now=1,
        actor="x",
        entropy=bytes,
        secret_key=b"",
        seal=lambda plain, context: "",
        hash_password=lambda text: "",
    )
    assert (act.request_id, act.peer) == ("", "")
