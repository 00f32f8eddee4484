"""Other people's verifiers accept our tokens and no others; our guard accepts the tokens of other people's servers."""

from __future__ import annotations

import json
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError

import mintmark
from tests.end_to_end.server import Running, call, free_port
from tests.end_to_end.server import mintmark as run
from tests.interop.packages import npm
from tests.interop.proxies.programs import Api, folder, need_packages, running
from tests.interop.servers.others import SERVERS, Server

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]
HERE = Path(__file__).parent
AUDIENCE, OTHER_AUDIENCE = "https://rs.example", "https://other.example"
ALGORITHMS = ("ES256", "RS256", "EdDSA")


@dataclass(frozen=True)
class Issuer:
    """`good`: token of each algorithm. `bad`: what the token is -> the token, of the first algorithm.

    `introspected`: a signed introspection answer (RFC 9701) for the client `guard_id`. `listed`: tokens that stand on a
    status list, of which the second was revoked.
    """

    issuer: str
    jwks_uri: str
    client_id: str
    good: dict[str, str]
    bad: dict[str, str]
    guard_id: str
    introspected: str
    listed: tuple[str, str, str]


def administer(directory: Path, *arguments: str) -> Any:
    done = run("admin", *arguments, "--directory", directory, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    base = tmp_path_factory.mktemp("issuer")
    directory, credentials = base / "demo", base / "credentials.json"
    demo = ("demo", "--directory", directory, "--port", free_port(), "--credentials-out", credentials)
    server = Running(*demo, ready="# Ready:")
    try:
        entry = json.loads(credentials.read_text())["standard"]

        def client(environment: str) -> Any:
            allow = []
            for audience, algorithm in _apis():
                create = (
                    "api",
                    "create",
                    environment,
                    audience,
                    "--algorithm",
                    algorithm,
                    "--lifetime",
                    "3600",
                )
                administer(directory, *create, "--scope", "read Read")
                allow += ["--allow", f"{audience} read"]
            return administer(directory, "client", "create", environment, "--name", "interop", *allow)

        def token(made: Any, url: str, audience: str) -> str:
            form = {"grant_type": "client_credentials", "audience": audience, "scope": "read"}
            who = (made["client_id"], made["client_secret"])
            answer = httpx2.post(url, data=form, auth=who, trust_env=False)
            assert answer.status_code == 200, answer.text
            text: str = answer.json()["access_token"]
            return text

        made, staged = client("standard/production"), client("standard/staging")
        url, staging = entry["token_url"], entry["staging"]["token_url"]
        good = {algorithm: token(made, url, audience) for audience, algorithm in _apis()[:3]}
        bad = {
            "of staging": token(staged, staging, f"{AUDIENCE}/ES256"),
            "for another API": token(made, url, OTHER_AUDIENCE),
            "with another signature": _forged(good["ES256"]),
        }
        change = ("api", "change", "standard/production", f"{AUDIENCE}/ES256", "--lifetime", "1")
        administer(directory, *change)
        bad["that has expired"] = token(made, url, f"{AUDIENCE}/ES256")
        change = ("api", "change", "standard/production", f"{AUDIENCE}/RS256", "--status-list")
        administer(directory, *change)
        listed = [token(made, url, f"{AUDIENCE}/RS256") for _ in range(3)]
        revoked = httpx2.post(
            f"{entry['issuer']}/revoke",
            data={"token": listed[1]},
            auth=(made["client_id"], made["client_secret"]),
            trust_env=False,
        )
        assert revoked.status_code == 200, revoked.text
        time.sleep(7.5)  # beyond what verifiers grant to clocks
        yield Issuer(
            entry["issuer"],
            entry["jwks_uri"],
            made["client_id"],
            good,
            bad,
            *_introspected(directory, entry["issuer"], good["ES256"]),
            (listed[0], listed[1], listed[2]),
        )
    finally:
        server.stop()


def _introspected(directory: Path, issuer: str, token: str) -> tuple[str, str]:
    """A client in front of the API, and what it is told of a token, signed."""
    create = ("client", "create", "standard/production", "--name", "guard", "--protects", f"{AUDIENCE}/ES256")
    guard = administer(directory, *create)
    answer = httpx2.post(
        f"{issuer}/introspect",
        data={"token": token},
        auth=(guard["client_id"], guard["client_secret"]),
        headers={"Accept": "application/token-introspection+jwt"},
        trust_env=False,
    )
    assert answer.headers["content-type"] == "application/token-introspection+jwt", answer.text
    return guard["client_id"], answer.text


def _apis() -> list[tuple[str, str]]:
    apis = [(f"{AUDIENCE}/{algorithm}", algorithm) for algorithm in ALGORITHMS]
    return [*apis, (OTHER_AUDIENCE, "ES256")]


def _forged(token: str) -> str:
    body, _, signature = token.rpartition(".")
    return f"{body}.{signature[:-10]}{'A' * 10}"


Verify = Callable[[Issuer, str, Sequence[str]], list[str | None]]


def pyjwt(issuer: Issuer, algorithm: str, tokens: Sequence[str]) -> list[str | None]:
    keys = jwt.PyJWKClient(issuer.jwks_uri)

    def one(token: str) -> str | None:
        try:
            key = keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token, key, [algorithm], audience=f"{AUDIENCE}/{algorithm}", issuer=issuer.issuer
            )
        except jwt.PyJWTError:
            return None
        client_id: str = claims["client_id"]
        return client_id

    return [one(token) for token in tokens]


