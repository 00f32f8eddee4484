"""Signing in to the console beside the password: one-time codes, and the company's OpenID provider."""

from __future__ import annotations

import json
import re
import threading
import time
from base64 import b32decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from mintmark.jose.access_token import build
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.web.console.pages.sign_in import MOST_CODES
from tests.end_to_end.conftest import Served, serving
from tests.end_to_end.console import Seen, Visitor
from tests.end_to_end.server import Running, call, free_port, mintmark, until
from tests.valkeys import Valkey, valkey


def ticket(page: Any) -> str:
    (found,) = set(re.findall(r'name="ticket" value="([^"]+)"', page.text))
    return str(found)


class TestOneTimeCodes:
    def test_are_set_up_asked_for_used_once_and_taken_away(self, tmp_path: Path) -> None:
        with serving(tmp_path / "codes") as served:
            self.live_with_codes(served)

    def live_with_codes(self, served: Served) -> None:
        root = Visitor(served.url)
        assert root.sign_in("root", served.password).status == 303
        page = root.get("/console/account/one-time-codes")
        text = page.words.partition("Or type it: ")[2].split()[0]
        totp = TOTP(b32decode(text), 6, SHA1(), 30)
        wrong = root.post("/console/account/one-time-codes", {"ticket": ticket(page), "code": "000000"})
        assert wrong.status == 422
        now = totp.generate(int(time.time())).decode()
        assert (
            root.post("/console/account/one-time-codes", {"ticket": ticket(wrong), "code": now}).status == 303
        )

        other = Visitor(served.url)
        asked = other.sign_in("root", served.password)
        assert (asked.status, other.cookies) == (200, {})
        assert "One-time code" in asked.words
        refused = other.send("POST", "/console/sign-in/code", {"ticket": ticket(asked), "code": "123456"})
        assert (refused.status, other.cookies) == (401, {})
        code = totp.generate(int(time.time()) + 30).decode()  # a step ahead: never one that was used before
        form = {"ticket": ticket(refused), "code": code}
        assert other.send("POST", "/console/sign-in/code", form).status == 303
        assert other.get("/console").status == 200
        assert Visitor(served.url).send("POST", "/console/sign-in/code", form).status == 401
        off = other.post("/console/account/one-time-codes/disable", {"code": code})
        assert "was used already" in off.words
        again = other.get("/console/account/one-time-codes")
        other_secret = TOTP(b32decode(again.words.partition("Or type it: ")[2].split()[0]), 6, SHA1(), 30)
        replacing = {"ticket": ticket(again), "code": other_secret.generate(int(time.time())).decode()}
        kept = other.post("/console/account/one-time-codes", replacing)
        assert "turn them off with a code first" in kept.words
        stolen = Visitor(served.url)
        assert stolen.send("POST", "/console/sign-in/code", {"ticket": "x.y", "code": code}).status == 401

        done = mintmark(
            *("admin", "person", "reset-sign-in", "root", "--yes"),
            *("--config", served.directory / "mintmark.toml"),
        )
        assert done.returncode == 0, done.stderr
        assert Visitor(served.url).sign_in("root", "wrong").status == 401
        assert Visitor(served.url).sign_in("root", served.password).status == 303
        assert served.password not in served.server.output
        assert text not in served.server.output

    def behind_the_password(self, served: Served) -> Seen:
        """The page that asks root, who has just set up codes, for one."""
        root = Visitor(served.url)
        assert root.sign_in("root", served.password).status == 303
        page = root.get("/console/account/one-time-codes")
        totp = TOTP(b32decode(page.words.partition("Or type it: ")[2].split()[0]), 6, SHA1(), 30)
        form = {"ticket": ticket(page), "code": totp.generate(int(time.time())).decode()}
        assert root.post("/console/account/one-time-codes", form).status == 303
        return Visitor(served.url).sign_in("root", served.password)

    def test_are_not_guessed_from_a_thousand_addresses(self, tmp_path: Path) -> None:
        with serving(tmp_path / "guessed", settings='trusted_proxies = ["127.0.0.1"]') as served:
            asked = self.behind_the_password(served)
            statuses: list[int] = []
            while 429 not in statuses and len(statuses) < 2 * MOST_CODES:  # in time, a further try flows back
                wrong = {"ticket": ticket(asked), "code": "none"}
                address = {"X-Forwarded-For": f"198.51.100.{len(statuses)}"}
                asked = Visitor(served.url).send("POST", "/console/sign-in/code", wrong, address)
                statuses.append(asked.status)
            assert statuses[:MOST_CODES] == [401] * MOST_CODES
            assert statuses[-1] == 429, "from an address that has never failed"

    def test_are_not_guessed_all_at_once_where_limits_are_shared(self, tmp_path: Path) -> None:
        """To ask Valkey takes a moment, in which others ask, too."""
        (tmp_path / "valkey").mkdir()
        with valkey(tmp_path / "valkey") as shared:
            settings = (
                f'trusted_proxies = ["127.0.0.1"]\nvalkey = "{shared.url}"\nvalkey_timeout_ms = 20000\n'
            )
            with serving(tmp_path / "guessed", settings=settings) as served:
                wrong = {"ticket": ticket(self.behind_the_password(served)), "code": "none"}

                def guess(number: int) -> int:
                    address = {"X-Forwarded-For": f"198.51.100.{number}"}
                    return int(
                        Visitor(served.url).send("POST", "/console/sign-in/code", wrong, address).status
                    )

                with ThreadPoolExecutor(MOST_CODES * 2) as pool:
                    statuses = list(pool.map(guess, range(MOST_CODES * 2)))
                assert set(statuses) == {401, 429}
                assert statuses.count(401) <= MOST_CODES + 2, "in two minutes a further try flows back"


