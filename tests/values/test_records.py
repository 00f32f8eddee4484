"""Records name themselves and print no secret."""

from __future__ import annotations

import pytest

from mintmark.values.audit_event import AuditEvent
from mintmark.values.client import Client, Registration
from mintmark.values.secret import Secret
from mintmark.values.tenancy import HANDLE, Api, Environment
from mintmark.values.token import TokenRequest, TokenResponse


def test_an_environment_is_named_by_tenant_and_name() -> None:
    assert Environment("acme", "production", "https://auth.example/t/acme/production").id == "acme/production"


@pytest.mark.parametrize("text", ["acme", "a1", "a-b", "a" * 40])
def test_a_handle_is_a_dns_label(text: str) -> None:
    assert HANDLE.fullmatch(text)


@pytest.mark.parametrize(
    "text", ["", "a", "-a", "a-", "1a", "Acme", "a.b", "a_b", "a" * 41, "acmé", "a\n", "a/b"]
)
def test_other_text_is_no_handle(text: str) -> None:
    assert HANDLE.fullmatch(text) is None


def test_the_safe_defaults_of_a_client() -> None:
    client = Client("acme/production", "c1", "Reports")
    assert client.enabled
    assert client.grant_types == ("client_credentials",)
    assert client.allowed == {}, "a new client may ask for nothing"
    assert not client.imported
    assert Registration(client).secrets == ()


def test_the_safe_defaults_of_an_api() -> None:
    api = Api("acme/production", "https://api.example", "Things")
    assert (api.token_format, api.token_type_header, api.algorithm) == ("jwt", "at+jwt", "ES256")


def test_defaults_are_not_shared() -> None:
    assert Client("e", "a", "A").allowed is not Client("e", "b", "B").allowed


def test_a_request_and_its_answer_print_no_secret() -> None:
    hidden = "correct-horse-battery"
    request = TokenRequest(
        "client_credentials",
        client_id="c1",
        client_secret=Secret(hidden),
        password=Secret(hidden),
        signature=Secret(hidden),
        other_reading=("c1", Secret(hidden)),
    )
    answer = TokenResponse(Secret(hidden), "Bearer", 0)
    assert hidden not in repr(request) + str(request) + repr(answer)
    assert "c1" in repr(request)


def test_a_plain_event_counts_once() -> None:
    assert AuditEvent(0.5, "token", "issued").count == 1
