"""A real server and a real guard that follows its feed: what is revoked here is refused there, whatever restarts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mintmark.compose.guard import Guard
from mintmark.values.errors import OAuthError
from tests.end_to_end.server import Running, basic, free_port, mintmark, post_form
from tests.end_to_end.server import until as eventually
from tests.resource_server.conftest import patient

ENVIRONMENT, AUDIENCE = "acme/production", "https://api.acme.example"


@pytest.fixture(autouse=True)
def _patient_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)


@dataclass
class Site:
    """An installation of this test's own, its server and the guards that were opened."""

    directory: Path
    port: int
    workers: int
    guards: list[Guard] = field(default_factory=list)
    server: Running | None = None
    credentials: tuple[str, str] = ("", "")

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/t/{ENVIRONMENT}"

    def admin(self, *arguments: object, stdin: str = "") -> dict[str, Any]:
        config = ("--config", self.directory / "mintmark.toml", "--json")
        done = mintmark("admin", *arguments, *config, stdin=stdin)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def start(self) -> None:
        self.server = Running(
            *("serve", "--config", self.directory / "mintmark.toml", "--port", self.port),
            *("--workers", self.workers),
            ready="Mintmark serves",
        )

    def stop(self) -> None:
        if self.server is not None:
            assert self.server.stop() == 0

    def guard(self) -> Guard:
        guard = Guard(self.issuer, AUDIENCE, credentials=lambda: self.credentials, follow_revocations=True)
        self.guards.append(guard)
        return guard

    def client(self, name: str) -> dict[str, Any]:
        return self.admin("client", "create", ENVIRONMENT, "--name", name, "--allow", f"{AUDIENCE} *")

    def token(self, client: dict[str, Any]) -> str:
        found: list[str] = []

        def asked() -> bool:
            answer = post_form(
                f"{self.issuer}/oauth/token",
                {"grant_type": "client_credentials"},
                headers=basic(client["client_id"], client["client_secret"]),
            )
            if answer.status == 200:
                found.append(answer.json["access_token"])
            return bool(found)

        eventually(asked)
        return found[0]


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    port = free_port()
    made = mintmark(
        *("init", "--directory", directory, "--non-interactive", "--public-url", f"http://127.0.0.1:{port}")
    )
    assert made.returncode == 0, made.stderr
    site = Site(directory, port, request.param)
    site.admin("tenant", "create", "acme", "--name", "Acme")
    site.admin("environment", "create", ENVIRONMENT)
    site.admin("mount", "add", ENVIRONMENT, "/oauth/token", "--dialect", "standard")
    site.admin("api", "create", ENVIRONMENT, AUDIENCE, "--scope", "things:read Read.")
    guard = site.admin("client", "create", ENVIRONMENT, "--name", "guard", "--protects", AUDIENCE)
    site.credentials = (guard["client_id"], guard["client_secret"])
    site.start()
    try:
        yield site
    finally:
        for guard_ in site.guards:
            guard_.close()
        site.stop()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def refused(guard: Guard, token: str) -> bool:
    try:
        guard.verify(bearer(token))
    except OAuthError as error:
        assert (error.status, error.reason) == (401, "not_active")
        return True
    return False


def test_what_is_revoked_is_refused_and_nothing_else(site: Site) -> None:
    guard = site.guard()
    bystander = site.token(site.client("bystander"))
    for name in ("delete", "disable", "secret"):
        client = site.client(name)
        token = site.token(client)
        assert guard.verify(bearer(token)).client_id == client["client_id"]
        if name == "secret":
            site.admin("secret", "revoke", ENVIRONMENT, client["client_id"], client["secret_id"], "--yes")
        elif name == "delete":
            site.admin("client", "delete", ENVIRONMENT, client["client_id"], "--yes")
        else:
            site.admin("client", "disable", ENVIRONMENT, client["client_id"])
        eventually(lambda token=token: refused(guard, token))  # type: ignore[misc]
        if name == "disable":
            site.admin("client", "enable", ENVIRONMENT, client["client_id"])
            assert refused(guard, token)
            # Times in tokens are whole seconds: one of the second in which it was disabled counts as older.
            eventually(lambda client=client: not refused(guard, site.token(client)))  # type: ignore[misc]
            assert refused(guard, token)
    assert guard.verify(bearer(bystander))
    assert guard.health().ok


def test_one_token_is_ended_by_its_client_and_by_an_operator(site: Site) -> None:
    guard = site.guard()
    client = site.client("leaky")
    first, second, third = (site.token(client) for _ in range(3))
    for token in (first, second, third):
        guard.verify(bearer(token))
    credentials = basic(client["client_id"], client["client_secret"])
    assert post_form(f"{site.issuer}/revoke", {"token": first}, headers=credentials).status == 200
    eventually(lambda: refused(guard, first))
    assert not refused(guard, second)
    done = site.admin("token", "revoke", ENVIRONMENT, "--token-stdin", stdin=second + "\n")
    assert done["revoked"]
    eventually(lambda: refused(guard, second))
    assert guard.verify(bearer(third))


def test_the_guard_asks_the_issuer_about_an_opaque_token(site: Site) -> None:
    guard = site.guard()
    made = site.admin("api-token", "create", ENVIRONMENT, "--audience", AUDIENCE, "--scope", "things:read")
    eventually(lambda: guard.verify(bearer(made["token"])).scopes == {"things:read"})
    site.admin("api-token", "revoke", ENVIRONMENT, made["token_id"], "--yes")
    eventually(lambda: refused(guard, made["token"]))


def test_the_feed_survives_a_restart_of_either_side(site: Site) -> None:
    guard = site.guard()
    client, another = site.client("old"), site.client("another")
    token, fresh = site.token(client), site.token(another)
    guard.verify(bearer(token))
    site.stop()
    guard.verify(bearer(fresh))
    site.admin("client", "delete", ENVIRONMENT, client["client_id"], "--yes")
    site.start()
    eventually(lambda: refused(guard, token))
    assert guard.verify(bearer(fresh))
    reborn = site.guard()
    eventually(lambda: refused(reborn, token))
    assert reborn.verify(bearer(fresh))
