"""Machine users, API tokens, legacy tokens, signature keys, quotas, access requests, operators, credentials files."""

from __future__ import annotations

from typing import Any

import pytest

from mintmark.authorization_server.administration import (
    AdministrationFault,
    access_requests,
    api_tokens,
    clients,
    environments,
    imported_secrets,
    legacy_tokens,
    machine_users,
    mounts,
    people,
    quotas,
    service_accounts,
    signature_keys,
)
from mintmark.authorization_server.administration.clients import NewClient
from mintmark.crypto.seal import Seal
from mintmark.crypto.secret_hash import check_secret, verify_password
from mintmark.storage.transaction import SqlTransaction
from mintmark.values.credential import ApiToken, MachineUser
from mintmark.values.secret import Secret, shape_of
from mintmark.values.tenancy import Mount
from tests.authorization_server.administration.conftest import (
    AUDIENCE,
    ENVIRONMENT,
    NOW,
    SEAL_KEY,
    SECRET_KEY,
    House,
)

PLACE: dict[str, Any] = {"environment": ENVIRONMENT, "audience": AUDIENCE, "scopes": ["orders:read"]}


def bot(house: House, **options: Any) -> MachineUser:
    given = {"environment": ENVIRONMENT, "username": "bot@brand.example", "digest": "d"}
    return house.do(machine_users.create, **{**given, **options})


# --- machine users ---------------------------------------------------------------------------------------------------


def test_a_machine_user_is_made_with_the_password_of_its_programs(acme: House) -> None:
    digest = imported_secrets.password_digest(acme.act, Secret("correct horse"))
    user = bot(acme, digest=digest)
    assert verify_password(user.digest, "correct horse")
    assert user.scopes == ("*",)
    assert user == acme.see(machine_users.show, ENVIRONMENT, "bot@brand.example")
    event = acme.events()[-1]
    assert (event.kind, event.user_id, event.subject) == (
        "admin.machine_user.create",
        user.id,
        "bot@brand.example",
    )


def test_a_generated_password_is_long_and_unlike_the_last(acme: House) -> None:
    first, second = imported_secrets.new_password(acme.act), imported_secrets.new_password(acme.act)
    assert len(first.reveal()) == 24
    assert first != second


@pytest.mark.parametrize(
    ("password", "imported", "fine"),
    [
        ("x" * 11, False, False),
        ("x" * 12, False, True),
        ("x", True, True),
        ("", True, False),
        ("x" * 1024, False, True),
        ("x" * 1025, False, False),
        ("tab\tinside the password", False, False),
        ("pässwörter sind erlaubt", False, True),
    ],
)
def test_a_password_has_bounds(acme: House, password: str, imported: bool, fine: bool) -> None:
    if fine:
        assert imported_secrets.password_digest(acme.act, Secret(password), imported=imported)
    else:
        with pytest.raises(AdministrationFault, match="password"):
            imported_secrets.password_digest(acme.act, Secret(password), imported=imported)


def test_an_imported_machine_user_is_marked_so_in_the_audit_trail(acme: House) -> None:
    bot(acme, imported=True)
    assert acme.events()[-1].kind == "admin.machine_user.import"


@pytest.mark.parametrize(
    ("options", "kind", "word"),
    [
        ({"username": ""}, "invalid", "user name"),
        ({"username": "ü" * 128}, "invalid", "255 bytes"),
        ({"username": "a:b", "proxy_login": True, "proxy_audience": AUDIENCE}, "invalid", "colon"),
        ({"scopes": ["two words"]}, "invalid", "6749"),
        ({"proxy_login": True}, "invalid", "audience"),
        ({"proxy_audience": "nothing"}, "not_found", "no API"),
    ],
)
def test_a_machine_user_that_cannot_work_is_refused(
    acme: House, options: dict[str, Any], kind: str, word: str
) -> None:
    given = {"environment": ENVIRONMENT, "username": "bot", "digest": "d", **options}
    assert word in acme.refuses(kind, machine_users.create, **given)


def test_a_user_name_is_taken_once_per_environment(acme: House) -> None:
    bot(acme)
    acme.refuses(
        "conflict", machine_users.create, environment=ENVIRONMENT, username="bot@brand.example", digest="d"
    )


def test_a_new_password_leaves_id_and_rights_as_they_are(acme: House) -> None:
    user = bot(acme, scopes=["orders:read"])
    changed = acme.do(machine_users.change_password, ENVIRONMENT, user.username, digest="new")
    assert (changed.id, changed.scopes, changed.digest) == (user.id, ("orders:read",), "new")
    assert acme.events()[-1].kind == "admin.machine_user.change_password"


