"""What `mintmark doctor` says: each row of Oleria's troubleshooting table, and what the table is silent about."""

from __future__ import annotations

import pytest

from mintmark.client import diagnosis, diagnosis_network
from mintmark.client.diagnosis_steps import Asked, Called, Contact, Step
from mintmark.client.errors import HeldBack, Misconfigured, NoSense, NoToken, Refused, Unreachable
from mintmark.client.inspection import Fault, Inspected

ASKED = Asked(
    "auth.oleria.example", "the-client", ("grant_type", "client_idd", "scope"), ("https://api.example",)
)


def sentence(step: Step) -> str:
    assert step.outcome == "fault"
    assert step.finding is not None
    assert step.finding.sentence.endswith(".")
    assert "\n" not in step.finding.sentence
    return step.finding.sentence


def refused(status: int, code: str, description: str = "no") -> Refused:
    return Refused(status, code, description, permanent=True, request_id="req-1")


def test_400_invalid_request_means_a_field_that_is_missing_or_misspelled() -> None:
    step = diagnosis.of_refusal(refused(400, "invalid_request"), ASKED)
    assert step.name == "token endpoint"
    assert sentence(step) == (
        "400 invalid_request from the token endpoint (request id req-1): a required field is missing or misspelled; "
        "compare the fields that were sent (grant_type, client_idd, scope) with the vendor's sample request."
    )


@pytest.mark.parametrize("refusal", [refused(401, "invalid_client"), refused(401, "unauthorized")])
def test_401_from_the_token_endpoint_means_wrong_credentials_or_the_wrong_environment(
    refusal: Refused,
) -> None:
    step = diagnosis.of_refusal(refusal, ASKED)
    assert step.name == "client authentication"
    assert (
        "the client id or the secret is wrong, or the credentials are not active in this environment"
        in sentence(step)
    )
    assert "'the-client'" in sentence(step)
    assert "auth.oleria.example is the right environment" in sentence(step)


@pytest.mark.parametrize("status", [401, 419])
def test_401_from_the_api_after_a_token_means_a_token_or_a_header_that_does_not_fit(status: int) -> None:
    step = diagnosis.of_call(Called("api.example", "GET", status, dead=frozenset({401, 419})))
    assert step.name == "API call"
    assert f"{status} from the API at api.example after a successful token call" in sentence(step)
    assert "has expired, or the Authorization header is malformed" in sentence(step)
    assert "`Authorization: Bearer <token>`" in sentence(step)


@pytest.mark.parametrize(
    "called", [Called("a", "GET", 403), Called("a", "GET", 401, "insufficient_scope", "x:read")]
)
def test_403_from_the_api_means_a_credential_without_the_permission(called: Called) -> None:
    said = sentence(diagnosis.of_call(called))
    assert "the token is valid but the credential is not scoped for this resource" in said
    assert ("'x:read'" in said) == bool(called.scope)


@pytest.mark.parametrize(
    "step",
    [
        diagnosis_network.of_connection(Contact("auth.example", "token endpoint", "timeout", "10 s")),
        diagnosis_network.of_tls(Contact("auth.example", "token endpoint", "timeout", "10 s")),
        diagnosis_network.blocked(
            "token endpoint", Contact("auth.example", "token endpoint", "timeout", "10 s")
        ),
        diagnosis.of_refusal(Unreachable("the answer took longer than 15 s"), Asked("auth.example")),
    ],
)
def test_a_hang_means_that_egress_is_blocked(step: Step) -> None:
    assert "network egress to the host of the token endpoint is blocked" in sentence(step)
    assert "allow-list auth.example, and the API's host, in your egress firewall" in sentence(step)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("unknown", "the host name auth.example of the token endpoint is not known"),
        ("timeout", "the name server did not answer for auth.example"),
    ],
)
def test_a_name_that_is_not_found(trouble: str, words: str) -> None:
    assert words in sentence(
        diagnosis_network.of_resolution(Contact("auth.example", "token endpoint", trouble))
    )


