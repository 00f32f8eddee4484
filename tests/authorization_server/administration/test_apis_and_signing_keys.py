"""APIs and the keys that sign for them: bounds, rotation without a refused token, withdrawal without a gap."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mintmark.authorization_server.administration import (
    AdministrationFault,
    api_tokens,
    apis,
    clients,
    environments,
    legacy_tokens,
    machine_users,
    signature_keys,
    signing_keys,
)
from mintmark.authorization_server.administration.key_schedule import KeySchedule
from mintmark.crypto.seal import Seal
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.values.tenancy import Api, SigningKey
from tests.authorization_server.administration.conftest import (
    AUDIENCE,
    ENVIRONMENT,
    NOW,
    SCOPES,
    SEAL_KEY,
    House,
)

SCHEDULE = KeySchedule(publish_ahead=100, signs_for=1000)
OTHER = "https://other.acme.example"


def states(house: House, environment: str = ENVIRONMENT) -> dict[str, str]:
    found = house.see(signing_keys.listing, environment, house.act.now)
    return {entry.key.kid: entry.state for entry in found}


def signers(house: House) -> list[str]:
    return [kid for kid, state in states(house).items() if state == "signing"]


def rotate(house: House, **options: Any) -> SigningKey:
    return house.do(
        signing_keys.rotate, environment=ENVIRONMENT, algorithm="ES256", schedule=SCHEDULE, **options
    )


def withdraw(house: House, kid: str, **options: Any) -> SigningKey:
    return house.do(signing_keys.withdraw, environment=ENVIRONMENT, kid=kid, **options)


def test_an_api_comes_with_its_first_signing_key_sealed_for_its_place(acme: House) -> None:
    (kid,) = signers(acme)
    (entry,) = acme.see(signing_keys.listing, ENVIRONMENT, NOW)
    der = Seal(SEAL_KEY).unseal(entry.key.sealed, f"signing_key:{ENVIRONMENT}/{kid}")
    assert PrivateKey.from_der(der, "ES256", kid).public().jwk() == json.loads(entry.key.public)
    assert "signing_key.create" in [event.kind.removeprefix("admin.") for event in acme.events()]


def test_a_second_api_of_an_algorithm_shares_the_key_and_an_opaque_one_needs_none(acme: House) -> None:
    acme.do(apis.create, environment=ENVIRONMENT, audience=OTHER, name="Other")
    acme.do(
        apis.create,
        environment=ENVIRONMENT,
        audience="opaque",
        name="Opaque",
        token_format="opaque",
        algorithm="EdDSA",
    )
    assert len(states(acme)) == 1
    acme.do(apis.change, ENVIRONMENT, "opaque", token_format="jwt")
    assert len(states(acme)) == 2


def test_a_key_can_be_generated_before_the_transaction(acme: House) -> None:
    key = generate("EdDSA")
    acme.do(apis.create, environment=ENVIRONMENT, audience=OTHER, name="Other", algorithm="EdDSA", key=key)
    assert key.kid in states(acme)
    sentence = acme.refuses(
        "invalid",
        apis.create,
        environment=ENVIRONMENT,
        audience="third",
        name="Third",
        algorithm="RS256",
        key=generate("ES256"),
    )
    assert "RS256" in sentence


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"audience": ""}, "audience"),
        ({"audience": "two words"}, "audience"),
        ({"audience": "ünicode"}, "audience"),
        ({"name": ""}, "name"),
        ({"scopes": {"two words": ""}}, "6749"),
        ({"scopes": {'quo"te': ""}}, "6749"),
        ({"scopes": {"a": "line\nbreak"}}, "meaning"),
        ({"token_lifetime": 0}, "lifetime"),
        ({"token_lifetime": 31 * 86400 + 1}, "lifetime"),
        ({"token_format": "paper"}, "format"),
        ({"token_type_header": "jwt"}, "header"),
        ({"algorithm": "none"}, "algorithm"),
        ({"algorithm": "HS256"}, "algorithm"),
        ({"required_scope": "base"}, "required scope"),
        ({"claims": {"sub": "x"}}, "sub"),
        ({"claims": {"mm_cred": "x"}}, "mm_cred"),
        ({"claims": {"a": "\n"}}, "claim"),
    ],
)
def test_an_api_that_cannot_work_is_refused(acme: House, options: dict[str, Any], word: str) -> None:
    given = {"environment": ENVIRONMENT, "audience": OTHER, "name": "Other", **options}
    assert word in acme.refuses("invalid", apis.create, **given)


@pytest.mark.parametrize("lifetime", [1, 31 * 86400])
def test_the_bounds_of_a_lifetime_are_within_it(acme: House, lifetime: int) -> None:
    made = acme.do(
        apis.create, environment=ENVIRONMENT, audience=OTHER, name="Other", token_lifetime=lifetime
    )
    assert made.token_lifetime == lifetime


def test_an_api_is_changed_disabled_and_enabled(acme: House) -> None:
    changed: Api = acme.do(
        apis.change,
        ENVIRONMENT,
        AUDIENCE,
        name="Bookings",
        scopes={"base": "All of it"},
        required_scope="base",
        token_type_header="JWT",
        claims={"org": "1"},
    )
    assert changed == acme.see(apis.show, ENVIRONMENT, AUDIENCE)
    assert (changed.name, changed.required_scope, dict(changed.claims)) == ("Bookings", "base", {"org": "1"})
    assert acme.do(apis.change, ENVIRONMENT, AUDIENCE, required_scope="").required_scope is None
    assert not acme.do(apis.disable, ENVIRONMENT, AUDIENCE).enabled
    assert not acme.do(apis.change, ENVIRONMENT, AUDIENCE, name="Still disabled").enabled
    acme.refuses("conflict", api_tokens.create, environment=ENVIRONMENT, audience=AUDIENCE, scopes=["base"])
    assert acme.do(apis.enable, ENVIRONMENT, AUDIENCE).enabled
    assert acme.see(apis.listing, ENVIRONMENT)[0].enabled
    acme.refuses("conflict", apis.create, environment=ENVIRONMENT, audience=AUDIENCE, name="Again")
    acme.refuses("not_found", apis.change, ENVIRONMENT, "nothing", name="x")


def test_an_api_that_is_in_use_is_not_deleted(acme: House, client: clients.NewClient) -> None:
    """A later API with the same audience would inherit what was allowed for the deleted one."""
    acme.do(
        machine_users.create,
        environment=ENVIRONMENT,
        username="bot",
        digest="d",
        proxy_login=True,
        proxy_audience=AUDIENCE,
    )
    place = {"environment": ENVIRONMENT, "audience": AUDIENCE, "scopes": ["orders:read"]}
    key = acme.do(signature_keys.create, **place).record.id
    token = acme.do(api_tokens.create, **place).record.id
    acme.do(legacy_tokens.import_token, **place, token_id="old", digest="d")
    sentence = acme.refuses("conflict", apis.delete, ENVIRONMENT, AUDIENCE)
    assert f"client {client.client.client_id}, machine user bot, signature key {key} and 2 more" in sentence
    acme.do(clients.change, ENVIRONMENT, client.client.client_id, allowed={})
    acme.do(machine_users.delete, ENVIRONMENT, "bot")
    acme.do(signature_keys.revoke, environment=ENVIRONMENT, key_id=key)
    acme.do(api_tokens.revoke, environment=ENVIRONMENT, token_id=token)
    assert "legacy token old:" in acme.refuses("conflict", apis.delete, ENVIRONMENT, AUDIENCE)
    acme.do(legacy_tokens.revoke, environment=ENVIRONMENT, token_id="old")
    acme.do(apis.delete, ENVIRONMENT, AUDIENCE)
    assert acme.see(apis.listing, ENVIRONMENT) == []


def test_a_rotation_publishes_first_signs_later_and_removes_last(acme: House) -> None:
    (old,) = signers(acme)
    new = rotate(acme).kid
    assert states(acme) == {old: "signing", new: "published"}
    acme.later(99)
    assert states(acme) == {old: "signing", new: "published"}
    acme.later(1)
    assert states(acme) == {old: "retired", new: "signing"}
    acme.later(3600 + 60 - 1)
    assert states(acme)[old] == "retired"
    acme.later(1)
    assert states(acme)[old] == "removed"


def test_a_rotation_waits_for_the_one_before(acme: House) -> None:
    rotate(acme)
    assert "published already" in acme.refuses(
        "conflict", signing_keys.rotate, environment=ENVIRONMENT, algorithm="ES256", schedule=SCHEDULE
    )
    acme.later(100)
    rotate(acme)
    assert len(signers(acme)) == 1


def test_an_algorithm_without_a_key_is_not_rotated(acme: House) -> None:
    acme.refuses(
        "not_found", signing_keys.rotate, environment=ENVIRONMENT, algorithm="RS256", schedule=SCHEDULE
    )


def test_a_raised_lifetime_keeps_a_retiring_key_published_longer(acme: House) -> None:
    (old,) = signers(acme)
    rotate(acme)
    acme.do(apis.change, ENVIRONMENT, AUDIENCE, token_lifetime=7200)
    acme.later(100 + 7200 + 60 - 1)
    assert states(acme)[old] == "retired"
    acme.later(1)
    assert states(acme)[old] == "removed"
    acme.do(apis.change, ENVIRONMENT, AUDIENCE, token_lifetime=86400)
    assert states(acme)[old] == "removed"


def test_a_lowered_lifetime_shortens_nothing(acme: House) -> None:
    (old,) = signers(acme)
    rotate(acme)
    acme.do(apis.change, ENVIRONMENT, AUDIENCE, token_lifetime=1)
    acme.later(100 + 3600 + 60 - 1)
    assert states(acme)[old] == "retired"


def test_a_withdrawn_key_is_gone_and_another_signs_at_once(acme: House) -> None:
    (old,) = signers(acme)
    heir = withdraw(acme, old).kid
    assert states(acme)[old] == "removed"
    assert signers(acme) == [heir]
    assert "no key" in acme.refuses("not_found", signing_keys.withdraw, environment=ENVIRONMENT, kid=old)
    assert "'nope'" in acme.refuses("not_found", signing_keys.withdraw, environment=ENVIRONMENT, kid="nope")


def test_withdrawing_the_signing_key_during_a_rotation_lets_the_next_sign_now(acme: House) -> None:
    (old,) = signers(acme)
    new = rotate(acme).kid
    assert withdraw(acme, old).kid == new
    assert signers(acme) == [new]


def test_withdrawing_the_waiting_key_leaves_no_gap(acme: House) -> None:
    (old,) = signers(acme)
    waiting = rotate(acme).kid
    assert withdraw(acme, waiting).kid == old
    for _ in range(2):
        assert len(signers(acme)) == 1
        acme.later(100)
    assert len(signers(acme)) == 1


def test_withdrawing_a_retired_key_changes_no_signer(acme: House) -> None:
    (old,) = signers(acme)
    new = rotate(acme).kid
    acme.later(100)
    assert withdraw(acme, old).kid == new
    assert states(acme) == {old: "removed", new: "signing"}


def test_the_schedule_rotates_what_is_due_and_does_nothing_twice(acme: House) -> None:
    def due() -> list[SigningKey]:
        return acme.do(signing_keys.rotate_due, schedule=SCHEDULE)

    (old,) = signers(acme)
    acme.later(899)
    assert due() == []
    acme.later(1)
    (new,) = due()
    assert due() == []
    assert new.signs_at == NOW + 1000
    acme.later(100)
    assert signers(acme) == [new.kid]
    acme.later(3600 + 60)
    due()
    assert old not in states(acme)
    assert [event.credential_id for event in acme.events() if event.kind == "admin.signing_key.remove"] == [
        old
    ]


def test_the_schedule_makes_missing_keys_of_disabled_apis_too(acme: House) -> None:
    acme.do(apis.disable, ENVIRONMENT, AUDIENCE)
    (kid,) = signers(acme)
    acme.write(lambda tx: tx.remove(tx.get(SigningKey, ENVIRONMENT, kid), now=NOW))
    (made,) = acme.do(signing_keys.rotate_due, schedule=SCHEDULE)
    assert signers(acme) == [made.kid]


def test_an_environment_without_apis_needs_no_key(house: House, acme: House) -> None:
    acme.do(
        environments.create,
        tenant="acme",
        name="staging",
        issuer="https://staging.acme.example",
        dialects=acme.dialects,
    )
    assert acme.do(signing_keys.rotate_due, schedule=SCHEDULE) == []


@pytest.mark.parametrize(("ahead", "signs_for"), [(0, 10), (10, 10), (11, 10)])
def test_a_schedule_must_sign_longer_than_it_publishes_ahead(ahead: int, signs_for: int) -> None:
    with pytest.raises(ValueError, match="longer"):
        KeySchedule(ahead, signs_for)


def test_scopes_of_the_fixture_are_described(acme: House) -> None:
    assert dict(acme.see(apis.show, ENVIRONMENT, AUDIENCE).scopes) == SCOPES


def test_an_api_has_its_tokens_on_status_lists_when_it_is_told_to(acme: House) -> None:
    made = acme.do(apis.create, environment=ENVIRONMENT, audience=OTHER, name="Other")
    assert made.status_list is False
    assert acme.do(apis.change, ENVIRONMENT, OTHER, status_list=True).status_list is True
    assert acme.do(apis.change, ENVIRONMENT, OTHER, name="Another").status_list is True
    assert acme.do(apis.change, ENVIRONMENT, OTHER, status_list=False).status_list is False


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"token_lifetime": 86401}, "one day at most"),
        ({"token_format": "opaque"}, "Opaque tokens"),
        ({"claims": {"status": "x"}}, "claim status"),
    ],
)
def test_tokens_that_cannot_stand_on_a_status_list_are_refused(
    acme: House, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(AdministrationFault, match=sentence):
        acme.do(
            apis.create, environment=ENVIRONMENT, audience=OTHER, name="Other", status_list=True, **fields
        )
    acme.do(apis.create, environment=ENVIRONMENT, audience=OTHER, name="Other", status_list=True)
    with pytest.raises(AdministrationFault, match=sentence):
        acme.do(apis.change, ENVIRONMENT, OTHER, **fields)
    assert acme.do(apis.change, ENVIRONMENT, OTHER, status_list=False, **fields).status_list is False
