"""Revoking one token by an operator, whoever it was issued to: by its text, or by the id that the audit trail has.

A JWT is published in the revocation feed until it would have expired; an opaque token's record is marked as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from mintmark.authorization_server.administration import api_tokens, checked, lookup
from mintmark.authorization_server.administration.act import Act, AdministrationFault, audited
from mintmark.authorization_server.ports import Transaction
from mintmark.crypto.secret_hash import check_secret
from mintmark.jose.access_token import Expectation, verify
from mintmark.jose.jwk import parse_jwk
from mintmark.jose.jws import TokenFault
from mintmark.jose.key_set import KeySet
from mintmark.values.credential import ApiToken
from mintmark.values.revocation import Revocation
from mintmark.values.secret import API_TOKEN, Secret, shape_of
from mintmark.values.tenancy import Api, SigningKey

_TYPES = frozenset({"at+jwt", "jwt"})


def revoke(tx: Transaction, act: Act, *, environment: str, token: Secret) -> str:
    """End an access token or API token now; its id. Twice is as once.

    Raises AdministrationFault when it is no live token of this environment.
    """
    place = lookup.environment(tx, environment)
    shape = shape_of(token.reveal())
    if shape is not None and shape.prefix == API_TOKEN:
        record = lookup.record(tx, ApiToken, environment, shape.version_id)
        if record is None or not check_secret(act.secret_key, token.reveal(), record.digest):
            raise AdministrationFault(f"This is no token of {environment}.", "not_found")
        return api_tokens.revoke(tx, act, environment=environment, token_id=record.id).id
    claims = _claims(tx, act, environment, place.issuer, token)
    token_id = str(claims["jti"])
    _publish(
        tx,
        act,
        environment,
        Revocation("token", token_id, int(float(str(claims["exp"])))),
        str(claims["client_id"]),
    )
    return token_id


def revoke_id(tx: Transaction, act: Act, *, environment: str, token_id: str) -> str:
    """End the token with this id (its ``jti``), whether or not it was ever issued. Twice is as once."""
    lookup.environment(tx, environment)
    checked.identifier(token_id, "token id")
    if lookup.record(tx, ApiToken, environment, token_id) is not None:
        return api_tokens.revoke(tx, act, environment=environment, token_id=token_id).id
    _publish(tx, act, environment, Revocation("token", token_id), "")
    return token_id


def _publish(tx: Transaction, act: Act, environment: str, revocation: Revocation, client_id: str) -> None:
    tx.revoke(environment, revocation, now=act.now)
    audited(
        tx,
        act,
        "token.revoke",
        environment=environment,
        client_id=client_id,
        detail=f"token {revocation.id}",
    )


def _claims(tx: Transaction, act: Act, environment: str, issuer: str, token: Secret) -> Mapping[str, object]:
    audiences = frozenset(api.audience for api in tx.find(Api, environment=environment))
    keys = KeySet(parse_jwk(json.loads(key.public)) for key in tx.find(SigningKey, environment=environment))
    if not audiences:
        raise AdministrationFault(f"This is no token of {environment}, which has no API.", "not_found")
    expected = Expectation(issuer, audiences, _TYPES, ("client_id", "jti", "iat"))
    try:
        return verify(token.reveal(), keys, expected, act.now)
    except TokenFault as fault:
        raise AdministrationFault(
            f"This is no live token of {environment}: {fault.sentence}", "not_found"
        ) from None
