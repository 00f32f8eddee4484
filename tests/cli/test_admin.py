"""Administration from the command line, noun by noun, on a real database."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from mintmark.cli import output
from mintmark.cli.admin import audit
from mintmark.cli.services import Place
from mintmark.values.audit_event import AuditEvent
from tests.cli.conftest import AUDIENCE, ENVIRONMENT, NOW, Terminal

URL = "https://mint.example"
#: What is about the place, the person or the terminal, and the same wherever the command runs.
IN_PLACE = (
    "test_the_installation_is_found_by_option_variable_or_folder",
    "test_no_installation_or_two_are_refused_with_what_to_do",
    "test_the_actor_is_named_in_the_audit_trail",
    "test_an_argument_of_another_encoding_is_refused",
    "test_a_terminal_that_cannot_show_a_letter_gets_an_escape",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every command says and does the same in place and through a server."""
    if "mintmark" in metafunc.fixturenames and metafunc.function.__name__ not in IN_PLACE:
        metafunc.parametrize("mintmark", ["", URL], ids=["in_place", "by_server"], indirect=True)


@pytest.fixture
def client_id(acme: Terminal) -> str:
    made = acme.made("client", "create", ENVIRONMENT, "--name", "Nightly", "--allow", f"{AUDIENCE} *")
    assert made["allowed"] == {AUDIENCE: ["orders:read", "orders:write"]}
    return str(made["client_id"])


# --- where the installation is ---------------------------------------------------------------------------------------


def test_the_installation_is_found_by_option_variable_or_folder(mintmark: Terminal) -> None:
    mintmark.admin("tenant", "list")
    mintmark.admin("tenant", "list", "--config", "a.toml", env={"MINTMARK_CONFIG": "b.toml"})
    mintmark.admin("tenant", "list", env={"MINTMARK_CONFIG": "b.toml"})
    mintmark.admin("tenant", "list", "--directory", "demo", env={"MINTMARK_CONFIG": "b.toml"})
    assert mintmark.asked == [
        Place(config=Path("mintmark.toml")),
        Place(config=Path("a.toml")),
        Place(config=Path("b.toml")),
        Place(directory=Path("demo")),
    ]


def test_no_installation_or_two_are_refused_with_what_to_do(mintmark: Terminal) -> None:
    assert "one of them" in mintmark.refused("admin", "tenant", "list", "--config", "a", "--directory", "b")
    (mintmark.folder / "mintmark.toml").unlink()
    assert "--directory .mintmark" in mintmark.refused("admin", "tenant", "list")


def test_the_actor_is_named_in_the_audit_trail(mintmark: Terminal) -> None:
    mintmark.admin("tenant", "create", "acme", "--actor", "ada")
    mintmark.admin("tenant", "create", "brand")
    ada, me = [event["actor"] for event in mintmark.made("audit", "tail")]
    assert ada == "ada"
    assert me.startswith("cli:")


def test_a_change_of_nothing_is_refused_and_writes_nothing(acme: Terminal, client_id: str) -> None:
    acme.admin("machine-user", "create", ENVIRONMENT, "printer", "--generate-password")
    before = len(acme.made("audit", "tail"))
    for named in (
        ["tenant", "acme"],
        ["environment", ENVIRONMENT],
        ["api", ENVIRONMENT, AUDIENCE],
        ["mount", ENVIRONMENT, "/oauth/token"],
        ["client", ENVIRONMENT, client_id],
        ["machine-user", ENVIRONMENT, "printer"],
        ["person", "ada"],
    ):
        said = acme.refused("admin", named[0], "change", *named[1:])
        assert "Nothing was given to change" in said, named[0]
    assert len(acme.made("audit", "tail")) == before


def test_an_argument_of_another_encoding_is_refused(mintmark: Terminal) -> None:
    for arguments in (
        ["show", "\udcff"],
        ["create", "acme", "--name", "a\udcff"],
        ["list", "--actor", "\udcff"],
    ):
        assert "UTF-8" in mintmark.refused("admin", "tenant", *arguments)


