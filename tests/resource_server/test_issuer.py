"""Which addresses a guard trusts, and what it refuses to be built with."""

from __future__ import annotations

from typing import Any

import pytest

import mintmark
from mintmark.resource_server.issuer import Issuer
from mintmark.resource_server.profile import OIDC
from mintmark.values.secret import Secret

ISSUER = "https://auth.example/t/acme/production"


@pytest.mark.parametrize(
    "identifier",
    [
        "http://auth.example",
        "ftp://auth.example",
        "auth.example",
        "",
        "https://",
        "https://user@auth.example",
        "https://user:secret@auth.example",
        "https://auth.example#x",
        "https://auth.example?x=1",
        "https://auth.example/a b",
        "https://auth.example/\n",
        "https://auth.example\\@evil.example",
        "https://aüth.example",
        "http://127.0.0.1.evil.example",
        "http://[::2]",
        "https://auth.example:port",
    ],
)
def test_an_issuer_is_an_https_address_or_on_this_machine(identifier: str) -> None:
    with pytest.raises(ValueError, match=r"address|https|identifier") as caught:
        Issuer(identifier)
    assert "secret" not in str(caught.value)
    for place in ("jwks_uri", "introspection_endpoint", "revocations_endpoint"):
        if "?" not in identifier:
            with pytest.raises(ValueError, match=r"address|https|identifier"):
                Issuer(ISSUER, **{place: identifier})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "identifier", ["http://127.0.0.1:8080/x", "http://localhost", "http://[::1]:1", ISSUER]
)
def test_an_issuer_may_be_on_this_machine(identifier: str) -> None:
    assert Issuer(identifier).identifier == identifier


def test_where_metadata_may_stand() -> None:
    assert Issuer(ISSUER).metadata_urls() == (
        "https://auth.example/.well-known/oauth-authorization-server/t/acme/production",
        "https://auth.example/t/acme/production/.well-known/openid-configuration",
    )
    assert Issuer("https://acme.auth0.example/").metadata_urls() == (
        "https://acme.auth0.example/.well-known/oauth-authorization-server",
        "https://acme.auth0.example/.well-known/openid-configuration",
    )


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"issuer": ISSUER + "/", "jwks_uri": ISSUER + "/k"}, "another issuer"),
        ({"jwks_uri": ISSUER + "/k"}, "another issuer"),
        ({"issuer": ISSUER}, "no jwks_uri"),
        ({"issuer": ISSUER, "jwks_uri": 1}, "no jwks_uri"),
        ({"issuer": ISSUER, "jwks_uri": "https://auth.example:444/k"}, "another origin"),
        ({"issuer": ISSUER, "jwks_uri": "https://sub.auth.example/k"}, "another origin"),
        ({"issuer": ISSUER, "jwks_uri": "http://auth.example/k"}, "neither https"),
        ({"issuer": ISSUER, "jwks_uri": "http://127.0.0.1/k"}, "another origin"),
        ({"issuer": ISSUER, "jwks_uri": "https://auth.example@evil.example/k"}, "without a user"),
    ],
)
def test_metadata_names_no_other_origin(document: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Issuer(ISSUER).named_in(document, "jwks_uri")


def test_a_profile_may_name_the_origin_of_the_keys() -> None:
    issuer = Issuer("https://sts.windows.net/tid/", "entra")
    keys = "https://login.microsoftonline.com/common/discovery/keys"
    assert issuer.named_in({"issuer": issuer.identifier, "jwks_uri": keys}, "jwks_uri") == keys


def test_profiles_by_name_and_by_value() -> None:
    assert Issuer(ISSUER, "oidc").rules is Issuer(ISSUER, OIDC).rules is OIDC
    with pytest.raises(ValueError, match="no profile 'okta'"):
        Issuer(ISSUER, "okta")


def test_the_feed_needs_credentials_and_no_credentials_show() -> None:
    with pytest.raises(ValueError, match="credentials"):
        Issuer(ISSUER, follow_revocations=True)
    issuer = Issuer(ISSUER, credentials=lambda: ("guard", "text"))
    assert issuer.own_credentials() == ("guard", Secret("text"))
    assert "guard" not in repr(issuer)
    with pytest.raises(ValueError, match="no credentials"):
        Issuer(ISSUER).own_credentials()


def test_what_a_guard_cannot_be_built_with() -> None:
    credentials = Issuer(ISSUER, credentials=lambda: ("a", "b"))
    for issuers, why in (
        ([], "at least one issuer"),
        ([ISSUER, ISSUER], "given twice"),
        ([credentials, Issuer("https://b.example", credentials=lambda: ("a", "b"))], "for one only"),
    ):
        with pytest.raises(ValueError, match=why):
            mintmark.Guard(issuers, "https://api.example")


def test_the_metadata_and_challenge_of_the_resource() -> None:
    place = "https://api.example/.well-known/oauth-protected-resource"
    guard = mintmark.Guard(ISSUER, "https://api.example", scopes=["read"], metadata_url=place)
    assert guard.metadata() == {
        "resource": "https://api.example",
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["read"],
    }
    from mintmark.values.errors import insufficient_scope

    answer = guard.refusal(insufficient_scope("It lacks read."), "read", "write")
    assert answer.status == 403
    assert dict(answer.headers)[b"www-authenticate"] == (
        b'Bearer realm="https://api.example", error="insufficient_scope", error_description="It lacks read.", '
        b'scope="read write", resource_metadata="' + place.encode() + b'"'
    )
