"""Which change of a record revokes which tokens, and how entries name one another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mintmark.authorization_server.administration import apis
from mintmark.jose.access_token import build
from mintmark.jose.jwk import generate
from mintmark.resource_server import revocation_feed as guard
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SecretVersion, SignatureKey
from mintmark.values.person import Person
from mintmark.values.revocation import (
    CLAIM_OF,
    LONGEST_TOKEN_LIFETIME,
    Revocation,
    RevocationEntry,
    first_digest,
    revocations_of,
)
from mintmark.values.tenancy import Api, Environment, SigningKey, Tenant

HOME = "acme/production"
ISSUER = "https://auth.example/t/acme/production"
SWITCHED = [
    (Tenant("acme", "Acme"), Revocation("tenant", "acme")),
    (Environment("acme", "production", ISSUER), Revocation("environment", HOME)),
    (Api(HOME, "https://api.example", "Things"), Revocation("api", "https://api.example")),
    (Client(HOME, "abc", "Reports"), Revocation("client", "abc")),
    (MachineUser(HOME, "u-1", "bot", "argon2id", "digest"), Revocation("user", "u-1")),
]
REVOCABLE = [
    (SecretVersion(HOME, "abc", "v00001", "hmac", "digest"), Revocation("credential", "v00001")),
    (SignatureKey(HOME, "key001", "sealed", "aud", ()), Revocation("signature_key", "key001")),
    (ApiToken(HOME, "t00001", "digest", "aud", ()), Revocation("token", "t00001")),
    (ApiToken(HOME, "t00001", "digest", "aud", (), expires_at=99), Revocation("token", "t00001", 99)),
    (LegacyToken(HOME, "old", "argon2id", "digest", "aud", ()), Revocation("token", "old")),
]
ENTRY = RevocationEntry(7, "abc", "client", 'we"ird é', 100, 200)


@pytest.mark.parametrize(("record", "revoked"), SWITCHED)
def test_disabling_revokes_once_and_enabling_never(record, revoked):  # type: ignore[no-untyped-def]
    off = replace(record, enabled=False)
    assert revocations_of(record, off) == (revoked,)
    assert revocations_of(off, off) == ()
    assert revocations_of(off, record) == ()
    assert revocations_of(record, record) == ()


@pytest.mark.parametrize(("record", "revoked"), SWITCHED[2:])
def test_deleting_revokes_whatever_was_switched_off_before(record, revoked):  # type: ignore[no-untyped-def]
    assert revocations_of(record, None) == (revoked,)
    assert revocations_of(replace(record, enabled=False), None) == (revoked,)


@pytest.mark.parametrize("record", [record for record, _ in SWITCHED[:2]])
def test_what_takes_its_feed_along_publishes_nothing_when_deleted(record):  # type: ignore[no-untyped-def]
    assert revocations_of(record, None) == ()


@pytest.mark.parametrize(("record", "revoked"), REVOCABLE)
def test_revoking_or_deleting_a_credential_revokes_what_it_obtained(record, revoked):  # type: ignore[no-untyped-def]
    over = replace(record, revoked_at=50)
    assert revocations_of(record, over) == (revoked,)
    assert revocations_of(over, over) == ()
    assert revocations_of(record, None) == (revoked,)


@pytest.mark.parametrize("record", [REVOCABLE[0][0], REVOCABLE[1][0]])
def test_a_planned_end_revokes_nothing(record):  # type: ignore[no-untyped-def]
    assert revocations_of(record, replace(record, retires_at=50)) == ()
    assert revocations_of(record, replace(record, expires_at=50)) == ()


def test_other_records_and_new_ones_revoke_nothing() -> None:
    key = SigningKey(HOME, "kid", "ES256", "{}", "sealed", 0, 0)
    assert revocations_of(Person("op", "Op", "operator"), None) == ()
    assert revocations_of(key, None) == ()
    assert revocations_of(None, SWITCHED[3][0]) == ()


def test_the_digest_is_that_of_what_was_signed_whoever_signed_it() -> None:
    statements = [build(ENTRY.claims(ISSUER), generate("ES256"), guard.TYPE) for _ in range(2)]
    assert statements[0] != statements[1]
    assert {guard.digest_of(statement) for statement in statements} == {ENTRY.digest(ISSUER)}
    assert first_digest(ISSUER) == guard.first_digest(ISSUER)


def test_server_and_guard_compare_the_same_claims() -> None:
    assert dict(CLAIM_OF) == dict(guard.CLAIM_OF)


def test_no_token_may_live_longer_than_an_entry_speaks_of_it() -> None:
    assert apis.LONGEST_LIFETIME == LONGEST_TOKEN_LIFETIME