def test_a_terminal_that_cannot_show_a_letter_gets_an_escape(
    mintmark: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr("sys.stdout", stream)
    output.prepare()
    output.say("mmtabc…")
    stream.flush()
    assert stream.buffer.getvalue() == b"mmtabc\\u2026\n"  # type: ignore[attr-defined]


# --- tenants, environments, mounts, APIs -----------------------------------------------------------------------------


def test_a_tenant_from_creation_to_deletion(mintmark: Terminal) -> None:
    made = mintmark.made("tenant", "create", "acme", "--daily-token-limit", "9")
    assert made == {
        "handle": "acme",
        "name": "acme",
        "enabled": True,
        "daily_token_limit": 9,
        "rate_limit": 0,
        "rate_watched": False,
        "created_at": "2027-01-15T08:00:00Z",
    }
    assert mintmark.made("tenant", "change", "acme", "--name", "Acme")["name"] == "Acme"
    assert mintmark.made("tenant", "disable", "acme")["enabled"] is False
    assert mintmark.made("tenant", "enable", "acme") == mintmark.made("tenant", "show", "acme")
    assert [tenant["handle"] for tenant in mintmark.made("tenant", "list")] == ["acme"]
    assert mintmark.made("tenant", "delete", "acme", "--yes") == {"deleted": "acme"}
    listed = mintmark.admin("tenant", "list")
    assert "no tenants yet" in listed.err
    assert mintmark.refused("admin", "tenant", "show", "acme", code=1).startswith("There is no tenant 'acme'")


def test_people_see_a_table(acme: Terminal) -> None:
    header, line = acme.admin("tenant", "list").out.splitlines()
    assert header.split() == ["handle", "name", "enabled", "daily", "token", "limit", "created", "at"]
    assert line.split() == ["acme", "Acme", "yes", "-", "2027-01-15T08:00:00Z"]


def test_nothing_is_destroyed_without_yes_where_nobody_can_be_asked(acme: Terminal) -> None:
    sentence = acme.refused("admin", "tenant", "delete", "acme")
    assert "--yes" in sentence
    assert acme.made("tenant", "show", "acme")["handle"] == "acme"


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_a_person_is_asked_before_something_is_destroyed(
    acme: Terminal, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr("mintmark.cli.output._at_terminal", lambda: True)
    ran = acme("admin", "tenant", "delete", "acme", stdin=typed)
    assert ran.code == code
    assert "stop working. Go on?" in ran.err


def test_an_environment_has_its_issuer_from_the_public_url(acme: Terminal) -> None:
    made = acme.made("environment", "show", ENVIRONMENT)
    assert made["issuer"] == "https://mint.example/t/acme/production"
    assert made["mounts"] == {"/oauth/token": "standard"}


def test_an_environment_from_creation_to_deletion(acme: Terminal) -> None:
    made = acme.made(
        "environment",
        "create",
        "acme/staging",
        "--issuer",
        "https://staging.acme.example",
        "--mount",
        "/oauth/token=omnissa",
        "--host",
        "auth.acme.example=auth",
        "--client-id-template",
        "{id}@{tenant}",
        "--live-secrets",
        "1",
        "--overlap",
        "2d",
        "--rate-limit",
        "60",
        "--variable",
        "org_id=538f=x",
    )
    assert (made["hosts"], made["overlap"]) == ({"auth.acme.example": "auth"}, 2 * 86400)
    assert made["variables"] == {"org_id": "538f=x"}
    changed = acme.made("environment", "change", "acme/staging", "--overlap", "0", "--host", "a.example=api")
    assert (changed["overlap"], changed["hosts"], changed["live_secrets"]) == (0, {"a.example": "api"}, 1)
    acme.admin("environment", "change", "acme/staging", "--variable", "a=b")
    assert acme.made("environment", "disable", "acme/staging")["enabled"] is False
    assert acme.made("environment", "enable", "acme/staging")["enabled"] is True
    assert [each["id"] for each in acme.made("environment", "list", "acme")] == [ENVIRONMENT, "acme/staging"]
    acme.admin("environment", "delete", "acme/staging", "-y")
    assert len(acme.made("environment", "list")) == 1


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--mount", "/a"], "NAME=VALUE"),
        (["--mount", "/a=standard", "--mount", "/a=fyma"], "twice"),
        (["--host", "=api"], "NAME=VALUE"),
        (["--overlap", "soon"], "period"),
        (["--overlap", "-1"], "period"),
        (["--host", "a.example=boss"], "manager"),
    ],
)
def test_an_environment_is_refused_in_one_sentence(acme: Terminal, options: list[str], word: str) -> None:
    assert word in acme.refused("admin", "environment", "create", "acme/staging", *options)