def authlib(issuer: Issuer, algorithm: str, tokens: Sequence[str]) -> list[str | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks to move to joserfc, and is what many use
        from authlib.jose import JsonWebKey, JsonWebToken
        from authlib.jose.errors import JoseError as AuthlibError

    keys = JsonWebKey.import_key_set(httpx2.get(issuer.jwks_uri, trust_env=False).json())
    wanted = {
        "iss": {"essential": True, "value": issuer.issuer},
        "aud": {"essential": True, "value": f"{AUDIENCE}/{algorithm}"},
    }

    def one(token: str) -> str | None:
        try:
            claims = JsonWebToken([algorithm]).decode(token, keys, claims_options=wanted)
            claims.validate()
        except (AuthlibError, ValueError):
            return None
        client_id: str = claims["client_id"]
        return client_id

    return [one(token) for token in tokens]


def joserfc(issuer: Issuer, algorithm: str, tokens: Sequence[str]) -> list[str | None]:
    warnings.filterwarnings("ignore", "EdDSA is deprecated")  # RFC 9864 names it by its curve
    keys = joserfc_jwk.KeySet.import_key_set(httpx2.get(issuer.jwks_uri, trust_env=False).json())
    rules = joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer.issuer},
        aud={"essential": True, "value": f"{AUDIENCE}/{algorithm}"},
    )

    def one(token: str) -> str | None:
        try:
            found = joserfc_jwt.decode(token, keys, algorithms=[algorithm])
            rules.validate(found.claims)
        except (JoseError, ValueError):
            return None
        client_id: str = found.claims["client_id"]
        return client_id

    return [one(token) for token in tokens]


def _node(library: str) -> Verify:
    def verify(issuer: Issuer, algorithm: str, tokens: Sequence[str]) -> list[str | None]:
        place = npm()
        (place / "verify.mjs").write_text((HERE / "verify.mjs").read_text())
        command = ["node", place / "verify.mjs", library, issuer.issuer, f"{AUDIENCE}/{algorithm}"]
        command += [issuer.jwks_uri, algorithm]
        text = json.dumps(list(tokens))
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        verdicts: list[str | None] = json.loads(done.stdout)
        return verdicts

    return verify


def mod_oauth2(issuer: Issuer, algorithm: str, tokens: Sequence[str]) -> list[str | None]:
    need_packages("apache2", ("apache2", "libapache2-mod-oauth2"))
    port, api = free_port(), Api()
    try:
        with folder() as here:
            modules = ("mpm_event", "authz_core", "authn_core", "authz_user", "proxy", "proxy_http", "oauth2")
            loaded = "".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so\n" for m in modules)
            (here / "apache2.conf").write_text(
                f"ServerRoot {here}\nServerName localhost\nPidFile {here}/pid\nErrorLog {here}/error.log\n{loaded}"
                f"User www-data\nGroup www-data\nListen 127.0.0.1:{port}\n<Location />\nAuthType oauth2\n"
                f"OAuth2TokenVerify jwks_uri {issuer.jwks_uri} jwks_uri.ssl_verify=false&verify.exp=required\n"
                f"<RequireAll>\nRequire oauth2_claim iss:{issuer.issuer}\n"
                f"Require oauth2_claim aud:{AUDIENCE}/{algorithm}\n</RequireAll>\n"
                f"ProxyPass http://127.0.0.1:{api.port}/\n</Location>\n"
            )
            command = ["apache2", "-f", here / "apache2.conf", "-DFOREGROUND"]
            with running(command, port):
                statuses = [call("GET", f"http://127.0.0.1:{port}/", token=token).status for token in tokens]
        return [issuer.client_id if status == 200 else None for status in statuses]
    finally:
        api.close()


VERIFIERS: dict[str, tuple[Verify, tuple[str, ...]]] = {
    "PyJWT": (pyjwt, ALGORITHMS),
    "Authlib": (authlib, ALGORITHMS),
    "joserfc": (joserfc, ("ES256", "RS256", "EdDSA")),
    "jose": (_node("jose"), ALGORITHMS),
    "express-oauth2-jwt-bearer": (_node("express"), ("ES256", "RS256")),
    "mod_oauth2": (mod_oauth2, ("ES256", "RS256")),
}