class CompanyProvider:
    """An OpenID provider on loopback: signs in whoever `names` says, and can be made to lie."""

    def __init__(self) -> None:
        self.key: PrivateKey = generate("RS256")
        self.claims: dict[str, Any] = {"sub": "ada-1", "email": "ada@company.example", "email_verified": True}
        self.lie: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.signing: PrivateKey | None = None
        self.challenges: dict[str, str] = {}
        self.exchanged: list[dict[str, str]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/jwks":
                    return self.answer({"keys": [provider.key.public().jwk()]})
                return self.answer(
                    {
                        "issuer": provider.url,
                        "authorization_endpoint": f"{provider.url}/authorize",
                        "token_endpoint": f"{provider.url}/token",
                        "jwks_uri": f"{provider.url}/jwks",
                    }
                )

            def do_POST(self) -> None:
                form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                provider.exchanged.append({**form, "authorization": self.headers.get("Authorization", "")})
                verifier = (
                    urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
                )
                nonce, challenge = provider.challenges[form["code"]], form["code"].partition(":")[2]
                if challenge != verifier:
                    return self.answer({"error": "invalid_grant"}, 400)
                now = int(time.time())
                claims = {
                    "iss": provider.url,
                    "aud": "console",
                    "iat": now,
                    "exp": now + 60,
                    "nonce": nonce,
                    **provider.claims,
                }
                token = build(provider.lie(claims), provider.signing or provider.key, "JWT")
                return self.answer({"id_token": token, "access_token": "unused", "token_type": "Bearer"})

            def answer(self, value: Any, status: int = 200) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def authorize(self, url: str) -> dict[str, str]:
        """What the provider sends the browser back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["client_id"], asked["response_type"]) == ("console", "code")
        assert asked["code_challenge_method"] == "S256"
        code = f"code:{asked['code_challenge']}"
        self.challenges[code] = asked["nonce"]
        return {"code": code, "state": asked["state"], "redirect_uri": asked["redirect_uri"]}


@pytest.fixture(scope="module")
def company() -> Iterator[CompanyProvider]:
    made = CompanyProvider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def served(company: CompanyProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory: Path = tmp_path_factory.mktemp("openid")
    with serving(directory, settings=settings(company, directory)) as served:
        add_ada(served)
        yield served


def settings(company: CompanyProvider, directory: Path) -> str:
    """A server's, with the provider."""
    secret = directory / "oidc.secret"
    secret.write_text("the console's secret\n")
    return (
        f'oidc_issuer = "{company.url}"\noidc_client_id = "console"\n'
        f'oidc_client_secret_file = "{secret}"\noidc_title = "Sign in with Company"\n'
    )


def add_ada(served: Served) -> None:
    """Whom the provider knows."""
    root = Visitor(served.url)
    assert root.sign_in("root", served.password).status == 303
    form = {"username": "ada", "role": "operator", "openid": "ada@company.example", "password": ""}
    assert root.post("/console/people", form).status == 303


class TestCompanyProvider:
    @pytest.fixture(autouse=True)
    def honest(self, company: CompanyProvider) -> Iterator[None]:
        before = dict(company.claims)
        yield
        company.claims, company.lie, company.signing = before, lambda claims: claims, None

    def go(
        self, served: Served, company: CompanyProvider, visitor: Visitor | None = None
    ) -> tuple[Visitor, Any]:
        visitor = visitor or Visitor(served.url)
        sent = company.authorize(visitor.get("/console/sign-in/openid?next=/console/people").location)
        assert sent["redirect_uri"] == f"{served.url}/console/sign-in/openid/callback"
        query = f"code={sent['code']}&state={sent['state']}"
        return visitor, visitor.get(f"/console/sign-in/openid/callback?{query}")

    def test_signs_in_whom_it_knows(self, served: Served, company: CompanyProvider) -> None:
        assert "Sign in with Company" in Visitor(served.url).get("/console/sign-in").words
        visitor, answer = self.go(served, company)
        assert (answer.status, answer.location) == (303, "/console/people")
        assert visitor.get("/console").status == 200
        assert company.exchanged[-1]["authorization"].startswith("Basic ")
        assert "the console's secret" not in served.server.output

    def test_a_sign_in_is_finished_once(self, served: Served, company: CompanyProvider) -> None:
        visitor = Visitor(served.url)
        sent = company.authorize(visitor.get("/console/sign-in/openid").location)
        kept = dict(visitor.cookies)
        path = f"/console/sign-in/openid/callback?code={sent['code']}&state={sent['state']}"
        assert visitor.get(path).status == 303
        again = Visitor(served.url)
        again.cookies.update(kept)  # as who has seen the browser's cookie; this provider takes a code twice
        answer = again.get(path)
        assert (answer.status, again.get("/console").status) == (401, 303)
        assert "finished before" in answer.words

    def test_a_sign_in_is_finished_at_one_of_two_nodes_and_at_none_while_valkey_is_away(
        self, company: CompanyProvider, tmp_path: Path
    ) -> None:
        (tmp_path / "valkey").mkdir()
        with valkey(tmp_path / "valkey") as shared:
            # Twenty seconds, so that a busy machine is not mistaken for a server that is away.
            shares = f'valkey = "{shared.url}"\nvalkey_timeout_ms = 20000\n'
            with serving(tmp_path, settings=settings(company, tmp_path) + shares) as served:
                add_ada(served)
                port = free_port()
                config = served.directory / "mintmark.toml"
                beside = Running("serve", "--config", config, "--port", port, ready="Mintmark serves")
                try:
                    self.live_with_two(served.url, f"http://127.0.0.1:{port}", company, shared)
                finally:
                    beside.stop()

    def live_with_two(self, first: str, second: str, company: CompanyProvider, shared: Valkey) -> None:
        def begun() -> tuple[dict[str, str], str]:
            visitor = Visitor(first)
            sent = company.authorize(visitor.get("/console/sign-in/openid").location)
            return (
                visitor.cookies,
                f"/console/sign-in/openid/callback?code={sent['code']}&state={sent['state']}",
            )

        def finish(node: str, cookies: dict[str, str], path: str) -> int:
            visitor = Visitor(node)
            visitor.cookies.update(cookies)
            return int(visitor.get(path).status)

        cookies, path = begun()
        with ThreadPoolExecutor(6) as pool:
            ends = [pool.submit(finish, node, cookies, path) for node in (first, second) * 3]
            assert sorted(end.result() for end in ends) == [303] + [401] * 5
        cookies, path = begun()
        shared.kill()
        assert [finish(node, cookies, path) for node in (first, second)] == [503, 503]
        assert shared.start()
        until(lambda: finish(second, cookies, path) == 303, "nobody signs in although Valkey is back")
        until(lambda: finish(first, cookies, path) == 401, "the other node does not find Valkey again")

    @pytest.mark.parametrize(
        "claims",
        [
            {"sub": "somebody-else", "email": "eve@company.example"},
            {"sub": "ada-1", "email_verified": False},
            {"sub": "ada-1", "email_verified": "true"},
            {"sub": "ada-1", "email": None},
        ],
    )
    def test_a_stranger_or_an_address_that_is_not_verified_gets_no_session(
        self, served: Served, company: CompanyProvider, claims: dict[str, Any]
    ) -> None:
        company.claims = {**company.claims, **claims}
        visitor, answer = self.go(served, company)
        assert answer.status == 403
        assert visitor.get("/console").status == 303

    def test_a_stranger_uses_up_nothing_by_coming_back(
        self, served: Served, company: CompanyProvider
    ) -> None:
        visitor = Visitor(served.url)
        sent = company.authorize(visitor.get("/console/sign-in/openid").location)
        path = f"/console/sign-in/openid/callback?code={sent['code']}&state={sent['state']}"
        known, company.claims = company.claims, {"sub": "somebody-else"}
        assert [visitor.get(path).status for _ in range(2)] == [403, 403]
        company.claims = known
        assert visitor.get(path).status == 303

    @pytest.mark.parametrize(
        "lie",
        [
            {"iss": "https://other.example"},
            {"aud": "another-client"},
            {"aud": ["console", "other"]},
            {"azp": "other"},
            {"nonce": "x"},
            {"nonce": None},
            {"exp": 1},
            {"exp": None},
            {"iat": 9999999999},
            {"sub": ""},
        ],
        ids=lambda lie: json.dumps(lie),
    )
    def test_refuses_an_id_token_that_lies(
        self, served: Served, company: CompanyProvider, lie: dict[str, Any]
    ) -> None:
        company.lie = lambda claims: {
            name: value for name, value in {**claims, **lie}.items() if value is not None
        }
        visitor, answer = self.go(served, company)
        assert answer.status == 401
        assert visitor.get("/console").status == 303

    def test_refuses_a_key_that_is_not_published(self, served: Served, company: CompanyProvider) -> None:
        company.signing = generate("RS256")
        assert self.go(served, company)[1].status == 401

    def test_another_browser_cannot_be_made_to_finish_the_sign_in(
        self, served: Served, company: CompanyProvider
    ) -> None:
        attacker = Visitor(served.url)
        sent = company.authorize(attacker.get("/console/sign-in/openid").location)
        victim = Visitor(served.url)
        path = f"/console/sign-in/openid/callback?code={sent['code']}&state={sent['state']}"
        assert victim.get(path).status == 401
        victim.get("/console/sign-in/openid")
        assert victim.get(path).status == 401
        assert victim.get("/console/sign-in/openid/callback?error=access_denied").status == 401

    def test_a_provider_that_cannot_be_reached_leaves_the_password(self, tmp_path: Path) -> None:
        secret = tmp_path / "s"
        secret.write_text("x")
        settings = (
            f'oidc_issuer = "http://127.0.0.1:{free_port()}"\noidc_client_id = "console"\n'
            f'oidc_client_secret_file = "{secret}"'
        )
        with serving(tmp_path / "here", settings=settings) as served:
            visitor = Visitor(served.url)
            answer = visitor.get("/console/sign-in/openid")
            assert answer.status == 503
            assert "cannot be reached" in answer.words
            assert visitor.sign_in("root", served.password).status == 303


def test_without_a_provider_there_is_no_such_page(tmp_path: Path) -> None:
    with serving(tmp_path / "plain") as served:
        assert Visitor(served.url).get("/console/sign-in/openid").status == 404
        assert call("GET", f"{served.url}/console/request-access").status == 404
