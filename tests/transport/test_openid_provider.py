"""The company's OpenID provider over the network: what is kept, and that one that is away holds nobody up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mintmark.transport.issuer_client import NoResponse
from mintmark.transport.openid_provider import KEPT, LEFT_ALONE, NetworkProvider
from mintmark.values.openid import OpenIdFault, Provider
from mintmark.values.secret import Secret
from mintmark.wire.http import HttpRequest, HttpResponse

ISSUER = "https://id.company.example"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


class Company:
    """Answers as a provider does, or not at all; time stands still until it is moved."""

    def __init__(self) -> None:
        self.now, self.away = 0.0, False
        self.asked: list[str] = []
        self.network = NetworkProvider(
            ISSUER,
            "console",
            lambda: Secret("s"),
            "Company",
            lambda: self.now,
            client=self,  # type: ignore[arg-type]
        )

    def __call__(self, request: HttpRequest, limit: int, time_limit: float | None = None) -> HttpResponse:
        self.asked.append(request.url)
        if self.away:
            raise NoResponse("nobody answers")
        return HttpResponse(200, (), json.dumps(METADATA).encode())


def test_metadata_and_keys_are_fetched_once_in_a_while() -> None:
    company = Company()
    assert company.network.provider() is company.network.provider()
    assert len(company.asked) == 2
    company.now = KEPT - 1
    company.network.provider()
    assert len(company.asked) == 2
    company.now = KEPT
    company.network.provider()
    assert len(company.asked) == 4


def test_a_provider_that_is_away_is_left_alone_for_a_moment() -> None:
    company = Company()
    company.away = True
    for at in (0.0, 1.0, LEFT_ALONE - 1):
        company.now = at
        with pytest.raises(OpenIdFault, match="cannot be reached"):
            company.network.provider()
    assert len(company.asked) == 1, "each who asks would hold a thread until the time limit"
    company.away, company.now = False, LEFT_ALONE
    assert company.network.provider().issuer == ISSUER


def test_a_secret_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    company = Company()
    company.network.secret = lambda: Secret((tmp_path / "absent").read_text())
    provider = Provider(ISSUER, f"{ISSUER}/authorize", f"{ISSUER}/token", b"")
    with pytest.raises(OpenIdFault, match="secret for the OpenID provider cannot be read"):
        company.network.exchange(provider, Secret("code"), Secret("verifier"), "https://mint.example/back")
    assert company.asked == []