@pytest.mark.parametrize(
    ("trouble", "words"),
    [("refused", "nothing listens on that port"), ("unreachable", "no route there")],
)
def test_a_host_that_cannot_be_connected_to(trouble: str, words: str) -> None:
    assert words in sentence(
        diagnosis_network.of_connection(Contact("auth.example:1", "API", trouble, "No route"))
    )


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("no_tls", "does not speak TLS"),
        ("wrong_host", "is for another host name"),
        ("expired", "has expired"),
        ("not_yet_valid", "is not valid yet: the clock of this machine is behind"),
        ("self_signed", "signed by nobody whom this machine trusts"),
        ("untrusted", "signed by nobody whom this machine trusts"),
        ("other", "failed (handshake failure)"),
        ("never heard of", "failed (handshake failure)"),
    ],
)
def test_tls_that_is_refused(trouble: str, words: str) -> None:
    seen = Contact("auth.example", "token endpoint", trouble, "handshake failure")
    assert words in sentence(diagnosis_network.of_tls(seen))


@pytest.mark.parametrize(
    ("ours", "outcome"), [(1060.0, "ok"), (1061.0, "fault"), (940.0, "ok"), (939.0, "fault")]
)
def test_clocks_may_differ_by_a_minute(ours: float, outcome: str) -> None:
    assert diagnosis_network.of_clock(1000.0, ours).outcome == outcome


def test_a_clock_that_is_off_is_told_with_its_direction() -> None:
    assert "is 100 s behind the vendor's" in sentence(diagnosis_network.of_clock(1100.0, 1000.0))
    assert "is 100 s ahead of the vendor's" in sentence(diagnosis_network.of_clock(1000.0, 1100.0))
    assert diagnosis_network.of_clock(None, 0).outcome == "skipped"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refused(404, "not_found"), "there is no token endpoint at this address"),
        (refused(403, "forbidden"), "turns you away"),
        (refused(429, "slow"), "too many tokens were asked for"),
        (refused(429, "quota_exceeded"), "the allowance of tokens is used up"),
        (refused(503, "temporarily_unavailable"), "a fault of its own"),
        (refused(400, "invalid_scope"), "the scope is misspelled"),
        (refused(400, "invalid_target"), "the audience is unknown"),
        (refused(400, "invalid_grant"), "the user's name or password"),
        (refused(400, "something_new"), "does not accept the request"),
        (NoSense("the answer is not JSON"), "the dialect is not this vendor's"),
        (Unreachable("the connection broke"), "is troubled"),
        (HeldBack("little is left"), "reuse tokens"),
        (Misconfigured("the variable X is not set"), "the configuration is incomplete or wrong"),
    ],
)
def test_every_other_refusal_has_a_cause_and_a_fix(error: NoToken, words: str) -> None:
    assert words in sentence(diagnosis.of_refusal(error, ASKED))


def test_a_token_for_another_audience_is_named() -> None:
    step = diagnosis.of_token(Inspected(True, {}, {"aud": ["https://other.example"]}), ASKED)
    assert "the token is for https://other.example and not for https://api.example" in sentence(step)


@pytest.mark.parametrize(
    ("reason", "words"), [("expired", "has expired already"), ("not_yet_valid", "not valid yet")]
)
def test_a_fresh_token_that_is_not_good(reason: str, words: str) -> None:
    step = diagnosis.of_token(Inspected(True, faults=(Fault(reason, "x"),)), ASKED)
    assert words in sentence(step)


def test_what_is_merely_unusual_about_a_token_is_no_fault() -> None:
    assert diagnosis.of_token(Inspected(True, faults=(Fault("symmetric", "x"),)), ASKED).outcome == "ok"
    assert diagnosis.of_token(Inspected(False), ASKED).outcome == "skipped"


@pytest.mark.parametrize("status", [200, 204, 302, 404, 405, 422])
def test_an_api_that_does_not_refuse_the_token_is_well(status: int) -> None:
    assert diagnosis.of_call(Called("a", "GET", status)).outcome == "ok"
    assert diagnosis.of_call(Called("a", "GET", 500)).outcome == "fault"


def test_an_api_that_is_not_reached_is_a_fault_of_the_call() -> None:
    for trouble in ("unknown", "refused", "timeout", "wrong_host", "unreachable"):
        step = diagnosis_network.of_api_contact(Contact("api.example", "API", trouble, "10 s"))
        assert step.name == "API call"
        assert "api.example" in sentence(step)
