"""Settings: read from a file and the environment, refused with the place of the fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mintmark.authorization_server.metadata import KEY_SET_MAX_AGE
from mintmark.compose.config_text import commented_toml
from mintmark.config import (
    PREFIX,
    ConfigFault,
    Settings,
    load_settings,
)
from mintmark.storage.following import LONGEST_LAG
from mintmark.web.loopback import is_loopback, listen_for

DOCUMENTED = Path(__file__).parents[1] / "docs" / "server.md"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mintmark.toml"
    path.write_text(text)
    return path


def fault(path: Path, **overrides: object) -> str:
    with pytest.raises(ConfigFault) as caught:
        load_settings(path, overrides)
    return str(caught.value)


def test_an_empty_file_means_the_defaults_beside_it(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, ""))
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8080, 1)
    assert settings.database == tmp_path / "mintmark.db"
    assert settings.key_encryption_key == f"file:{tmp_path / 'mintmark.key'}"


def test_the_commented_file_is_read_back_and_explains_every_setting(tmp_path: Path) -> None:
    text = commented_toml({"public_url": "https://auth.example.com", "database": "data.db"})
    settings = load_settings(written(tmp_path, text))
    assert (settings.public_url, settings.database) == ("https://auth.example.com", tmp_path / "data.db")
    for name, field in Settings.model_fields.items():
        assert re.search(rf"^(# )?{name} = ", text, re.MULTILINE)
        assert field.description


def test_every_commented_default_can_be_uncommented(tmp_path: Path) -> None:
    text = re.sub(r"^# (\w+ = )", r"\1", commented_toml({}), flags=re.MULTILINE)
    assert load_settings(written(tmp_path, text)).workers == 1


def test_the_command_line_stands_above_the_environment_above_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "workers = 2\n")
    assert load_settings(path).workers == 2
    monkeypatch.setenv("MINTMARK_WORKERS", "3")
    assert load_settings(path).workers == 3
    assert load_settings(path, {"workers": 4}).workers == 4
    assert load_settings(path, {"workers": None}).workers == 3


def test_a_signing_key_is_published_for_longer_than_anybody_may_miss_it(tmp_path: Path) -> None:
    shortest = 600
    settings = load_settings(written(tmp_path, f"signing_key_publish_ahead = {shortest}\n"))
    assert settings.signing_key_publish_ahead == shortest
    assert fault(written(tmp_path, f"signing_key_publish_ahead = {shortest - 1}\n"))
    # A node may not have heard of it, verifiers keep what it said, clocks lie apart, load balancers ask seldom.
    clocks, load_balancer = 60, 120
    assert shortest > LONGEST_LAG + KEY_SET_MAX_AGE + clocks + load_balancer


def test_proxies_may_be_a_list_or_separated_by_commas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, 'trusted_proxies = ["10.0.0.0/8", "::1"]\n')
    assert load_settings(path).proxies.trusts("10.1.2.3")
    monkeypatch.setenv("MINTMARK_TRUSTED_PROXIES", "192.0.2.1, 192.0.2.2")
    assert load_settings(path).proxies.trusts("192.0.2.2")
    assert not load_settings(path).proxies.trusts("10.1.2.3")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('listn = "x"', "line 2: there is no setting 'listn'; did you mean 'listen'?"),
        ("[server]\nport = 1", "line 2: there is no setting 'server'"),
        ("workers = 0", "line 2: workers: "),
        ('workers = "many"', "line 2: workers: "),
        ('public_url = "http://auth.example.com"', "line 2: public_url: it must begin with https://"),
        ('public_url = "ftp://localhost"', "line 2: public_url: "),
        ('public_url = "https://user@auth.example.com"', "line 2: public_url: "),
        ('public_url = "https://auth.example.com/?x"', "line 2: public_url: "),
        ('public_url = "https://[::1"', "line 2: public_url: "),
        ('listen = "8080"', "line 2: listen: it must be an address and a port"),
        ('listen = "127.0.0.1:0"', "line 2: listen: "),
        ('listen = "127.0.0.1:65536"', "line 2: listen: "),
        ('trusted_proxies = ["10.0.0.1/8"]', "line 2: trusted_proxies: '10.0.0.1/8' is neither"),
        ('audit_keep_bytes = "20 gigs"', "line 2: audit_keep_bytes: it must be a number of bytes, as in"),
        ("audit_keep_bytes = -1", "line 2: audit_keep_bytes: "),
        ('forwarding_header = "x-real-ip"', "line 2: forwarding_header: "),
        ('tls_cert = "chain.pem"', "tls_cert and tls_key go together"),
        (
            'listen = "0.0.0.0:8080"',
            "is not a loopback address: set tls_cert and tls_key, or trusted_proxies",
        ),
        ('listen = "[::]:8080"', "is not a loopback address"),
        ("signing_key_signs_for = 3600", "signing_key_signs_for must be longer"),
        ("this is not TOML", "it is not TOML"),
    ],
)
def test_a_wrong_setting_is_one_sentence_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, f"# mine\n{text}\n")
    told = fault(path)
    assert told.startswith(str(path))
    assert sentence in told
    assert "\n" not in told.split("it is not TOML")[0]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("7", 7),
        ('"7"', 7),
        ('"20GB"', 20 * 10**9),
        ('"512 MiB"', 512 << 20),
        ('"3kB"', None),
        ('"2TiB"', 2 << 40),
    ],
)
def test_a_size_is_a_number_of_bytes_or_has_a_unit(tmp_path: Path, text: str, size: int | None) -> None:
    path = written(tmp_path, f"audit_keep_bytes = {text}\n")
    if size is None:
        assert "audit_keep_bytes" in fault(path)
    else:
        assert load_settings(path).audit_keep_bytes == size


def test_a_wrong_variable_or_option_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "")
    assert fault(path, workers=0).startswith("--workers: ")
    monkeypatch.setenv("MINTMARK_WORKERS", "none")
    assert fault(path).startswith("environment variable MINTMARK_WORKERS: ")


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    assert "there is no such file" in fault(tmp_path / "mintmark.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    assert "cannot be read" in fault(tmp_path / "binary.toml")
    assert "cannot be read" in fault(tmp_path)


@pytest.mark.parametrize(
    "more",
    ['tls_cert = "a.pem"\ntls_key = "b.pem"', 'trusted_proxies = ["10.0.0.1"]'],
    ids=["tls", "proxies"],
)
def test_a_listener_elsewhere_needs_a_certificate_or_declared_proxies(tmp_path: Path, more: str) -> None:
    settings = load_settings(written(tmp_path, f'listen = "0.0.0.0:8443"\n{more}\n'))
    assert (settings.host, settings.port) == ("0.0.0.0", 8443)


@pytest.mark.parametrize(
    ("host", "is_it"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("localhost", True),
        ("api.localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_alone(host: str, is_it: bool) -> None:
    assert is_loopback(host) is is_it


def test_the_documentation_has_a_row_for_each_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", DOCUMENTED.read_text(), re.MULTILINE))
    defaults = {
        name: re.search(rf"^# {name} = (.*)$", commented_toml({}), re.MULTILINE)[1]  # type: ignore[index]
        for name in Settings.model_fields
    }
    unset = {name for name, field in Settings.model_fields.items() if field.default is None}
    assert set(rows) == set(Settings.model_fields)
    assert {name: value for name, value in rows.items() if name not in unset} == {
        name: value for name, value in defaults.items() if name not in unset
    }
    assert {rows[name] for name in unset} == {"unset"}


@pytest.mark.parametrize(
    ("public_url", "listen"),
    [
        ("http://127.0.0.1:18431", "127.0.0.1:18431"),
        ("http://[::1]:8081/", "[::1]:8081"),
        ("http://localhost:9000/mint", "127.0.0.1:9000"),
        ("http://mint.localhost", "127.0.0.1:80"),
        ("https://auth.example.com", None),
        ("https://127.0.0.1:8443", None),
        ("http://auth.example.com:8080", None),
        ("http://127.0.0.1:port", None),
        ("http://[", None),
    ],
)
def test_the_listener_follows_a_plain_url_of_this_machine(public_url: str, listen: str | None) -> None:
    assert listen_for(public_url) == listen


def test_a_database_on_a_server_is_a_url_without_a_password(tmp_path: Path) -> None:
    url = "postgresql://mintmark@db.example.com:5433/mintmark?sslmode=verify-full"
    settings = load_settings(
        written(tmp_path, f'database = "{url}"\ndatabase_password = "file:secret/password"')
    )
    assert (settings.database, settings.database_file) == (url, None)
    assert settings.database_password == f"file:{tmp_path / 'secret' / 'password'}"
    assert Settings.model_validate(settings.model_dump(mode="json")).database == url


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://mintmark:s3cr3t@db/mintmark", "database_password"),
        ("postgresql://db/mintmark?password=s3cr3t", "database_password"),
        ("postgresql://db/mintmark?sslkey=k.pem&sslpassword=s3cr3t", "sslpassword"),
        ("postgresql://db/mintmark?oauth_client_secret=s3cr3t", "oauth_client_secret"),
    ],
)
def test_a_password_in_the_databases_url_is_refused_and_not_repeated(
    tmp_path: Path, url: str, named: str
) -> None:
    said = fault(written(tmp_path, f'database = "{url}"'))
    assert named in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize("url", ["postgresql://db", "postgres://db/a/b", "postgresql://db:x/name"])
def test_a_databases_url_names_host_and_database(tmp_path: Path, url: str) -> None:
    assert "line 1: database: it must be a URL such as" in fault(written(tmp_path, f'database = "{url}"'))
