"""What each profile lets in, and that nothing else which the same issuer signs ever gets in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mintmark.jose import base64url
from mintmark.jose.access_token import build
from mintmark.jose.jwk import generate
from mintmark.jose.key_set import KeySet
from mintmark.resource_server.caller import Caller
from mintmark.resource_server.guard import Doorkeeper
from mintmark.resource_server.issuer import Issuer
from mintmark.resource_server.key_cache import KeyCache
from mintmark.resource_server.profile import OURS, PROFILES
from mintmark.resource_server.revocation_feed import TYPE
from mintmark.resource_server.seen_tokens import SeenTokens
from mintmark.resource_server.watch import Watch
from mintmark.values.errors import OAuthError

NOW = 1_800_000_000
ISSUER = "https://auth.example"
AUDIENCE = "https://api.example"
KEY = generate("ES256")
Claims = dict[str, Any]

COMMON: Claims = {"iss": ISSUER, "sub": "robot", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 600, "jti": "j"}
OUR_CLAIMS = COMMON | {
    "client_id": "robot",
    "nbf": NOW,
    "scope": "read write",
    "mm_tenant": "acme",
    "mm_cred": "c1",
    "mm_user": "u1",
}
#: profile -> typ of its access tokens, and one as its vendor's page shows it (identifiers are ours).
GOOD: dict[str, tuple[str | None, Claims]] = {
    **{name: ("JWT" if name == "omnissa" else "at+jwt", OUR_CLAIMS) for name in OURS},
    "auth0": (
        "JWT",
        COMMON
        | {"sub": "robot@clients", "azp": "robot", "gty": "client-credentials"}
        | {"scope": "read", "permissions": ["read", "write"], "org_id": "acme"},
    ),
    "keycloak": ("JWT", COMMON | {"typ": "Bearer", "azp": "robot", "scope": "read write", "acr": "1"}),
    "entra": (
        "JWT",
        COMMON | {"azp": "robot", "roles": ["read", "write"], "tid": "acme", "ver": "2.0", "azpacr": "1"},
    ),
    "cognito": (
        None,
        {name: value for name, value in COMMON.items() if name != "aud"}
        | {"client_id": AUDIENCE, "token_use": "access", "scope": "read write", "version": 2},
    ),
    "oidc": (None, COMMON | {"cid": "robot", "scp": ["read", "write"], "ver": 1}),
}


def sign(typ: str | None, claims: Claims, **header: object) -> bytes:
    if typ is not None and not header:
        return b"Bearer " + build(claims, KEY, typ).encode()
    members = {"alg": "ES256", "kid": KEY.kid} | ({} if typ is None else {"typ": typ}) | header
    data = b".".join(base64url.encode(json.dumps(part).encode()) for part in (members, claims))
    return b"Bearer " + data + b"." + base64url.encode(KEY.sign(data))


def doorkeeper(profile: str) -> Doorkeeper:
    keys = KeyCache()
    keys.accept(json.dumps(KeySet([KEY.public()]).jwks()).encode(), None, NOW - 10)
    watch = Watch(Issuer(ISSUER, profile), frozenset({AUDIENCE}), keys)
    return Doorkeeper({ISSUER: watch}, frozenset({AUDIENCE}), lambda: NOW, SeenTokens(16))


def check(profile: str, header: bytes) -> Caller:
    """By both ways through the door: at once, and by steps."""
    door = doorkeeper(profile)
    caller = door.admit([header], NOW)
    with pytest.raises(StopIteration) as end:
        door.steps([header]).send(None)
    assert caller is not None
    assert end.value.value == caller
    return caller


def refusal(profile: str, header: bytes) -> OAuthError:
    door = doorkeeper(profile)
    reasons = []
    for way in (lambda: door.admit([header], NOW), lambda: door.steps([header]).send(None)):
        try:
            found = way()
        except OAuthError as error:
            reasons.append(error)
        else:
            assert found is None  # it says that `steps` must look
    assert len({(error.status, error.reason) for error in reasons}) == 1
    assert len(door.seen) == 0
    return reasons[0]


def test_every_profile_is_shown_here() -> None:
    assert GOOD.keys() == PROFILES.keys()


@pytest.mark.parametrize("profile", GOOD)
def test_each_profile_takes_its_own_access_token(profile: str) -> None:
    caller = check(profile, sign(*GOOD[profile]))
    assert caller.client_id == (AUDIENCE if profile == "cognito" else "robot")
    assert caller.scopes == {"read", "write"}
    assert caller.audience == AUDIENCE
    assert caller.tenant == ("" if profile in ("keycloak", "cognito", "oidc") else "acme")
    assert caller.user_id == ("u1" if profile in OURS else None)
    assert caller.subject in ("robot", "robot@clients")


#: What else an issuer signs with the same key: type, and the claims beside the common ones.
OTHERS: dict[str, tuple[str | None, Claims]] = {
    "id token": ("JWT", {"nonce": "n", "at_hash": "h", "azp": "robot", "auth_time": NOW}),
    "id token without typ": (None, {"nonce": "n", "at_hash": "h", "azp": "robot"}),
    "plain id token": ("JWT", {"auth_time": NOW, "azp": "robot"}),
    "id token of Cognito": (None, {"token_use": "id", "cognito:username": "robot", "client_id": AUDIENCE}),
    "id token of Keycloak": ("JWT", {"typ": "ID", "azp": "robot", "at_hash": "h"}),
    "refresh token of Keycloak": ("JWT", {"typ": "Refresh", "azp": "robot", "scope": "read", "nonce": "n"}),
    "logout token": ("logout+jwt", {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
    "old logout token": ("JWT", {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
    "security event": ("secevent+jwt", {"events": {"x": {}}}),
    "DPoP proof": ("dpop+jwt", {"htm": "GET", "htu": AUDIENCE}),
    "introspection answer": ("token-introspection+jwt", {"token_introspection": {"active": True}}),
    "status list": ("statuslist+jwt", {"status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ"}, "ttl": 60}),
    "revocation": (TYPE, {"kind": "client", "id": "robot", "seq": 1}),
    "client assertion": ("client-authentication+jwt", {}),
    "request object": ("oauth-authz-req+jwt", {"response_type": "code"}),
    "authorization grant": ("oauth-id-jag+jwt", {"resource": AUDIENCE}),
    "no typ": (None, {}),
    "empty typ": ("", {}),
    "another media type": ("application/jwt+at", {}),
    "at+jwt with a parameter": ("at+jwt;v=1", {}),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("profile", GOOD)
def test_no_other_token_of_the_same_issuer_gets_in(profile: str, other: str) -> None:
    own_typ, own = GOOD[profile]
    typ, claims = OTHERS[other]
    # Told by its type alone, even if it had every claim of an access token; where there is none, by its claims.
    claims = (own if typ not in ("JWT", None) else COMMON) | claims
    if own_typ == typ and not OTHERS[other][1]:
        pytest.skip("that is how its access tokens look")
    error = refusal(profile, sign(typ, claims))
    assert error.status == 401
    assert error.reason in ("wrong_type", "missing_claim", "wrong_audience", "malformed")


@pytest.mark.parametrize("profile", ["auth0", "entra", "cognito", "oidc"])
@pytest.mark.parametrize(
    "claim", ["nonce", "at_hash", "c_hash", "events", "htm", "token_introspection", "status_list"]
)
def test_a_claim_of_another_token_betrays_it(profile: str, claim: str) -> None:
    typ, claims = GOOD[profile]
    assert refusal(profile, sign(typ, claims | {claim: "x"})).reason == "wrong_type"


@pytest.mark.parametrize("profile", GOOD)
@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"x5t#S256": "x"}, {}, None])
def test_a_sender_constrained_token_is_no_bearer_token(profile: str, cnf: object) -> None:
    typ, claims = GOOD[profile]
    assert refusal(profile, sign(typ, claims | {"cnf": cnf})).reason == "sender_constrained"


@pytest.mark.parametrize("profile", GOOD)
@pytest.mark.parametrize(
    "wrong", ["https://api.example/", "https://API.example", "", [], ["x"], None, {"a": 1}, 1]
)
def test_the_audience_is_exact(profile: str, wrong: object) -> None:
    typ, claims = GOOD[profile]
    name = PROFILES[profile].audience
    assert refusal(profile, sign(typ, claims | {name: wrong})).reason in ("wrong_audience", "malformed")


@pytest.mark.parametrize("profile", GOOD)
def test_every_required_claim_is_required(profile: str) -> None:
    typ, claims = GOOD[profile]
    for name in PROFILES[profile].required:
        if name == PROFILES[profile].audience:
            continue
        lacking = {key: value for key, value in claims.items() if key != name}
        assert refusal(profile, sign(typ, lacking)).reason in ("missing_claim", "wrong_type")


@pytest.mark.parametrize(
    ("profile", "changes"),
    [
        ("keycloak", {"typ": "bearer"}),
        ("keycloak", {"typ": None}),
        ("cognito", {"token_use": "id"}),
        ("cognito", {"token_use": None}),
        ("entra", {"azpacr": None}),
        ("auth0", {"scope": None, "permissions": None, "gty": None}),
        ("oidc", {"scp": None}),
    ],
)
def test_what_tells_an_access_token_must_be_there(profile: str, changes: Claims) -> None:
    typ, claims = GOOD[profile]
    left = {name: value for name, value in (claims | changes).items() if value is not None}
    assert refusal(profile, sign(typ, left)).reason == "wrong_type"


@pytest.mark.parametrize("scopes", [1, {"read": 1}, ["read", 1], [["read"]], True, None])
def test_permissions_are_text_or_a_list_of_texts(scopes: object) -> None:
    typ, claims = GOOD["oidc"]
    assert refusal("oidc", sign(typ, claims | {"scp": scopes})).reason == "malformed"


def test_the_first_claim_that_names_the_client_counts() -> None:
    typ, claims = GOOD["entra"]
    old = {name: value for name, value in claims.items() if name != "azp"} | {"appid": "older"}
    assert check("entra", sign(typ, old, x5t="AAAA")).client_id == "older"
    assert check("entra", sign(typ, claims | {"appid": "older"})).client_id == "robot"
    nobody = {name: value for name, value in claims.items() if name != "azp"}
    assert refusal("entra", sign(typ, nobody)).reason == "missing_claim"


@pytest.mark.parametrize("profile", sorted(set(GOOD) - {"entra"}))
def test_only_entra_may_name_a_certificate_beside_the_key(profile: str) -> None:
    typ, claims = GOOD[profile]
    assert refusal(profile, sign(typ, claims, x5t="AAAA")).reason == "malformed"


@pytest.mark.parametrize("x5t", [["AAAA"], {"a": 1}, 1, None])
def test_a_certificate_hash_is_text(x5t: object) -> None:
    typ, claims = GOOD["entra"]
    assert refusal("entra", sign(typ, claims, x5t=x5t)).reason == "malformed"


@pytest.mark.parametrize("profile", GOOD)
@pytest.mark.parametrize(
    "parameter",
    [
        {"crit": ["exp"]},
        {"b64": False},
        {"jwk": {}},
        {"jku": ISSUER},
        {"x5u": ISSUER},
        {"zip": "DEF"},
        {"x5c": []},
    ],
    ids=lambda parameter: next(iter(parameter)),
)
def test_no_profile_admits_a_header_that_changes_or_brings_anything(profile: str, parameter: Claims) -> None:
    typ, claims = GOOD[profile]
    assert refusal(profile, sign(typ, claims, **parameter)).reason == "malformed"