def test_a_machine_user_is_changed_disabled_enabled_and_deleted_with_its_tokens(acme: House) -> None:
    name = bot(acme).username
    changed = acme.do(
        machine_users.change,
        ENVIRONMENT,
        name,
        scopes=["orders:read"],
        proxy_login=True,
        proxy_audience=AUDIENCE,
    )
    assert changed == acme.see(machine_users.listing, ENVIRONMENT)[0]
    assert not acme.do(machine_users.disable, ENVIRONMENT, name).enabled
    acme.do(machine_users.change_password, ENVIRONMENT, name, digest="new")
    acme.do(machine_users.change, ENVIRONMENT, name, proxy_login=False)
    assert not acme.see(machine_users.show, ENVIRONMENT, name).enabled
    assert acme.do(machine_users.enable, ENVIRONMENT, name).enabled
    acme.do(api_tokens.create, **PLACE, username=name)
    acme.do(machine_users.delete, ENVIRONMENT, name)
    assert acme.events()[-1].detail == "with 1 API tokens"
    assert acme.see(lambda tx: tx.find(ApiToken, environment=ENVIRONMENT)) == []
    acme.refuses("not_found", machine_users.delete, ENVIRONMENT, name)


# --- API tokens ------------------------------------------------------------------------------------------------------


def test_an_api_token_is_shown_once_and_kept_as_a_keyed_hash(acme: House) -> None:
    new = acme.do(api_tokens.create, **PLACE, label="Loyalty", expires_at=NOW + 10)
    text = new.token.reveal()
    shape = shape_of(text)
    assert shape is not None
    assert (shape.prefix, shape.version_id) == ("mmt", new.record.id)
    assert check_secret(SECRET_KEY, text, new.record.digest)
    (entry,) = acme.see(api_tokens.listing, ENVIRONMENT, NOW + 9)
    assert (entry.state, entry.mask) == ("active", f"mmt{new.record.id}…")
    assert text not in repr(entry)
    assert acme.see(api_tokens.listing, ENVIRONMENT, NOW + 10)[0].state == "expired"


@pytest.mark.parametrize(
    ("options", "kind", "word"),
    [
        ({"scopes": []}, "conflict", "at least one"),
        ({"scopes": ["orders:burn"]}, "invalid", "orders:burn"),
        ({"audience": "nothing"}, "not_found", "no API"),
        ({"username": "nobody"}, "not_found", "nobody"),
        ({"username": "bot@brand.example", "scopes": ["orders:write"]}, "conflict", "may not have"),
        ({"expires_at": NOW}, "invalid", "future"),
    ],
)
def test_an_api_token_holds_no_more_than_it_may(
    acme: House, options: dict[str, Any], kind: str, word: str
) -> None:
    bot(acme, scopes=["orders:read"])
    assert word in acme.refuses(kind, api_tokens.create, **{**PLACE, **options})


def test_an_api_token_for_a_disabled_user_is_refused(acme: House) -> None:
    user = bot(acme)
    assert acme.do(api_tokens.create, **PLACE, username=user.username).record.user_id == user.id
    acme.do(machine_users.disable, ENVIRONMENT, user.username)
    acme.refuses("conflict", api_tokens.create, **PLACE, username=user.username)


def test_revoking_an_api_token_twice_is_as_once(acme: House) -> None:
    token_id = acme.do(api_tokens.create, **PLACE).record.id
    revoked = acme.do(api_tokens.revoke, environment=ENVIRONMENT, token_id=token_id)
    assert revoked.state(NOW) == "revoked"
    events = len(acme.events())
    acme.later(5)
    assert acme.do(api_tokens.revoke, environment=ENVIRONMENT, token_id=token_id) == revoked
    assert len(acme.events()) == events
    acme.refuses("not_found", api_tokens.revoke, environment=ENVIRONMENT, token_id="nope")


def test_tokens_that_clients_obtained_are_not_listed_among_those_of_people(acme: House) -> None:
    issued = ApiToken(ENVIRONMENT, "iss001", "d", AUDIENCE, ("orders:read",), client_id="nightly")
    acme.write(lambda tx: tx.add(issued, now=NOW))
    mine = acme.do(api_tokens.create, **PLACE).record.id
    assert [entry.record.id for entry in acme.see(api_tokens.listing, ENVIRONMENT, NOW)] == [mine]


# --- legacy tokens ---------------------------------------------------------------------------------------------------


