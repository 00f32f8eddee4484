"""`mintmark guard` hands its options over as they were given."""

from __future__ import annotations

from pathlib import Path

from mintmark.cli.services import GuardOptions
from tests.cli.conftest import Terminal

NEEDED = (
    "guard",
    "--issuer",
    "https://a.example",
    "--audience",
    "https://api.example",
    "--policy",
    "policy.toml",
)


def test_what_is_not_said_is_safe(mintmark: Terminal) -> None:
    assert mintmark(*NEEDED).out == "guarding\n"
    assert mintmark.asked == [
        GuardOptions(("https://a.example",), ("https://api.example",), Path("policy.toml"), "127.0.0.1", 9090)
    ]


def test_every_option_is_handed_over(mintmark: Terminal) -> None:
    more = [
        "--issuer",
        "https://b.example",
        "--audience",
        "two",
        "--listen",
        "[::1]:9999",
        "--profile",
        "oidc",
    ]
    more += [
        "--trusted-proxies",
        "10.0.0.0/8",
        "--trusted-proxies",
        "fd00::/8",
        "--jwks-uri",
        "https://k.example",
    ]
    more += [
        "--client-id",
        "guard",
        "--secret-file",
        "secret",
        "--follow-revocations",
        "--feed-policy",
        "close",
    ]
    assert mintmark(*NEEDED, *more, "--log-level", "warning").code == 0
    assert mintmark.asked == [
        GuardOptions(
            ("https://a.example", "https://b.example"),
            ("https://api.example", "two"),
            Path("policy.toml"),
            "::1",
            9999,
            ("10.0.0.0/8", "fd00::/8"),
            "oidc",
            "https://k.example",
            "guard",
            Path("secret"),
            None,
            True,
            "close",
            "warning",
        )
    ]


def test_an_address_to_listen_on_has_a_port(mintmark: Terminal) -> None:
    for listen in (
        "9090",
        "127.0.0.1",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "[::1:9090",
        ":9090",
        "127.0.0.1:９090",
    ):
        assert "it must be an address and a port" in mintmark.refused(*NEEDED, "--listen", listen)


def test_a_guard_needs_issuer_audience_and_policy(mintmark: Terminal) -> None:
    for missing in ("--issuer", "--audience", "--policy"):
        at = NEEDED.index(missing)
        assert missing in mintmark.refused(*NEEDED[:at], *NEEDED[at + 2 :])
