"""`mintmark doctor` against real sockets: every row of Oleria's troubleshooting table, and what lies before it."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mintmark.cli.client import commands
from mintmark.compose.client_commands import services
from mintmark.transport.probes import Way, clock_at, connect, handshake, resolve
from tests.transport.host import SECRET, Host
from tests.transport.host import host as host
from tests.transport.loopback import Vendor, as_json, vendor

Doctor = Callable[..., Any]


@pytest.fixture
def shop() -> Iterator[Vendor]:
    with vendor() as running:
        yield running


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run it; what it says to programs, after a look at what it says to people."""

    def run(name: str = "shop", *arguments: str, people: bool = False) -> Any:
        capsys.readouterr()
        form = [] if people else ["--json"]
        code = commands.run(["doctor", name, "--timeout", "30", *form, *arguments], services())
        out, err = capsys.readouterr()
        assert err == ""
        assert SECRET not in out
        assert "-of-the-vendor" not in out
        if people:
            return out
        said = json.loads(out)
        assert code == (0 if said["ok"] else 1)
        return said

    return run


def sentence(said: Any, step: str) -> str:
    assert said["fault"] is not None, said
    assert said["fault"]["step"] == step
    assert said["steps"][-1]["outcome"] == "fault"
    assert [each["outcome"] for each in said["steps"]].count("fault") == 1
    text: str = said["fault"]["sentence"]
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_when_nothing_is_wrong_it_walks_to_the_api_call(host: Host, shop: Vendor, doctor: Doctor) -> None:
    host.save("shop", shop)
    said = doctor()
    assert [step["step"] for step in said["steps"]] == [
        "configuration",
        "name resolution",
        "TCP",
        "TLS",
        "clock",
        "token endpoint",
        "client authentication",
        "token contents",
        "API call",
    ]
    assert (said["ok"], len(shop.token_requests), len(shop.calls)) == (True, 1, 1)
    assert doctor(people=True).endswith("Nothing is wrong.\n")