@pytest.mark.parametrize("name", list(VERIFIERS))
def test_a_foreign_verifier_accepts_our_tokens_and_no_others(issuer: Issuer, name: str) -> None:
    verify, algorithms = VERIFIERS[name]
    for algorithm in algorithms:
        assert verify(issuer, algorithm, [issuer.good[algorithm]]) == [issuer.client_id], algorithm
    verdicts = verify(issuer, "ES256", list(issuer.bad.values()))
    assert dict(zip(issuer.bad, verdicts, strict=True)) == dict.fromkeys(issuer.bad)


def test_foreign_verifiers_accept_a_signed_introspection_answer_and_take_it_for_no_token(
    issuer: Issuer,
) -> None:
    key = jwt.PyJWKClient(issuer.jwks_uri).get_signing_key_from_jwt(issuer.introspected)
    claims = jwt.decode(issuer.introspected, key, ["ES256"], audience=issuer.guard_id, issuer=issuer.issuer)
    assert claims["token_introspection"]["client_id"] == issuer.client_id
    assert claims["token_introspection"]["active"] is True
    place = npm()
    (place / "verify.mjs").write_text((HERE / "verify.mjs").read_text())
    command = ["node", place / "verify.mjs", "introspection", issuer.issuer, issuer.guard_id, issuer.jwks_uri]
    text = json.dumps([issuer.introspected, _forged(issuer.introspected), issuer.good["ES256"]])
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stdout) == [issuer.client_id, None, None], done.stderr
    for name in ("jose", "express-oauth2-jwt-bearer"):
        verify, _ = VERIFIERS[name]
        assert verify(issuer, "ES256", [issuer.introspected]) == [None], name


def test_a_foreign_verifier_reads_from_our_status_list_which_token_was_revoked(issuer: Issuer) -> None:
    first, second, third = issuer.listed
    place = npm()
    (place / "status.mjs").write_text((HERE / "status.mjs").read_text())
    command = ["node", place / "status.mjs", issuer.issuer, issuer.jwks_uri]
    text = json.dumps([first, second, third, issuer.good["EdDSA"]])
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stdout) == [0, 1, 0, None], done.stderr
    aggregation = httpx2.get(
        f"{issuer.issuer}/.well-known/oauth-authorization-server", trust_env=False
    ).json()["status_list_aggregation_endpoint"]
    (uri,) = httpx2.get(aggregation, trust_env=False).json()["status_lists"]
    answer = httpx2.get(uri, headers={"Accept": "application/statuslist+jwt"}, trust_env=False)
    assert answer.headers["content-encoding"] == "gzip"
    for name, (verify, _) in VERIFIERS.items():
        assert verify(issuer, "ES256", [answer.text]) == [None], f"{name} takes the list for a token"


@pytest.fixture(scope="module", params=["oidc-provider", "oauth2-mock-server", "glewlwyd"])
def other(request: pytest.FixtureRequest) -> Iterator[Server]:
    with SERVERS[request.param]() as server:
        yield server


def token_of(server: Server) -> str:
    form = {
        "grant_type": "client_credentials",
        "scope": "read",
        "client_id": server.clients["post"],
        "client_secret": server.secret,
    }
    answer = httpx2.post(server.token_url, data=form, trust_env=False)
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["access_token"]
    return text


def test_our_guard_accepts_their_tokens(other: Server) -> None:
    guard = mintmark.Guard(issuer=other.issuer, audience=other.audience, profile=other.profile)
    try:
        caller = guard.verify({"authorization": f"Bearer {token_of(other)}"}, "read")
        assert caller.client_id == other.clients["post"]
    finally:
        guard.close()


@pytest.mark.parametrize("change", ["audience", "signature"])
def test_our_guard_refuses_their_tokens_for_others_and_forged_ones(other: Server, change: str) -> None:
    audience = "https://other.example" if change == "audience" else other.audience
    token = token_of(other)
    if change == "signature":
        token = _forged(token)
    guard = mintmark.Guard(issuer=other.issuer, audience=audience, profile=other.profile)
    try:
        with pytest.raises(mintmark.OAuthError) as caught:
            guard.verify({"authorization": f"Bearer {token}"})
        assert caught.value.status == 401
    finally:
        guard.close()


def test_our_guard_refuses_an_id_token_of_theirs() -> None:
    with SERVERS["oauth2-mock-server"]() as server:
        code = httpx2.get(
            server.token_url.replace("/token", "/authorize"),
            params={"response_type": "code", "redirect_uri": "http://127.0.0.1/", "scope": "openid read"},
            trust_env=False,
        ).headers["location"]
        answer = httpx2.post(
            server.token_url,
            data={
                "grant_type": "authorization_code",
                "code": code.partition("code=")[2].partition("&")[0],
                "redirect_uri": "http://127.0.0.1/",
                "client_id": "https://api.example",
            },
            trust_env=False,
        )
        guard = mintmark.Guard(issuer=server.issuer, audience=server.audience, profile="rfc9068")
        try:
            with pytest.raises(mintmark.OAuthError):
                guard.verify({"authorization": f"Bearer {answer.json()['id_token']}"})
        finally:
            guard.close()