def test_a_mount_from_adding_to_removal(acme: Terminal) -> None:
    where = (ENVIRONMENT, "/shopify/token")
    made = acme.made("mount", "add", *where, "--dialect", "omneo-shopify", "--origin", "https://shop.example")
    assert made["origins"] == ["https://shop.example"]
    changed = acme.made("mount", "change", *where, "--slow-secrets", "--role", "api", "--role", "auth")
    assert (changed["slow_secrets"], changed["roles"]) == (True, ["api", "auth"])
    assert acme.made("mount", "change", *where, "--no-slow-secrets")["slow_secrets"] is False
    assert (
        acme.made("mount", "end", *where, "--at", "2027-02-01", "--yes")["ends_at"] == "2027-02-01T00:00:00Z"
    )
    assert acme.made("mount", "end", *where, "--never")["ends_at"] is None
    assert acme.made("mount", "end", *where, "--yes")["ends_at"] == "2027-01-15T08:00:00Z"
    assert "name one" in acme.refused("admin", "mount", "end", *where, "--never", "--at", "1d")
    acme.admin("mount", "remove", *where, "--yes")
    assert [mount["path"] for mount in acme.made("mount", "list", ENVIRONMENT)] == ["/oauth/token"]


def test_a_list_of_mounts_says_who_uses_each(acme: Terminal) -> None:
    for at, client in [(NOW - 10.0, "nightly"), (NOW - 40 * 86400.0, "ancient")]:
        _happened(
            acme, AuditEvent(at, "token", "issued", ENVIRONMENT, client_id=client, mount="/oauth/token")
        )
    (mount,) = acme.made("mount", "list", ENVIRONMENT)
    assert mount["used_by"] == ["nightly"]
    assert mount["uses"] == [{"client_id": "nightly", "tokens": 1, "last_at": "2027-01-15T07:59:50Z"}]
    (mount,) = acme.made("mount", "list", ENVIRONMENT, "--since", "60d")
    assert mount["used_by"] == ["nightly", "ancient"]


def test_an_api_from_creation_to_deletion(acme: Terminal) -> None:
    where = (ENVIRONMENT, "https://other.example")
    made = acme.made(
        "api",
        "create",
        *where,
        "--name",
        "Other",
        "--scope",
        "base Everything there is",
        "--required-scope",
        "base",
        "--lifetime",
        "1d",
        "--algorithm",
        "EdDSA",
        "--typ",
        "JWT",
        "--claim",
        "org=1",
    )
    assert made["scopes"] == {"base": "Everything there is"}
    assert (made["token_lifetime"], made["algorithm"], made["claims"]) == (86400, "EdDSA", {"org": "1"})
    changed = acme.made(
        "api", "change", *where, "--lifetime", "10m", "--required-scope", "", "--scope", "a", "--claim", "x=y"
    )
    assert (changed["token_lifetime"], changed["required_scope"]) == (600, None)
    assert (changed["scopes"], changed["claims"]) == ({"a": ""}, {"x": "y"})
    assert acme.made("api", "change", *where, "--status-list")["status_list"] is True
    assert acme.made("api", "change", *where, "--no-status-list")["status_list"] is False
    assert acme.made("api", "disable", *where)["enabled"] is False
    assert acme.made("api", "enable", *where) == acme.made("api", "show", *where)
    assert acme.made("api", "change", *where, "--format", "opaque")["token_format"] == "opaque"
    acme.admin("api", "delete", *where, "--yes")
    assert [api["audience"] for api in acme.made("api", "list", ENVIRONMENT)] == [AUDIENCE]
    assert "HS256" not in acme.refused("admin", "api", "create", *where, "--algorithm", "HS256")
    assert "--scope" in acme.refused("admin", "api", "create", *where, "--scope", "a x", "--scope", "a y")


# --- clients and secrets ---------------------------------------------------------------------------------------------