def test_a_token_endpoint_that_never_answers_is_blocked_egress(
    host: Host, shop: Vendor, doctor: Doctor
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for scheme, step in (("http", "token endpoint"), ("https", "TLS")):
            host.save("shop", shop, token_url=f"{scheme}://127.0.0.1:{port}/token")
            said = sentence(doctor("shop", "--timeout", "0.2"), step)
            assert "etwork egress to the host of the token endpoint is blocked" in said
            assert "allow-list 127.0.0.1" in said


def test_a_packet_that_is_lost_is_blocked_egress(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", lost)
    assert connect(Way("auth.example", 443, "token endpoint", True), 1).trouble == "timeout"


def test_a_wrong_host_name(host: Host, shop: Vendor, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    host.save("shop", shop, token_url="https://auth.exampel.invalid/token")
    said = sentence(doctor(), "name resolution")
    assert said.startswith(
        "The host name auth.exampel.invalid of the token endpoint is not known: the address is misspelled"
    )


def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [answered.wait(10)][:0])
    assert resolve(Way("auth.example", 443, "token endpoint", True), 0.05).trouble == "timeout"
    answered.set()


def test_a_port_on_which_nobody_listens(host: Host, shop: Vendor, doctor: Doctor) -> None:
    host.save("shop", shop, token_url="http://127.0.0.1:1/token")
    assert "127.0.0.1:1 refused the connection" in sentence(doctor(), "TCP")


def test_https_where_only_http_is_spoken(host: Host, shop: Vendor, doctor: Doctor) -> None:
    host.save("shop", shop, token_url=f"{shop.url.replace('http', 'https')}/token")
    assert "does not speak TLS" in sentence(doctor(), "TLS")


def test_a_certificate_that_nobody_trusts(host: Host, shop: Vendor, doctor: Doctor, tmp_path: Path) -> None:
    with tls_server(tmp_path, certificate(tmp_path, "127.0.0.1")) as port:
        host.save("shop", shop, token_url=f"https://127.0.0.1:{port}/token")
        said = sentence(doctor(), "TLS")
        assert "signed by nobody whom this machine trusts" in said
        assert "SSL_CERT_FILE" in said


@pytest.mark.parametrize(
    ("name", "days", "trouble"),
    [
        ("localhost", (-1, 1), ""),
        ("other.example", (-1, 1), "wrong_host"),
        ("localhost", (-2, -1), "expired"),
        ("localhost", (1, 2), "not_yet_valid"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_named(
    tmp_path: Path, name: str, days: tuple[int, int], trouble: str
) -> None:
    path = certificate(tmp_path, name, *days)
    trusting = ssl.create_default_context(cafile=str(path))
    with tls_server(tmp_path, path) as port:
        assert handshake(Way("localhost", port, "token endpoint", True), 30, trusting).trouble == trouble


def certificate(folder: Path, name: str, since: int = -1, until: int = 1) -> Path:
    """A certificate that is its own authority, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + timedelta(days=since))
        .not_valid_after(now + timedelta(days=until))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@contextmanager
def tls_server(folder: Path, path: Path) -> Iterator[int]:
    """Shakes one hand and closes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)

        def shake_hands() -> None:
            for _ in range(2):  # the first connection is the probe of TCP, where there is one
                try:
                    with (
                        listener.accept()[0] as plain,
                        context.wrap_socket(plain, server_side=True) as secure,
                    ):
                        secure.recv(1)
                except OSError:
                    continue

        Thread(target=shake_hands, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(("shift", "words"), [(-3600, "ahead of"), (3600, "behind")])
def test_a_clock_that_is_off(
    host: Host, shop: Vendor, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, shift: int, words: str
) -> None:
    plain = BaseHTTPRequestHandler.date_time_string
    monkeypatch.setattr(
        BaseHTTPRequestHandler, "date_time_string", lambda self, *_: plain(self, time.time() + shift)
    )
    host.save("shop", shop)
    said = sentence(doctor(), "clock")
    assert f"s {words} the vendor's" in said
    assert "set the clock of this machine" in said
    assert shop.token_requests == []


def test_a_date_that_is_none_is_no_clock(shop: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda self, *_: "tomorrow")
    assert clock_at(f"{shop.url}/token", 5) is None


def test_400_invalid_request(host: Host, shop: Vendor, doctor: Doctor) -> None:
    shop.refuse = lambda asked: as_json(400, {"error": "invalid_request"}, x_request_id="r-7")
    host.save("shop", shop, form="post")
    said = sentence(doctor(), "token endpoint")
    assert said == (
        "400 invalid_request from the token endpoint (request id r-7): a required field is missing or misspelled; "
        "compare the fields that were sent (grant_type, client_id, client_secret, scope, audience, resource) with the "
        "vendor's sample request."
    )


def test_401_invalid_client(host: Host, shop: Vendor, doctor: Doctor) -> None:
    shop.refuse = lambda asked: as_json(401, {"error": "invalid_client"})
    host.save("shop", shop)
    said = sentence(doctor(), "client authentication")
    assert "401 invalid_client from the token endpoint: the client id or the secret is wrong" in said
    assert "not active in this environment; confirm the credentials of 'the-client' with the vendor" in said
    assert shop.calls == []


def test_401_from_the_api_after_a_successful_token_call(host: Host, shop: Vendor, doctor: Doctor) -> None:
    shop.respond = lambda asked: as_json(
        401, {}, www_authenticate='Bearer error="invalid_token"', x_request_id="a-1"
    )
    host.save("shop", shop)
    said = sentence(doctor(), "API call")
    assert "401 from the API at 127.0.0.1 (request id a-1) after a successful token call" in said
    assert "the header arrives as `Authorization: Bearer <token>`" in said


def test_403_from_the_api(host: Host, shop: Vendor, doctor: Doctor) -> None:
    challenge = 'Bearer error="insufficient_scope", scope="things:read"'
    shop.respond = lambda asked: as_json(403, {}, www_authenticate=challenge)
    host.save("shop", shop)
    said = sentence(doctor(), "API call")
    assert "the credential is not scoped for this resource, which needs 'things:read'" in said
    assert "have the vendor confirm that the credential has the right permissions" in said


def test_an_api_behind_a_closed_door(host: Host, shop: Vendor, doctor: Doctor) -> None:
    host.save("shop", shop, api_url="http://127.0.0.1:1/v1")
    assert "refused the connection of the API" in sentence(doctor(), "API call")


def test_a_token_goes_to_no_address_that_the_profile_does_not_name(
    host: Host, shop: Vendor, doctor: Doctor
) -> None:
    host.save("shop", shop)
    said = sentence(doctor("shop", "--url", "https://elsewhere.example/"), "configuration")
    assert "is not sent to https://elsewhere.example:443" in said
    assert shop.token_requests == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"client_secret": {"env": "NOT_SET_ANYWHERE"}}, "NOT_SET_ANYWHERE is not set"),
        ({"token_url": "http://auth.example/token"}, "https://"),
        ({"dialect": "oleria"}, "scope"),
        ({"form": "no such form"}, "no form"),
        ({"token_url": "nonsense"}, "token"),
    ],
)
def test_a_profile_that_cannot_work_is_found_before_anybody_is_asked(
    host: Host, shop: Vendor, doctor: Doctor, changed: dict[str, Any], words: str
) -> None:
    host.save("shop", shop, **changed)
    assert words in sentence(doctor(), "configuration")
    assert shop.token_requests == []


def test_a_standing_token_is_tried_at_the_api_alone(host: Host, shop: Vendor, doctor: Doctor) -> None:
    shop.live.add("made-by-an-administrator")
    host.save("shop", shop, token_url="", client_id="", client_secret="", token="made-by-an-administrator")
    said = doctor()
    assert said["ok"], said
    assert "made-by-an-administrator" not in str(said)
    assert [step["step"] for step in said["steps"]] == ["configuration", "token contents", "API call"]
