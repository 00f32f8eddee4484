"""One token revoked by an operator: by its text or by its id."""

from __future__ import annotations

import pytest

from mintmark.authorization_server.administration import AdministrationFault, api_tokens, clients, tokens
from mintmark.authorization_server.administration import environments as environments_
from mintmark.authorization_server.ports import Transaction
from mintmark.jose.access_token import build
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.storage.transaction import SqlTransaction
from mintmark.values.secret import API_TOKEN, Secret, new_secret
from mintmark.values.tenancy import SigningKey
from tests.authorization_server.administration.conftest import AUDIENCE, ENVIRONMENT, NOW, SEAL_KEY, House

KEY = generate("ES256")


def published(house: House) -> list[tuple[str, str, int]]:
    def work(tx: Transaction) -> list[tuple[str, str, int]]:
        assert isinstance(tx, SqlTransaction)
        return [(entry.kind, entry.id, entry.until) for entry in tx.revocations_after(ENVIRONMENT, 0)]

    return house.see(work)


@pytest.fixture
def key(acme: House) -> PrivateKey:
    """A signing key whose private half the test holds."""
    import json

    record = SigningKey(ENVIRONMENT, KEY.kid, "ES256", json.dumps(KEY.public().jwk()), "sealed", 0, 0)
    acme.write(lambda tx: tx.add(record, now=NOW))
    return KEY


def jwt(house: House, key: PrivateKey, **changes: object) -> Secret:
    issuer = house.see(environments_.show, ENVIRONMENT).issuer
    claims = {"iss": issuer, "sub": "abc", "aud": AUDIENCE, "client_id": "abc", "iat": NOW, "exp": NOW + 600}
    return Secret(build({**claims, "jti": "j-1", **changes}, key, "at+jwt"))


def test_a_jwt_is_published_until_its_end_and_once(acme: House, key: PrivateKey) -> None:
    for _ in range(2):
        assert acme.do(tokens.revoke, environment=ENVIRONMENT, token=jwt(acme, key)) == "j-1"
    assert published(acme) == [("token", "j-1", NOW + 600)]


def test_an_api_token_is_marked_and_published(acme: House) -> None:
    made = acme.do(
        api_tokens.create,
        environment=ENVIRONMENT,
        audience=AUDIENCE,
        scopes=("orders:read",),
        expires_at=NOW + 50,
    )
    assert acme.do(tokens.revoke, environment=ENVIRONMENT, token=made.token) == made.record.id
    assert published(acme) == [("token", made.record.id, NOW + 50)]
    assert acme.see(api_tokens.listing, ENVIRONMENT, NOW)[0].state == "revoked"


def test_an_id_is_enough(acme: House) -> None:
    made = acme.do(api_tokens.create, environment=ENVIRONMENT, audience=AUDIENCE, scopes=("orders:read",))
    assert acme.do(tokens.revoke_id, environment=ENVIRONMENT, token_id=made.record.id) == made.record.id
    assert acme.do(tokens.revoke_id, environment=ENVIRONMENT, token_id="j-9") == "j-9"
    assert [name for _, name, _ in published(acme)] == [made.record.id, "j-9"]


@pytest.mark.parametrize("token_id", ["", "x" * 300, "j\n9", "j\udc809"])
def test_an_id_that_cannot_be_one_is_refused(acme: House, token_id: str) -> None:
    with pytest.raises(AdministrationFault):
        acme.do(tokens.revoke_id, environment=ENVIRONMENT, token_id=token_id)


@pytest.mark.parametrize(
    "change",
    [{"exp": NOW}, {"iss": "https://elsewhere.example"}, {"aud": "https://other.example"}, {"jti": ""}],
)
def test_what_is_no_live_token_of_this_environment_is_refused(
    acme: House, key: PrivateKey, change: dict[str, object]
) -> None:
    token = jwt(acme, key, **change)
    with pytest.raises(AdministrationFault, match=ENVIRONMENT) as fault:
        acme.do(tokens.revoke, environment=ENVIRONMENT, token=token)
    assert token.reveal() not in str(fault.value)
    assert published(acme) == []


def test_a_forged_or_unknown_token_is_refused(acme: House, key: PrivateKey) -> None:
    unknown = new_secret(API_TOKEN, "t00009", lambda count: SEAL_KEY[:count].ljust(count, b"x"))
    for token in (jwt(acme, generate("ES256")), Secret("x.y.z"), unknown):
        with pytest.raises(AdministrationFault, match=ENVIRONMENT):
            acme.do(tokens.revoke, environment=ENVIRONMENT, token=token)
    assert published(acme) == []


def test_a_client_protects_only_what_exists_and_keeps_it_from_being_deleted(acme: House) -> None:
    from mintmark.authorization_server.administration import apis

    made = acme.do(clients.create, environment=ENVIRONMENT, name="guard", protects=(AUDIENCE, AUDIENCE))
    assert made.client.protects == (AUDIENCE,)
    with pytest.raises(AdministrationFault, match="client"):
        acme.do(apis.delete, ENVIRONMENT, AUDIENCE)
    with pytest.raises(AdministrationFault, match="no API"):
        acme.do(clients.change, ENVIRONMENT, made.client.client_id, protects=("https://nowhere.example",))
    assert acme.do(clients.change, ENVIRONMENT, made.client.client_id, protects=()).protects == ()