def test_a_client_from_creation_to_deletion(acme: Terminal, client_id: str) -> None:
    where = (ENVIRONMENT, client_id)
    changed = acme.made("client", "change", *where, "--allow", f"{AUDIENCE} orders:read", "--rate-limit", "5")
    assert (changed["allowed"], changed["rate_limit"]) == ({AUDIENCE: ["orders:read"]}, 5)
    assert acme.made("client", "change", *where, "--needs-user", "--name", "Daily")["needs_user"] is True
    assert acme.made("client", "disable", *where)["enabled"] is False
    assert acme.made("client", "enable", *where)["enabled"] is True
    shown = acme.made("client", "show", *where)
    assert list(shown["secrets"].values()) == ["active"]
    assert [client["client_id"] for client in acme.made("client", "list", ENVIRONMENT)] == [client_id]
    acme.admin("client", "delete", *where, "--yes")
    assert "no clients yet" in acme.admin("client", "list", ENVIRONMENT).err
    assert "--allow" in acme.refused("admin", "client", "create", ENVIRONMENT, "--name", "x", "--allow", " ")


def test_a_secret_appears_in_the_answer_of_its_creation_and_never_again(acme: Terminal) -> None:
    made = acme.made("client", "create", ENVIRONMENT, "--name", "Nightly")
    secret = made["client_secret"]
    assert secret.startswith("mms")
    where = (ENVIRONMENT, made["client_id"])
    later = [
        acme.admin("client", "show", *where),
        acme.admin("client", "list", ENVIRONMENT, "--json"),
        acme.admin("secret", "list", *where, "--json"),
        acme.admin("audit", "export"),
    ]
    for ran in later:
        assert secret not in ran.out + ran.err
        assert "digest" not in ran.out
    human = acme.admin("client", "create", ENVIRONMENT, "--name", "Daily")
    assert "mms" in human.out
    assert "this once" in human.err


def test_a_rotation_of_a_secret(acme: Terminal, client_id: str) -> None:
    where = (ENVIRONMENT, client_id)
    new = acme.made("secret", "add", *where, "--label", "2027", "--overlap", "1h", "--expires", "90d")
    assert new["expires_at"] == "2027-04-15T08:00:00Z"
    entries = acme.made("secret", "list", *where)
    assert {entry["secret_id"]: entry["state"] for entry in entries}[new["secret_id"]] == "active"
    (old,) = [entry["secret_id"] for entry in entries if entry["state"] == "retiring"]
    assert acme.made("secret", "retire", *where, old, "--at", "10m")["retires_at"] == "2027-01-15T08:10:00Z"
    acme.now += 600
    states = {entry["secret_id"]: entry["state"] for entry in acme.made("secret", "list", *where)}
    assert states == {old: "expired", new["secret_id"]: "active"}
    assert (
        acme.made("secret", "revoke", *where, new["secret_id"], "--yes")["revoked_at"]
        == "2027-01-15T08:10:00Z"
    )
    assert "future" in acme.refused("admin", "secret", "add", *where, "--expires", "2020-01-01")
    assert "2027-01-31" in acme.refused("admin", "secret", "add", *where, "--expires", "tomorrow")


SECRET = "of old; & printable"


@pytest.mark.parametrize("source", ["file", "stdin", "env"])
def test_an_imported_secret_comes_in_by_file_stdin_or_environment(acme: Terminal, source: str) -> None:
    (acme.folder / "secret.txt").write_text(SECRET + "\n")
    options = {
        "file": ["--secret-file", "secret.txt"],
        "stdin": ["--secret-stdin"],
        "env": ["--secret-env", "OLD"],
    }
    ran = acme.admin(
        "client",
        "import",
        ENVIRONMENT,
        "--client-id",
        "old@acme",
        "--name",
        "Old",
        "--json",
        *options[source],
        stdin=SECRET + "\r\n" if source == "stdin" else "",
        env={"OLD": SECRET},
    )
    assert (ran.json["client_id"], ran.json["imported"]) == ("old@acme", True)
    assert "client_secret" not in ran.json
    assert "--slow-secrets" in ran.err
    assert SECRET not in ran.out + ran.err
    acme.admin("mount", "change", ENVIRONMENT, "/oauth/token", "--slow-secrets")
    again = acme.admin(
        "secret", "import", ENVIRONMENT, "old@acme", "--secret-stdin", "--json", stdin="another"
    )
    assert again.json["imported"] is True
    assert again.err == ""


