"""`mintmark.source`: by name, by file, by explicit values, from the environment; secrets are read afresh."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import threading
import tomllib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

import mintmark
from mintmark.client.errors import Misconfigured, Refused
from mintmark.transport import secret_sources
from mintmark.values.secret import Secret
from tests.transport.conftest import Clock, MakeSource, until
from tests.transport.loopback import Answer, Asked, Vendor, as_json

TEN_LINES = """
name = "acme"
title = "Acme"
path = "/token"
url = "${token_url}"
[[forms]]
encoding = "json"
body = { key = "${client_id}", secret = "${client_secret}" }
[response]
body = { data = { token = "${access_token}", ttl = "${expires_in}" } }
"""


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def test_a_vendor_that_nobody_knows_takes_ten_lines(shop: Vendor, tmp_path: Path) -> None:
    path = tmp_path / "vendor.toml"
    path.write_text(TEN_LINES)
    assert len(TEN_LINES.strip().splitlines()) <= 10
    shop.refuse = lambda _: as_json(200, {"data": {"token": "theirs", "ttl": 60}})
    given = {"token_url": f"{shop.url}/token", "client_id": "me", "client_secret": "s3cret"}
    for dialect in (str(path), path, tomllib.loads(TEN_LINES)):
        assert mintmark.source(dialect, **given).token().reveal() == "theirs"  # type: ignore[arg-type]
    assert json.loads(shop.token_requests[0].body) == {"key": "me", "secret": "s3cret"}


def test_the_credentials_file_of_omnissa_is_enough(shop: Vendor, tmp_path: Path) -> None:
    path = tmp_path / "service-account.json"
    account = {
        "name": "reportscript",
        "tokenEndpoint": f"{shop.url}/token",
        "clientId": "your-client-id@acme.data.workspaceone.com",
        "clientSecret": "sec:ret%",
        "authorizedGrantType": ["CLIENT_CREDENTIALS"],
        "resourceIds": ["api.data.workspaceone.com"],
    }
    path.write_text(json.dumps(account))
    answer = {"access_token": "jwt", "expires_in": 3599, "token_type": "bearer", "dpa.org_id": "538f"}
    shop.refuse = lambda _: as_json(200, answer)
    source = mintmark.source("omnissa", credentials=path)
    assert source.token().reveal() == "jwt"
    (asked,) = shop.token_requests
    assert (asked.path, asked.body) == ("/token?grant_type=client_credentials", b"")
    assert asked.headers["authorization"] == basic(account["clientId"], "sec:ret%")  # type: ignore[arg-type]


def test_everything_comes_from_the_environment_when_nothing_is_given(
    shop: Vendor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from-the-file\n")
    for name, value in {
        "DIALECT": "oleria",
        "TOKEN_URL": f"{shop.url}/token",
        "CLIENT_ID": "me",
        "CLIENT_SECRET_FILE": str(tmp_path / "secret"),
        "SCOPE": "ClientCredentialsResourceServer/client_credentials_base_scope",
    }.items():
        monkeypatch.setenv(f"MINTMARK_{name}", value)
    assert mintmark.source().token()
    assert (
        b"client_secret=from-the-file&scope=ClientCredentialsResourceServer%2F" in shop.token_requests[0].body
    )
    assert mintmark.source("oleria").token(), "naming the dialect alone leaves the rest to the environment"


def test_an_audience_comes_from_the_environment(shop: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINTMARK_TOKEN_URL", f"{shop.url}/token")
    monkeypatch.setenv("MINTMARK_CLIENT_ID", "me")
    monkeypatch.setenv("MINTMARK_CLIENT_SECRET", "s3cret")
    monkeypatch.setenv("MINTMARK_AUDIENCE", "https://api.fyma.example/")
    assert mintmark.source("fyma").token()
    assert json.loads(shop.token_requests[0].body)["audience"] == "https://api.fyma.example/"


def test_explicit_values_never_mix_with_a_secret_of_the_environment(
    shop: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINTMARK_CLIENT_SECRET", "of-another-vendor")
    with pytest.raises(Misconfigured, match="client_secret"):
        mintmark.source(token_url=f"{shop.url}/token", client_id="me").token()
    assert not shop.token_requests


def test_a_secret_named_twice_is_a_question_not_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINTMARK_CLIENT_SECRET", "a")
    monkeypatch.setenv("MINTMARK_CLIENT_SECRET_FILE", "/run/secrets/b")
    with pytest.raises(Misconfigured, match="both set"):
        mintmark.source()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "nothing says whose token is wanted"),
        ({"dialect": "omnisa", "client_id": "a"}, "there is no dialect 'omnisa'"),
        ({"dialect": "missing.toml", "client_id": "a"}, "missing.toml cannot be read"),
        ({"client_id": "a", "client_secret": "b"}, "needs the variable 'token_url'"),
        ({"dialect": "omnilab", "client_id": "a", "client_secret": "b"}, "needs audience"),
        ({"dialect": "omnissa", "credentials": "/nowhere.json"}, "/nowhere.json cannot be read"),
        ({"dialect": "fyma", "credentials": __file__}, "has no credentials file"),
        ({"client_id": "a", "client_secret": "b", "form": "xml", "token_url": "https://x/"}, "no form 'xml'"),
        ({"client_id": "a", "client_secret": "b", "username": "c", "token_url": "https://x/"}, "username"),
    ],
)
def test_what_is_missing_or_wrong_is_said_in_one_sentence(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(Misconfigured) as told:
        mintmark.source(**given).token()  # type: ignore[arg-type]
    assert sentence in str(told.value)


def test_omneo_by_client_and_machine_user(shop: Vendor) -> None:
    source = mintmark.source(
        "omneo",
        token_url=f"{shop.url}/token",
        client_id="id",
        client_secret="secret-1",
        username="shopify-integration@brand.com",
        password="secret-2",
        scope="*",
    )
    assert source.token()
    assert shop.token_requests[0].body == (
        b"grant_type=client_credentials&client_id=id&client_secret=secret-1"
        b"&username=shopify-integration%40brand.com&password=secret-2&scope=%2A"
    )


def test_omneo_by_a_token_of_an_administrator(shop: Vendor) -> None:
    source = mintmark.source("omneo", token="made-in-cx-manager")
    shop.live.add("made-in-cx-manager")
    answer = httpx2.get(f"{shop.url}/api/v3/profiles", auth=source.auth())
    assert answer.status_code == 200
    assert not shop.token_requests


@pytest.mark.parametrize("by_key", [True, False])
def test_omneo_by_a_signed_customer_id(shop: Vendor, by_key: bool) -> None:
    signature = hmac.new(b"shop-secret", b"5940192837", hashlib.sha256).hexdigest()
    given = {"signature_key": "shop-secret"} if by_key else {"signature": signature}
    source = mintmark.source("omneo-shopify", token_url=f"{shop.url}/token", subject="5940192837", **given)  # type: ignore[arg-type]
    token = "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjk5OTk5OTk5OTl9.c2ln"
    shop.refuse = lambda _: as_json(200, {"token": token})
    assert source.token().reveal() == token
    assert source.token().expires_at == 9999999999
    assert json.loads(shop.token_requests[0].body) == {"id": "5940192837", "signature": signature}


def test_omneo_by_a_login_at_the_proxy(shop: Vendor) -> None:
    source = mintmark.source(
        "omneo-proxy",
        variables={"proxy_url": shop.url},
        username="storefront@brand.com",
        password="pass:word",
    )
    shop.respond = lambda _: as_json(200, {"token": "theirs", "expiry": "2099-01-01T00:00:00Z"})
    assert source.token().reveal() == "theirs"
    (asked,) = shop.calls
    assert (asked.path, asked.headers["authorization"]) == (
        "/login",
        basic("storefront@brand.com", "pass:word"),
    )


def test_a_legacy_token_of_fyma_goes_as_basic_on_each_call(shop: Vendor) -> None:
    source = mintmark.source("basic", client_id="token-id", client_secret="token-secret")
    shop.respond = lambda asked: as_json(200, asked.headers)
    answer = httpx2.get(f"{shop.url}/api", auth=source.auth())
    assert answer.json()["authorization"] == basic("token-id", "token-secret")
    assert source.token().token_type == "Basic"


def test_a_standing_token_that_is_refused_is_read_again_and_replayed_if_it_changed(shop: Vendor) -> None:
    tokens = iter(["old", "old", "new"])
    shop.live.add("new")
    source = mintmark.source(token=lambda: next(tokens))
    auth = source.auth()
    assert httpx2.get(f"{shop.url}/api", auth=auth).status_code == 401
    assert len(shop.calls) == 1, "the same token is not sent twice"


def test_a_secret_file_that_is_replaced_needs_no_restart(
    shop: Vendor, source_of: MakeSource, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    path.write_text("old-secret\n")
    live = {"old-secret"}

    def refuse(asked: Asked) -> Answer | None:
        used = asked.body.decode().rpartition("client_secret=")[2]
        return None if used in live else as_json(401, {"error": "invalid_client"})

    shop.refuse = refuse
    read = secret_sources.from_file(path)
    source = source_of(shop, secret=lambda: read().reveal())
    auth = source.auth()
    stop = threading.Event()
    failed: list[object] = []

    def call() -> int:
        calls = 0
        with httpx2.Client(auth=auth, verify=False) as client:
            while not stop.is_set():
                try:
                    if client.get(f"{shop.url}/api").status_code != 200:
                        failed.append("refused")
                except Exception as error:
                    failed.append(error)
                calls += 1
        return calls

    with ThreadPoolExecutor(50) as pool:
        callers = [pool.submit(call) for _ in range(50)]
        try:
            until(lambda: len(shop.calls) >= 100)
            fresh = tmp_path / "fresh"
            fresh.write_text("new-secret\n")
            fresh.replace(path)
            live.clear()
            live.add("new-secret")
            shop.live.clear()  # revoking the secret revoked its tokens
            seen = len(shop.calls)
            until(lambda: len(shop.calls) >= seen + 300)
        finally:
            stop.set()
        assert all(caller.result() for caller in callers)
    assert failed == []
    assert len(shop.token_requests) == 2


def test_secrets_come_from_many_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s").write_text("in-a-file\r\n")
    monkeypatch.setenv("SOME_SECRET", "in-the-environment")
    script = [sys.executable, "-c", "print('from-a-command'); print('not this')"]
    for read, text in (
        (secret_sources.from_file(tmp_path / "s"), "in-a-file"),
        (secret_sources.from_environment("SOME_SECRET"), "in-the-environment"),
        (secret_sources.from_command(script), "from-a-command"),
        (secret_sources.from_function(lambda: "from-a-function"), "from-a-function"),
        (secret_sources.constant("given"), "given"),
    ):
        assert read() == Secret(text)


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        (secret_sources.from_environment("NO_SUCH_VARIABLE"), "NO_SUCH_VARIABLE is not set"),
        (secret_sources.from_file("/no/such/file"), "cannot be read: No such file"),
        (secret_sources.from_file("/dev/null"), "is empty"),
        (secret_sources.from_file("/dev/zero"), "larger than a secret"),
        (secret_sources.from_command("/no/such/command"), "was not found"),
        (secret_sources.from_command([sys.executable, "-c", "print('x'); exit(3)"]), "ended with status 3"),
        (secret_sources.from_command([sys.executable, "-c", ""]), "printed nothing"),
        (secret_sources.from_function(lambda: ""), "returned nothing"),
        (secret_sources.from_function(lambda: str(1 // 0)), "ZeroDivisionError"),
    ],
)
def test_a_place_without_a_secret_is_named(read: secret_sources.SecretText, sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        read()


def test_the_keyring_is_asked_for_service_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    held = {("mintmark", "me"): "in-the-keyring"}
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=lambda *key: held.get(key)))
    assert secret_sources.from_keyring("mintmark", "me")() == Secret("in-the-keyring")
    with pytest.raises(Misconfigured, match="no secret of 'you'"):
        secret_sources.from_keyring("mintmark", "you")()
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(Misconfigured, match=r"mintmark\[keyring\]"):
        secret_sources.from_keyring("mintmark", "me")()


def test_a_refusal_tells_status_code_description_and_request_id(shop: Vendor, source_of: MakeSource) -> None:
    said = {"error": "unauthorized_client", "error_description": "This client may not do that."}
    shop.refuse = lambda _: as_json(400, said, X_Request_Id="ref-7")
    with pytest.raises(Refused) as told:
        source_of(shop).token()
    error = told.value
    assert (error.status, error.code, error.description) == (400, *said.values())
    assert (error.request_id, error.dialect) == ("ref-7", "standard")
    assert str(error) == (
        "the vendor refused a token: 400 unauthorized_client: This client may not do that. "
        "(dialect standard, request id ref-7)"
    )
