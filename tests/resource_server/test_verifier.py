"""Who gets in and who does not, and why: from the Authorization header to a caller or a refusal."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mintmark.jose.access_token import build
from mintmark.jose.jwk import PrivateKey, PublicKey, generate
from mintmark.resource_server import profile as profiles
from mintmark.resource_server.profile import OURS, Profile
from mintmark.resource_server.verifier import Caller, Verifier, require
from mintmark.values.errors import OAuthError, rate_limited
from mintmark.values.secret import API_TOKEN, CLIENT_SECRET, Secret, new_secret
from mintmark.values.token import TokenFacts

NOW = 1_800_000_000
ISSUER = "https://auth.example/t/acme/production"
AUDIENCE = "https://api.example"
KEY: PrivateKey = generate("ES256")
OPAQUE = new_secret(API_TOKEN, "abc123", lambda count: bytes(range(count)))
FACTS = TokenFacts(
    issuer=ISSUER,
    tenant="acme",
    subject="robot",
    client_id="abc123",
    audience=AUDIENCE,
    scopes=("read",),
    token_id="abc123",
    credential_id="abc123",
    user_id="robot",
    expires_at=NOW + 10,
)


class Outage(Exception):
    """The issuer cannot be asked."""


@dataclass
class Status:
    """An issuer that answers what it is told to, and remembers what it was asked."""

    active: bool = True
    facts: TokenFacts | None = FACTS
    raises: Exception | None = None
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def _note(self, *question: object) -> None:
        self.asked.append(question)
        if self.raises is not None:
            raise self.raises

    async def jwt_active(self, claims: Mapping[str, object], now: float) -> bool:
        self._note("jwt", claims["jti"], now)
        return self.active

    async def opaque(self, token: Secret, now: float) -> TokenFacts | None:
        self._note("opaque", token.reveal(), now)
        return self.facts

    async def basic(self, token_id: str, secret: Secret, now: float, peer: str) -> TokenFacts | None:
        self._note("basic", token_id, secret.reveal(), now)
        return self.facts


def key_at(kid: str | None, now: float) -> PublicKey | None:
    return KEY.public() if kid == KEY.kid else None


def verifier(profile: Profile = profiles.RFC9068, status: Status | None = None, **changes: Any) -> Verifier:
    settings: dict[str, Any] = {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "profile": profile,
        "keys": key_at,
        "status": status or Status(),
        "outages": (Outage,),
    }
    return Verifier(**(settings | changes))


def claims(**changes: object) -> dict[str, object]:
    """Claims as this server issues them; None takes one away."""
    good: dict[str, object] = {
        "iss": ISSUER,
        "sub": "reports",
        "aud": AUDIENCE,
        "client_id": "reports",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 3600,
        "jti": "0b7a2c5e",
        "scope": "read write",
        "mm_tenant": "acme",
        "mm_cred": "abc123",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def bearer(typ: str = "at+jwt", **changes: object) -> bytes:
    return b"Bearer " + build(claims(**changes), KEY, typ).encode()


def basic(user: str = "id", password: str = "secret") -> bytes:
    return b"Basic " + b64encode(f"{user}:{password}".encode())


def check(subject: Verifier, *headers: bytes, now: float = NOW) -> Caller:
    return asyncio.run(subject.verify(headers, now))


def refusal(subject: Verifier, *headers: bytes, now: float = NOW) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        check(subject, *headers, now=now)
    return caught.value


def test_says_who_calls_and_what_for() -> None:
    caller = check(verifier(), bearer(mm_user="robot"))
    assert caller == Caller(
        client_id="reports",
        subject="reports",
        tenant="acme",
        scopes=frozenset({"read", "write"}),
        audience=AUDIENCE,
        expires_at=NOW + 3600,
        token_id="0b7a2c5e",
        user_id="robot",
        claims=claims(mm_user="robot"),
    )


def test_a_caller_without_a_user_or_a_scope() -> None:
    caller = check(verifier(), bearer(scope=None))
    assert caller.user_id is None
    assert caller.scopes == frozenset()


@pytest.mark.parametrize("scope", ["", " ", "read ", " read", "read  write"])
def test_empty_scope_tokens_are_none(scope: str) -> None:
    assert check(verifier(), bearer(scope=scope)).scopes == frozenset(scope.split())


def test_an_issuer_without_tenants_has_none() -> None:
    assert check(verifier(), bearer(mm_tenant=None, mm_cred=None)).tenant == ""


def test_the_audience_is_the_one_of_ours() -> None:
    both = verifier(audiences=[AUDIENCE, "https://second.example"])
    assert check(both, bearer(aud="https://second.example")).audience == "https://second.example"
    assert check(both, bearer(aud=["https://other.example", AUDIENCE])).audience == AUDIENCE


@pytest.mark.parametrize("audiences", [[], [""], AUDIENCE])
def test_cannot_be_built_without_an_audience(audiences: Any) -> None:
    with pytest.raises(ValueError, match="audience"):
        verifier(audiences=audiences)


def test_cannot_be_built_without_an_issuer() -> None:
    with pytest.raises(ValueError, match="issuer"):
        verifier(issuer="")


def test_a_caller_prints_no_claims() -> None:
    assert "0b7a2c5e" in repr(check(verifier(), bearer()))
    assert "abc123" not in repr(check(verifier(), bearer()))


def test_no_token_is_told_apart_from_a_bad_one() -> None:
    assert (refusal(verifier()).code, refusal(verifier()).status) == ("unauthorized", 401)
    assert (refusal(verifier(), b"Bearer ?").code, refusal(verifier(), b"Bearer ?").status) == (
        "invalid_token",
        401,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": ISSUER.replace("production", "staging")}, "wrong_issuer"),
        ({"aud": "https://other.example"}, "wrong_audience"),
        ({"exp": NOW}, "expired"),
        ({"nbf": NOW + 61}, "not_yet_valid"),
        ({"client_id": None}, "missing_claim"),
        ({"cnf": {"jkt": "x"}}, "sender_constrained"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_token_that_is_not_all_it_must_be_is_refused(changes: dict[str, object], reason: str) -> None:
    status = Status()
    error = refusal(verifier(status=status), bearer(**changes))
    assert (error.code, error.status, error.reason) == ("invalid_token", 401, reason)
    assert status.asked == [], "the status is asked only of genuine tokens"


def test_a_key_that_is_not_published_at_that_time_is_unknown() -> None:
    subject = verifier(keys=lambda kid, now: key_at(kid, now) if now < NOW + 5 else None)
    check(subject, bearer(), now=NOW + 4)
    assert refusal(subject, bearer(), now=NOW + 5).reason == "unknown_key"


def test_a_revoked_token_is_refused() -> None:
    status = Status(active=False)
    error = refusal(verifier(status=status), bearer())
    assert (error.code, error.status, error.reason) == ("invalid_token", 401, "not_active")
    assert status.asked == [("jwt", "0b7a2c5e", NOW)]


def test_what_the_status_cannot_tell_is_503_and_not_401() -> None:
    for header in (bearer(), b"Bearer " + OPAQUE.reveal().encode(), basic()):
        error = refusal(verifier(profiles.FYMA, Status(raises=Outage("disk at /var/secret"))), header)
        assert (error.code, error.status) == ("temporarily_unavailable", 503)
        assert error.retry_after is not None
        assert error.retry_after > 0
        assert "secret" not in error.description + error.detail


def test_keys_out_of_reach_are_503_and_not_401() -> None:
    def no_keys(kid: str | None, now: float) -> PublicKey | None:
        raise Outage

    assert refusal(verifier(keys=no_keys), bearer()).status == 503


def test_a_bug_is_not_an_outage() -> None:
    with pytest.raises(ZeroDivisionError):
        check(verifier(status=Status(raises=ZeroDivisionError())), bearer())


def test_a_refusal_of_the_status_passes_through() -> None:
    error = refusal(verifier(profiles.FYMA, Status(raises=rate_limited(3, reason="guesses"))), basic())
    assert (error.status, error.retry_after) == (429, 3)


def test_an_opaque_token_is_looked_up() -> None:
    status = Status()
    caller = check(verifier(status=status), b"Bearer " + OPAQUE.reveal().encode())
    assert status.asked == [("opaque", OPAQUE.reveal(), NOW)]
    assert caller == Caller(
        "abc123", "robot", "acme", frozenset({"read"}), AUDIENCE, NOW + 10, "abc123", "robot"
    )


def test_an_unknown_opaque_token_is_refused() -> None:
    error = refusal(verifier(status=Status(facts=None)), b"Bearer " + OPAQUE.reveal().encode())
    assert (error.code, error.reason) == ("invalid_token", "not_active")


def test_an_opaque_token_with_a_slip_costs_no_lookup() -> None:
    status = Status()
    refusal(verifier(status=status), b"Bearer " + OPAQUE.reveal()[:-1].encode() + b"?")
    wrong = OPAQUE.reveal()[:-1] + ("0" if OPAQUE.reveal()[-1] != "0" else "1")
    assert refusal(verifier(status=status), b"Bearer " + wrong.encode()).reason == "malformed"
    assert status.asked == []


def test_a_client_secret_is_no_access_token() -> None:
    status = Status()
    secret = new_secret(CLIENT_SECRET, "abc123", lambda count: bytes(range(count)))
    assert refusal(verifier(status=status), b"Bearer " + secret.reveal().encode()).reason == "malformed"
    assert status.asked == []


@pytest.mark.parametrize(("seconds", "good"), [(-1, True), (0, False), (1, False)])
def test_the_end_of_a_looked_up_token_is_exclusive(seconds: int, good: bool) -> None:
    header = b"Bearer " + OPAQUE.reveal().encode()
    if good:
        check(verifier(), header, now=NOW + 10 + seconds)
    else:
        assert refusal(verifier(), header, now=NOW + 10 + seconds).reason == "expired"


def test_a_looked_up_token_may_have_no_end() -> None:
    status = Status(facts=replace(FACTS, expires_at=None))
    assert check(verifier(status=status), b"Bearer " + OPAQUE.reveal().encode(), now=1e12).expires_at is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"audience": "https://other.example"}, "wrong_audience"), ({"issuer": ISSUER + "x"}, "wrong_issuer")],
    ids=lambda value: value if isinstance(value, str) else None,
)
@pytest.mark.parametrize("header", [b"Bearer " + OPAQUE.reveal().encode(), basic()], ids=["opaque", "legacy"])
def test_a_looked_up_token_must_be_for_this_api_too(
    header: bytes, change: dict[str, str], reason: str
) -> None:
    status = Status(facts=replace(FACTS, **change))  # type: ignore[arg-type]
    assert refusal(verifier(profiles.FYMA, status), header).reason == reason


def test_a_legacy_token_is_taken_by_basic_where_the_profile_admits_it() -> None:
    status = Status()
    caller = check(verifier(profiles.FYMA, status), basic("token-id", "token:secret+ %41"))
    assert status.asked == [("basic", "token-id", "token:secret+ %41", NOW)], "raw, not form-decoded"
    assert caller.scopes == {"read"}


def test_a_wrong_legacy_token_is_refused() -> None:
    assert refusal(verifier(profiles.FYMA, Status(facts=None)), basic()).reason == "not_active"


@pytest.mark.parametrize("name", sorted(set(OURS) - {"fyma"}))
def test_no_other_profile_looks_at_basic(name: str) -> None:
    status = Status()
    assert refusal(verifier(OURS[name], status), basic()).reason == "other_scheme"
    assert status.asked == []


@pytest.mark.parametrize("header", [b"Basic", b"Basic ?", b"Basic YQ==", b"Basic YQ", b"Basic /w=="])
def test_a_malformed_legacy_header_is_refused(header: bytes) -> None:
    error = refusal(verifier(profiles.FYMA), header)
    assert (error.code, error.status, error.reason) == ("invalid_token", 401, "malformed_header")


@pytest.mark.parametrize(
    "headers", [(basic(), basic()), (basic(), bearer()), (bearer(), basic()), (bearer(), bearer())]
)
def test_two_credentials_are_one_too_many(headers: tuple[bytes, bytes]) -> None:
    status = Status()
    assert refusal(verifier(profiles.FYMA, status), *headers).reason == "malformed_header"
    assert status.asked == []


def test_fyma_takes_bearer_tokens_beside_legacy_ones() -> None:
    assert check(verifier(profiles.FYMA), bearer()).client_id == "reports"


@pytest.mark.parametrize("name", OURS)
def test_each_profile_takes_the_tokens_that_are_issued_for_it(name: str) -> None:
    typ = "JWT" if name == "omnissa" else "at+jwt"
    assert check(verifier(OURS[name]), bearer(typ)).client_id == "reports"


@pytest.mark.parametrize("name", OURS)
def test_each_profile_refuses_the_other_type(name: str) -> None:
    typ = "at+jwt" if name == "omnissa" else "JWT"
    assert refusal(verifier(OURS[name]), bearer(typ)).reason == "wrong_type"


@pytest.mark.parametrize("name", sorted(set(OURS) - {"rfc9068"}))
@pytest.mark.parametrize("claim", ["sub", "client_id", "iat", "nbf", "jti", "mm_tenant", "mm_cred"])
def test_the_profiles_of_this_server_demand_all_that_it_says(name: str, claim: str) -> None:
    typ = "JWT" if name == "omnissa" else "at+jwt"
    assert refusal(verifier(OURS[name]), bearer(typ, **{claim: None})).reason == "missing_claim"


@pytest.mark.parametrize("name", OURS)
def test_a_token_without_any_scope_is_good_and_permits_nothing(name: str) -> None:
    caller = check(verifier(OURS[name]), bearer("JWT" if name == "omnissa" else "at+jwt", scope=""))
    with pytest.raises(OAuthError) as caught:
        require(caller, "read")
    assert caught.value.status == 403


@pytest.mark.parametrize("claim", ["sub", "client_id", "iat", "jti"])
def test_the_standard_profile_demands_what_rfc_9068_does(claim: str) -> None:
    assert refusal(verifier(), bearer(**{claim: None})).reason == "missing_claim"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"nonce": "n", "auth_time": NOW}, id="ID token"),
        pytest.param(
            {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, id="logout token"
        ),
        pytest.param({"token_introspection": {"active": True}}, id="introspection answer"),
        pytest.param({"status_list": {"bits": 1, "lst": "eNo"}}, id="status list"),
    ],
)
def test_other_tokens_with_typ_jwt_are_no_access_tokens_even_where_typ_jwt_is_admitted(
    other: dict[str, Any],
) -> None:
    """They lack the claims that only an access token carries together."""
    bare = {"client_id": None, "scope": None, "mm_tenant": None, "mm_cred": None}
    assert refusal(verifier(profiles.OMNISSA), bearer("JWT", **bare, **other)).reason == "missing_claim"


def test_a_profile_may_bound_the_lifetime() -> None:
    short = replace(profiles.RFC9068, max_lifetime=3599)
    assert refusal(verifier(short), bearer()).reason == "lifetime_too_long"
    check(verifier(replace(short, max_lifetime=3600)), bearer())


def test_a_permission_that_is_there_is_enough() -> None:
    caller = check(verifier(), bearer())
    require(caller)
    require(caller, "read", "write")


@pytest.mark.parametrize("scope", ["rea", "Read", "*", "read write", "admin"])
def test_a_permission_that_is_missing_is_named(scope: str) -> None:
    with pytest.raises(OAuthError) as caught:
        require(check(verifier(), bearer()), "read", scope)
    assert (caught.value.code, caught.value.status) == ("insufficient_scope", 403)
    assert scope in caught.value.description


def test_an_asterisk_in_a_token_is_no_master_key() -> None:
    with pytest.raises(OAuthError):
        require(check(verifier(), bearer(scope="*")), "read")


@given(
    st.lists(st.binary(max_size=60) | st.binary(max_size=60).map(lambda text: b"Basic " + text), max_size=2)
)
@settings(max_examples=150)
def test_any_header_is_refused_by_an_oauth_error(headers: list[bytes]) -> None:
    assert refusal(verifier(profiles.FYMA, Status(facts=None)), *headers).status == 401