@pytest.mark.parametrize(
    ("options", "stdin", "word"),
    [
        (["--secret-file", "none.txt"], "", "No such file"),
        (["--secret-file", "bytes.txt"], "", "UTF-8"),
        (["--secret-file", "secret.txt", "--secret-stdin"], "", "one source"),
        (["--secret-stdin"], "", "empty"),
        (["--secret-stdin"], "x" * 5000, "longer"),
        (["--secret-env", "NOT_SET_ANYWHERE"], "", "not set"),
        ([], "", "hand it over"),
        (["--secret-stdin"], "ümlaut", "ASCII"),
    ],
)
def test_a_secret_that_does_not_come_in_is_one_sentence(
    acme: Terminal, options: list[str], stdin: str, word: str
) -> None:
    (acme.folder / "bytes.txt").write_bytes(b"\xff")
    arguments = ["admin", "client", "import", ENVIRONMENT, "--client-id", "old", "--name", "Old", *options]
    assert word in acme.refused(*arguments, stdin=stdin)
    assert acme.made("client", "list", ENVIRONMENT) == []


def test_a_secret_is_asked_for_at_a_terminal_and_not_shown(
    acme: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mintmark.cli.output._at_terminal", lambda: True)
    ran = acme(
        "admin",
        "client",
        "import",
        ENVIRONMENT,
        "--client-id",
        "old",
        "--name",
        "Old",
        stdin=f"{SECRET}\n{SECRET}\n",
    )
    assert ran.code == 0
    assert SECRET not in ran.out + ran.err


# --- service accounts ------------------------------------------------------------------------------------------------


@pytest.fixture
def reports(acme: Terminal) -> Terminal:
    acme.admin("tenant", "create", "omnissa")
    acme.admin(
        "environment",
        "create",
        "omnissa/production",
        "--mount",
        "/oauth/token=omnissa",
        "--client-id-template",
        "{id}@{tenant}",
        "--live-secrets",
        "1",
    )
    acme.admin("api", "create", "omnissa/production", "api.data.example", "--scope", "dpa.read")
    return acme


def test_a_service_account_is_handed_over_as_the_documents_file(reports: Terminal) -> None:
    ran = reports.admin(
        "service-account",
        "create",
        "omnissa/production",
        "--name",
        "reportscript",
        "--allow",
        "api.data.example *",
        "--output",
        "account.json",
    )
    file = reports.folder / "account.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    account = json.loads(file.read_text())
    assert list(account) == [
        "name",
        "tokenEndpoint",
        "clientId",
        "clientSecret",
        "authorizedGrantType",
        "resourceIds",
    ]
    assert account["tokenEndpoint"] == "https://mint.example/t/omnissa/production/oauth/token"
    assert account["resourceIds"] == ["api.data.example"]
    assert account["clientSecret"] not in ran.out + ran.err
    assert len(f"{account['clientId']}:{account['clientSecret']}") <= 57
    again = reports.admin(
        "service-account",
        "new-secret",
        "omnissa/production",
        account["clientId"],
        "--token-endpoint",
        "https://auth.omnissa.example/oauth/token",
    ).json
    assert again["tokenEndpoint"] == "https://auth.omnissa.example/oauth/token"
    states = reports.made("secret", "list", "omnissa/production", account["clientId"])
    assert [entry["state"] for entry in states] in (["active", "expired"], ["expired", "active"])


def test_a_file_that_cannot_be_written_undoes_the_service_account(
    reports: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow = ["--allow", "api.data.example *"]
    create = ["admin", "service-account", "create", "omnissa/production", "--name", "x", *allow, "-o"]
    assert "cannot be written" in reports.refused(*create, "nowhere/account.json")
    assert "directory" in reports.refused(*create, str(reports.folder))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mintmark.cli.output.os.fsync", full)
    assert "No space left" in reports.refused(*create, "account.json")
    assert reports.made("client", "list", "omnissa/production") == []
    assert [path.name for path in reports.folder.iterdir() if "account" in path.name] == []


def test_a_service_account_without_an_api_is_told_to_allow_one(reports: Terminal) -> None:
    sentence = reports.refused("admin", "service-account", "create", "omnissa/production", "--name", "x")
    assert "allow it an API" in sentence
    assert reports.made("client", "list", "omnissa/production") == []


def test_a_dialect_without_a_credentials_file_is_named(acme: Terminal) -> None:
    sentence = acme.refused("admin", "service-account", "create", ENVIRONMENT, "--name", "x")
    assert "standard" in sentence
    assert acme.made("client", "list", ENVIRONMENT) == []


# --- the other credentials -------------------------------------------------------------------------------------------


def test_a_machine_user_from_creation_to_deletion(acme: Terminal) -> None:
    where = (ENVIRONMENT, "bot@brand.example")
    made = acme.made("machine-user", "create", *where, "--generate-password", "--scope", "orders:read")
    assert len(made["password"]) == 24
    changed = acme.made("machine-user", "change", *where, "--proxy-login", "--proxy-audience", AUDIENCE)
    assert (changed["scopes"], changed["proxy_login"]) == (["orders:read"], True)
    again = acme.made(
        "machine-user", "change-password", *where, "--password-stdin", stdin="a long password\n"
    )
    assert "password" not in again
    assert len(acme.made("machine-user", "change-password", *where, "--generate-password")["password"]) == 24
    assert acme.made("machine-user", "disable", *where)["enabled"] is False
    assert acme.made("machine-user", "enable", *where) == acme.made("machine-user", "show", *where)
    imported = acme.made("machine-user", "import", ENVIRONMENT, "old", "--password-stdin", stdin="short")
    assert imported["scopes"] == ["*"]
    assert [user["username"] for user in acme.made("machine-user", "list", ENVIRONMENT)] == [
        "bot@brand.example",
        "old",
    ]
    acme.admin("machine-user", "delete", *where, "--yes")
    short = acme.refused("admin", "machine-user", "create", *where, "--password-stdin", stdin="short")
    assert "12" in short
    both = acme.refused("admin", "machine-user", "create", *where, "--generate-password", "--password-stdin")
    assert "choose one" in both


def test_an_api_token_from_creation_to_revocation(acme: Terminal) -> None:
    made = acme.made(
        "api-token",
        "create",
        ENVIRONMENT,
        "--audience",
        AUDIENCE,
        "--scope",
        "orders:read",
        "--expires",
        "30d",
    )
    assert made["token"].startswith("mmt")
    (entry,) = acme.made("api-token", "list", ENVIRONMENT)
    assert (entry["mask"], entry["state"]) == (made["token"][:9] + "…", "active")
    assert acme.made("api-token", "revoke", ENVIRONMENT, made["token_id"], "--yes")["revoked_at"] is not None


def test_one_token_is_revoked_by_its_text_or_its_id(acme: Terminal) -> None:
    options = ["--audience", AUDIENCE, "--scope", "orders:read"]
    first, second = (acme.made("api-token", "create", ENVIRONMENT, *options) for _ in range(2))
    done = acme.made("token", "revoke", ENVIRONMENT, "--token-stdin", stdin=first["token"] + "\n")
    assert done == {"environment": ENVIRONMENT, "revoked": first["token_id"]}
    assert (
        acme.made("token", "revoke", ENVIRONMENT, "--id", second["token_id"])["revoked"] == second["token_id"]
    )
    assert {entry["state"] for entry in acme.made("api-token", "list", ENVIRONMENT)} == {"revoked"}
    both = acme.refused("admin", "token", "revoke", ENVIRONMENT, "--id", "x", "--token-stdin", stdin="y")
    assert "not both" in both
    wrong = acme.refused("admin", "token", "revoke", ENVIRONMENT, "--token-stdin", stdin="eyJ.x.y", code=1)
    assert "eyJ" not in wrong


def test_a_guards_client_names_the_apis_that_it_protects(acme: Terminal) -> None:
    made = acme.made("client", "create", ENVIRONMENT, "--name", "guard", "--protects", AUDIENCE)
    assert made["protects"] == [AUDIENCE]
    where = ("client", "change", ENVIRONMENT, made["client_id"])
    unknown = acme.refused("admin", *where, "--protects", "https://nowhere.example", code=1)
    assert "no API" in unknown
    assert acme.made(*where, "--name", "door")["protects"] == [AUDIENCE], "what is not given stays"


def test_a_legacy_token_from_import_to_its_end(acme: Terminal) -> None:
    options = ["--audience", AUDIENCE, "--scope", "orders:read", "--secret-stdin"]
    acme.admin("legacy-token", "import", ENVIRONMENT, "token-id", *options, stdin="token-secret")
    end = acme.made("legacy-token", "retire", ENVIRONMENT, "token-id", "--at", "30d")
    assert end["expires_at"] == "2027-02-14T08:00:00Z"
    assert acme.made("legacy-token", "list", ENVIRONMENT)[0]["state"] == "active"
    acme.admin("legacy-token", "revoke", ENVIRONMENT, "token-id", "--yes")
    assert acme.made("legacy-token", "list", ENVIRONMENT)[0]["state"] == "revoked"


def test_a_signature_key_from_creation_to_its_end(acme: Terminal) -> None:
    options = ["--audience", AUDIENCE, "--scope", "orders:read", "--lifetime", "15m"]
    made = acme.made("signature-key", "create", ENVIRONMENT, *options)
    assert (made["signature_key"][:3], made["lifetime"]) == ("mmk", 900)
    where = (ENVIRONMENT, made["key_id"])
    acme.admin("signature-key", "retire", *where, "--at", "1h")
    assert acme.made("signature-key", "list", ENVIRONMENT)[0]["state"] == "retiring"
    acme.admin("signature-key", "revoke", *where, "--yes")
    assert acme.made("signature-key", "list", ENVIRONMENT)[0]["state"] == "revoked"


def test_quotas_of_clients_and_tenants(acme: Terminal, client_id: str) -> None:
    set_ = acme.made("quota", "set", ENVIRONMENT, client_id, "--limit", "50")
    assert set_ == {
        "subject": f"client:{ENVIRONMENT}/{client_id}",
        "daily_token_limit": 50,
        "used_today": 0,
        "left_today": 50,
        "resets_at": "2027-01-16T00:00:00Z",
    }
    assert acme.made("quota", "clear", ENVIRONMENT, client_id)["left_today"] is None
    acme.admin("quota", "set", "acme", "--limit", "100")
    assert acme.made("quota", "show", "acme")["daily_token_limit"] == 100


def test_signing_keys_are_listed_rotated_and_withdrawn(acme: Terminal) -> None:
    (first,) = acme.made("signing-key", "list", ENVIRONMENT)
    assert (first["state"], first["public"]["kid"]) == ("signing", first["kid"])
    new = acme.made("signing-key", "rotate", ENVIRONMENT)
    assert new["signs_at"] == "2027-01-16T08:00:00Z"
    heir = acme.made("signing-key", "withdraw", ENVIRONMENT, first["kid"], "--yes")
    assert heir["kid"] == new["kid"]
    listed = acme.admin("signing-key", "list", ENVIRONMENT, "--json").out
    assert "sealed" not in listed
    assert "mm1." not in listed


def test_access_requests_are_asked_and_decided(mintmark: Terminal) -> None:
    ask = [
        "access-request",
        "ask",
        "--organization",
        "Brand",
        "--use-case",
        "Export",
        "--contact",
        "a@b.example",
    ]
    first, second = (mintmark.made(*ask, "--name", name)["id"] for name in ("Ada", "Eve"))
    assert mintmark.made("access-request", "approve", first)["state"] == "approved"
    assert (
        mintmark.made("access-request", "refuse", second, "--reason", "No contract.")["reason"]
        == "No contract."
    )
    assert mintmark.made("access-request", "show", first)["name"] == "Ada"
    assert [each["id"] for each in mintmark.made("access-request", "list", "--state", "refused")] == [second]
    assert "stands" in mintmark.refused("admin", "access-request", "approve", first, code=1)


def test_people_are_created_and_locked_out(mintmark: Terminal) -> None:
    for name in ("ada", "eve"):
        mintmark.admin("person", "create", name, "--password-stdin", stdin="a long password")
    mintmark.admin("person", "change-password", "eve", "--password-env", "PW", env={"PW": "another password"})
    assert mintmark.made("person", "disable", "ada")["enabled"] is False
    assert "last" in mintmark.refused("admin", "person", "disable", "eve", code=1)
    assert mintmark.made("person", "enable", "ada")["enabled"] is True
    listed = mintmark.admin("person", "list", "--json")
    assert [each["username"] for each in listed.json] == ["ada", "eve"]
    assert "argon2" not in listed.out


# --- audit -----------------------------------------------------------------------------------------------------------


def _happened(terminal: Terminal, event: AuditEvent) -> None:
    from mintmark.storage.engines.sqlite import open_sqlite
    from mintmark.storage.trail import Trail
    from mintmark.storage.transaction import perform

    database = open_sqlite(terminal.folder / "mintmark.db", bytes(32))
    database.writing(lambda connection: perform(connection, Trail(database), lambda tx: tx.audit(event)))
    database.close()


REFUSED = AuditEvent(
    NOW - 5.0,
    "token",
    "refused",
    ENVIRONMENT,
    request_id="request-7",
    client_id="nightly\x1b[2J",
    mount="/oauth/token",
    reason="secret_expired",
    detail="secret version v00001",
)


def test_a_request_id_leads_to_the_failed_check_and_its_remedy(acme: Terminal) -> None:
    _happened(acme, REFUSED)
    ran = acme.admin("audit", "show", "request-7")
    assert "secret_expired" in ran.out
    assert "secret version v00001" in ran.out
    assert "give the program the newest one" in ran.err
    (event,) = acme.made("audit", "search", "--request-id", "request-7")
    assert event["remedy"].startswith("This secret has expired")
    assert "X-Request-Id" in acme.refused("admin", "audit", "show", "nope", code=1)


def test_what_came_from_outside_cannot_steer_the_terminal(acme: Terminal) -> None:
    _happened(acme, REFUSED)
    out = acme.admin("audit", "tail").out
    assert "\x1b" not in out
    assert "nightly\\x1b[2J" in out


def test_the_audit_trail_is_searched_by_its_filters(acme: Terminal) -> None:
    _happened(acme, REFUSED)
    for options in (
        ["--environment", ENVIRONMENT, "--outcome", "refused"],
        ["--reason", "secret_expired"],
        ["--mount", "/oauth/token"],
        ["--kind", "token", "--since", "1h"],
        ["--kind", "token", "--since", "2027-01-15T07:59:55Z", "--until", "1s"],
    ):
        assert [event["request_id"] for event in acme.made("audit", "search", *options)] == ["request-7"]
    for options in (
        ["--kind", "token", "--since", "4s"],
        ["--kind", "token", "--until", "2027-01-15T07:59:55Z"],
    ):
        assert acme.made("audit", "search", *options) == []
    assert "No event" in acme.admin("audit", "search", "--client", "nobody").err


def test_a_tail_shows_the_newest_events_oldest_first(acme: Terminal) -> None:
    kinds = [event["kind"] for event in acme.made("audit", "tail", "-n", "2")]
    assert kinds == ["admin.signing_key.create", "admin.api.create"]


@pytest.mark.parametrize("as_json", [False, True])
def test_following_shows_each_event_once(
    acme: Terminal, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    looks = 0

    def pause(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            _happened(acme, REFUSED)
        if looks == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(audit, "time", SimpleNamespace(sleep=pause))
    options = ["--json"] if as_json else []
    ran = acme("admin", "audit", "tail", "--follow", "-n", "1", *options)
    lines = ran.out.splitlines()
    assert len(lines) == 2
    assert "admin.api.create" in lines[0]
    assert "secret_expired" in lines[1]
    assert all(json.loads(line) for line in lines if as_json)


def test_an_export_is_json_lines_of_everything(acme: Terminal) -> None:
    _happened(acme, REFUSED)
    lines = [json.loads(line) for line in acme.admin("audit", "export").out.splitlines()]
    assert [line["id"] for line in lines] == sorted(line["id"] for line in lines)
    assert lines[-1]["request_id"] == "request-7"
    acme.admin("audit", "export", "--environment", ENVIRONMENT, "--output", "events.jsonl")
    file = acme.folder / "events.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {json.loads(line)["environment"] for line in file.read_text().splitlines()} == {ENVIRONMENT}