def test_a_legacy_token_is_imported_retired_and_revoked(acme: House) -> None:
    record = acme.do(legacy_tokens.import_token, **PLACE, token_id="old-1", digest="d", label="ERP")
    assert record.state(NOW) == "active"
    end = acme.do(legacy_tokens.retire, environment=ENVIRONMENT, token_id="old-1", at=NOW + 10)
    assert end.expires_at == NOW + 10
    acme.refuses("conflict", legacy_tokens.retire, environment=ENVIRONMENT, token_id="old-1", at=NOW + 11)
    (entry,) = acme.see(legacy_tokens.listing, ENVIRONMENT, NOW)
    assert (entry.state, entry.last_used_at) == ("active", None)
    revoked = acme.do(legacy_tokens.revoke, environment=ENVIRONMENT, token_id="old-1")
    events = len(acme.events())
    assert acme.do(legacy_tokens.revoke, environment=ENVIRONMENT, token_id="old-1") == revoked
    assert len(acme.events()) == events
    acme.refuses("conflict", legacy_tokens.retire, environment=ENVIRONMENT, token_id="old-1")
    acme.refuses("not_found", legacy_tokens.revoke, environment=ENVIRONMENT, token_id="nope")


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"token_id": "a:b"}, "invalid"),
        ({"token_id": ""}, "invalid"),
        ({"scopes": ["x"]}, "invalid"),
        ({"token_id": "taken"}, "conflict"),
    ],
)
def test_a_legacy_token_that_cannot_work_is_refused(acme: House, options: dict[str, Any], kind: str) -> None:
    acme.do(legacy_tokens.import_token, **PLACE, token_id="taken", digest="d")
    acme.refuses(kind, legacy_tokens.import_token, **{**PLACE, "token_id": "new", "digest": "d", **options})


# --- signature keys --------------------------------------------------------------------------------------------------


def test_a_signature_key_is_shown_once_and_sealed_for_its_place(acme: House) -> None:
    new = acme.do(signature_keys.create, **PLACE)
    sealed = Seal(SEAL_KEY).unseal(new.record.sealed, f"signature_key:{ENVIRONMENT}/{new.record.id}")
    assert sealed.decode() == new.key.reveal()
    assert new.key.reveal() not in repr(new)


def test_at_most_two_signature_keys_live(acme: House) -> None:
    first = acme.do(signature_keys.create, **PLACE).record.id
    second = acme.do(signature_keys.create, **PLACE).record.id
    acme.refuses("conflict", signature_keys.create, **PLACE)
    acme.do(signature_keys.retire, environment=ENVIRONMENT, key_id=first, at=NOW + 10)
    acme.refuses("conflict", signature_keys.create, **PLACE)
    acme.later(10)
    third = acme.do(signature_keys.create, **PLACE).record.id
    revoked = acme.do(signature_keys.revoke, environment=ENVIRONMENT, key_id=second)
    assert acme.do(signature_keys.revoke, environment=ENVIRONMENT, key_id=second) == revoked
    states = {
        entry.record.id: entry.state for entry in acme.see(signature_keys.listing, ENVIRONMENT, NOW + 10)
    }
    assert states == {first: "expired", second: "revoked", third: "active"}
    acme.refuses("not_found", signature_keys.retire, environment=ENVIRONMENT, key_id="nope")


@pytest.mark.parametrize("lifetime", [0, 3601])
def test_a_storefront_token_lives_an_hour_at_most(acme: House, lifetime: int) -> None:
    acme.refuses("invalid", signature_keys.create, **PLACE, lifetime=lifetime)


