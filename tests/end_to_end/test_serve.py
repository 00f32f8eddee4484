"""`mintmark init` and `mintmark serve`: what is written, what is refused, TLS, workers and an orderly end."""

from __future__ import annotations

import base64
import datetime
import http.client
import json
import signal
import sqlite3
import ssl
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import Running, basic, call, free_port, mintmark, post_form, until

READY = "Mintmark serves"
FILES = {"mintmark.toml", "mintmark.db", "mintmark.key"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that `mintmark init` has made."""
    directory = tmp_path_factory.mktemp("installed") / "here"
    done = mintmark("init", "--directory", directory, "--non-interactive")
    assert done.returncode == 0, done.stderr
    return directory


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    directory = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, private = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return chain, private


def admin(directory: Path, *arguments: object, stdin: str = "") -> dict[str, object]:
    done = mintmark("admin", *arguments, "--config", directory / "mintmark.toml", "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_init_writes_three_private_files_and_says_the_password_once(tmp_path: Path) -> None:
    done = mintmark("init", "--directory", tmp_path, "--non-interactive", "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert made["operator"] == "operator"
    assert len(made["password"]) >= 20
    assert not any(made["password"].encode() in path.read_bytes() for path in tmp_path.iterdir())


def test_init_changes_nothing_when_something_is_there(installed: Path) -> None:
    before = {path.name: path.read_bytes() for path in installed.iterdir()}
    refused = mintmark("init", "--directory", installed, "--non-interactive")
    assert refused.returncode == 2
    assert "exists already" in refused.stderr
    assert {path.name: path.read_bytes() for path in installed.iterdir()} == before


def test_init_writes_nothing_when_a_value_is_bad(tmp_path: Path) -> None:
    refused = mintmark(
        "init", "--directory", tmp_path, "--non-interactive", "--public-url", "http://example.com"
    )
    assert refused.returncode == 2
    assert "https" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_serve_refuses_a_demos_directory(demo: Demo) -> None:
    config = demo.directory / "mintmark.toml"
    config.write_text('database = "demo.db"\nkey_encryption_key = "file:demo.key"\n')
    try:
        refused = mintmark("serve", "--config", config)
    finally:
        config.unlink()
    assert refused.returncode == 2
    assert "demo" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "tls_cert"),
        (["--port", "99999"], "--port"),
        (["--workers", "0"], "workers"),
        (["--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.pem"], "/nowhere.pem"),
    ],
)
def test_serve_refuses_what_is_unsafe_or_wrong_in_one_sentence(
    installed: Path, arguments: list[str], words: str
) -> None:
    refused = mintmark("serve", "--config", installed / "mintmark.toml", *arguments)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr


def test_serve_names_the_file_and_line_of_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "mintmark.toml").write_text('# mine\nlistn = "127.0.0.1:8080"\n')
    refused = mintmark("serve", "--config", tmp_path / "mintmark.toml")
    assert refused.returncode == 2
    assert "mintmark.toml, line 2: there is no setting 'listn'; did you mean 'listen'?" in " ".join(
        refused.stderr.split()
    )


def test_serve_refuses_a_key_that_does_not_open_the_data(tmp_path: Path) -> None:
    assert mintmark("init", "--directory", tmp_path, "--non-interactive").returncode == 0
    key = tmp_path / "mintmark.key"
    key.write_text(base64.b64encode(bytes(32)).decode())
    config = tmp_path / "mintmark.toml"
    refused = mintmark("admin", "tenant", "create", "acme", "--config", config)
    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (2, "", 1)
    assert "key-encryption key" in refused.stderr
    refused = mintmark("serve", "--config", tmp_path / "mintmark.toml", "--port", free_port())
    assert refused.returncode == 2
    assert "key-encryption key" in refused.stderr
    key.chmod(0o644)
    refused = mintmark("serve", "--config", tmp_path / "mintmark.toml", "--port", free_port())
    assert refused.returncode == 2
    assert "chmod 600" in refused.stderr


def test_a_newer_schema_is_refused_and_a_current_one_needs_no_migration(tmp_path: Path) -> None:
    assert mintmark("init", "--directory", tmp_path, "--non-interactive").returncode == 0
    config = tmp_path / "mintmark.toml"
    done = mintmark("migrate", "--config", config, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["backup"] is None
    with closing(sqlite3.connect(tmp_path / "mintmark.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    for command in ("serve", "migrate"):
        refused = mintmark(command, "--config", config)
        assert refused.returncode == 2
        assert "newer version" in refused.stderr
    assert {path.name for path in tmp_path.iterdir()} == FILES


def test_serve_refuses_a_taken_port(installed: Path, demo: Demo) -> None:
    refused = mintmark("serve", "--config", installed / "mintmark.toml", "--port", demo.port)
    assert refused.returncode == 2
    assert str(demo.port) in refused.stderr


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    """An installation that serves, and its URL."""
    directory = tmp_path_factory.mktemp("served")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    assert (
        mintmark("init", "--directory", directory, "--non-interactive", "--public-url", url).returncode == 0
    )
    server = Running(
        "serve",
        "--config",
        directory / "mintmark.toml",
        "--port",
        port,
        "--workers",
        request.param,
        ready=READY,
    )
    try:
        until(lambda: answers(url))
        yield directory, url
    finally:
        code = server.stop(signal.SIGTERM)
    assert code == 0
    assert "Traceback" not in server.output


def answers(url: str) -> bool:
    try:
        return call("GET", url).status > 0
    except OSError:
        return False


def test_what_the_command_line_makes_is_served_by_every_worker(
    served: tuple[Path, str],
) -> None:
    directory, url = served
    admin(directory, "tenant", "create", "acme", "--name", "Acme")
    admin(directory, "environment", "create", "acme/production", "--mount", "/oauth/token=standard")
    admin(
        directory,
        "api",
        "create",
        "acme/production",
        "https://api.acme.example",
        "--name",
        "API",
        "--scope",
        "read",
    )
    client = admin(
        directory,
        *("client", "create", "acme/production", "--name", "robot"),
        *("--allow", "https://api.acme.example read"),
    )
    headers = basic(str(client["client_id"]), str(client["client_secret"]))
    endpoint = f"{url}/t/acme/production/oauth/token"

    def statuses() -> set[int]:
        grant = {"grant_type": "client_credentials"}
        return {post_form(endpoint, grant, headers=headers).status for _ in range(8)}

    until(lambda: statuses() == {200}, "a worker does not know what was made")
    assert call("GET", f"{url}/t/acme/production/v1/things").status == 404  # no sample API outside a demo
    admin(directory, "client", "delete", "acme/production", str(client["client_id"]), "--yes")
    assert statuses() == {401}


def test_serve_speaks_tls_with_a_certificate(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    port = free_port()
    done = mintmark(
        "init", "--directory", tmp_path, "--non-interactive", "--public-url", f"https://localhost:{port}"
    )
    assert done.returncode == 0, done.stderr
    server = Running(
        *("serve", "--config", tmp_path / "mintmark.toml", "--host", "0.0.0.0", "--port", port),
        *("--tls-cert", chain, "--tls-key", key),
        ready=READY,
    )
    try:
        context = ssl.create_default_context(cafile=chain)
        with closing(
            http.client.HTTPSConnection("localhost", port, context=context, timeout=30)
        ) as connection:
            connection.request("GET", "/")
            response = connection.getresponse()
            assert (response.status, len(response.getheader("x-request-id") or "")) == (404, 26)
            response.read()
    finally:
        assert server.stop() == 0