def test_last_use_is_shown_for_tokens_and_keys(acme: House, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.do(signature_keys.create, **PLACE)
    acme.do(api_tokens.create, **PLACE)
    acme.do(legacy_tokens.import_token, **PLACE, token_id="old", digest="d")
    monkeypatch.setattr(SqlTransaction, "last_use", lambda *_: (1.0, "192.0.2.1"))
    for listing in (signature_keys.listing, api_tokens.listing, legacy_tokens.listing):
        (entry,) = acme.see(listing, ENVIRONMENT, NOW)
        assert (entry.last_used_at, entry.last_used_from) == (1.0, "192.0.2.1")


# --- quotas ----------------------------------------------------------------------------------------------------------


def test_a_quota_of_a_client_is_set_shown_and_cleared(acme: House, client: NewClient) -> None:
    client_id = client.client.client_id
    assert acme.do(quotas.set_client, ENVIRONMENT, client_id, 50).daily_token_limit == 50
    entry = acme.see(quotas.show_client, ENVIRONMENT, client_id, NOW)
    assert (entry.subject, entry.limit, entry.used) == (f"client:{ENVIRONMENT}/{client_id}", 50, 0)
    assert entry.resets_at % 86400 == 0
    assert NOW < entry.resets_at <= NOW + 86400
    acme.do(quotas.set_client, ENVIRONMENT, client_id, None)
    assert [event.kind for event in acme.events()[-2:]] == ["admin.quota.set", "admin.quota.clear"]
    acme.refuses("invalid", quotas.set_client, ENVIRONMENT, client_id, 0)


def test_a_quota_of_a_tenant_is_set_and_shown_with_what_is_used_today(
    acme: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.do(quotas.set_tenant, "acme", 1000)
    day = NOW // 86400
    monkeypatch.setattr(
        SqlTransaction, "used", lambda self, subject, on: 7 if (subject, on) == ("tenant:acme", day) else 0
    )
    entry = acme.see(quotas.show_tenant, "acme", float(NOW))
    assert (entry.limit, entry.used) == (1000, 7)
    assert acme.do(quotas.set_tenant, "acme", None).daily_token_limit is None


# --- access requests and operators -----------------------------------------------------------------------------------


def ask(house: House, **options: Any) -> str:
    given = {
        "name": "Ada",
        "organization": "Brand",
        "use_case": "Nightly\nexport",
        "contact": "ada@brand.example",
    }
    return house.do(access_requests.ask, **{**given, **options}).id


def test_an_access_request_is_decided_once(house: House) -> None:
    first, second = ask(house), ask(house)
    assert house.do(access_requests.approve, first).state == "approved"
    refused = house.do(access_requests.refuse, second, reason="No contract yet.")
    assert (refused.state, refused.reason, refused.decided_at) == ("refused", "No contract yet.", NOW)
    assert "decision stands" in house.refuses("conflict", access_requests.approve, second)
    house.refuses("conflict", access_requests.refuse, first, reason="Changed our mind.")
    assert [each.id for each in house.see(access_requests.listing, "approved")] == [first]
    assert len(house.see(access_requests.listing)) == 2
    house.refuses("not_found", access_requests.approve, "nope")


@pytest.mark.parametrize(
    "options", [{"name": ""}, {"use_case": ""}, {"use_case": "\x1b[2J"}, {"use_case": "x" * 2001}]
)
def test_an_access_request_holds_plain_text(house: House, options: dict[str, str]) -> None:
    given = {
        "name": "Ada",
        "organization": "Brand",
        "use_case": "Export",
        "contact": "ada@brand.example",
        **options,
    }
    house.refuses("invalid", access_requests.ask, **given)


def test_the_first_operator_is_made_once(house: House) -> None:
    house.do(people.create_first, username="root", digest="d")
    house.refuses("conflict", people.create_first, username="other", digest="d")
    house.refuses("conflict", people.create, username="root", digest="d")
    house.do(people.create, username="other", digest="d")
    assert [operator.username for operator in house.see(people.listing)] == ["other", "root"]


def test_the_last_enabled_operator_is_not_locked_out(house: House) -> None:
    house.do(people.create_first, username="root", digest="d")
    house.refuses("conflict", people.disable, "root")
    house.do(people.create, username="other", digest="d")
    assert not house.do(people.disable, "root").enabled
    house.refuses("conflict", people.disable, "other")
    assert not house.do(people.change_password, "root", digest="new").enabled
    assert house.do(people.enable, "root").enabled
    house.refuses("not_found", people.disable, "nobody")


# --- credentials files -----------------------------------------------------------------------------------------------


def test_a_credentials_file_names_the_token_endpoint_of_its_mount(acme: House, client: NewClient) -> None:
    assert client.secret is not None
    given: dict[str, Any] = {
        "environment": ENVIRONMENT,
        "client_id": client.client.client_id,
        "secret": client.secret,
        "public_url": "https://mint.example",
    }
    file = acme.see(service_accounts.credentials_file, **given)
    assert file.token_endpoint == "https://mint.example/t/acme/production/oauth/token"
    assert (file.dialect, file.name, file.audiences) == ("standard", "Nightly", (AUDIENCE,))
    assert client.secret.reveal() not in repr(file)
    acme.do(mounts.add, ENVIRONMENT, Mount("/json", "omnilab"), dialects=acme.dialects)
    with pytest.raises(AdministrationFault, match=r"2 mounts \(/oauth/token, /json\)"):
        acme.see(service_accounts.credentials_file, **given)
    chosen = acme.see(
        service_accounts.credentials_file,
        **given,
        mount_path="/json",
        token_endpoint="https://auth.acme.example/t",
    )
    assert (chosen.dialect, chosen.token_endpoint) == ("omnilab", "https://auth.acme.example/t")
    with pytest.raises(AdministrationFault, match="no mount"):
        acme.see(service_accounts.credentials_file, **given, mount_path="/nope")


def test_an_environment_without_mounts_has_no_credentials_file(acme: House, client: NewClient) -> None:
    acme.do(mounts.remove, ENVIRONMENT, "/oauth/token")
    with pytest.raises(AdministrationFault, match="0 mounts:"):
        acme.see(
            service_accounts.credentials_file,
            environment=ENVIRONMENT,
            client_id=client.client.client_id,
            secret=Secret("x"),
            public_url="https://mint.example",
        )


def test_clients_and_environments_stay_apart(acme: House, client: NewClient) -> None:
    acme.do(
        environments.create,
        tenant="acme",
        name="staging",
        issuer="https://staging.acme.example",
        dialects=acme.dialects,
    )
    acme.refuses("not_found", clients.disable, "acme/staging", client.client.client_id)
