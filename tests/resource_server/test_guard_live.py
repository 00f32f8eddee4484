"""The public guard against an issuer that lives, rotates, hangs, lies and disappears."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

import mintmark
from mintmark.jose import base64url
from mintmark.jose.jwk import PublicKey, generate
from mintmark.resource_server.caller import Caller
from mintmark.transport.key_refresher import KeyRefresher
from mintmark.values.errors import OAuthError
from mintmark.values.secret import API_TOKEN, Secret, new_secret
from tests.resource_server.loopback import AUDIENCE, PATH, LoopbackIssuer, no_credentials

KEYS = PATH + "/jwks.json"
OPAQUE = new_secret(API_TOKEN, "abc123", lambda count: bytes(range(count))).reveal()


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(issuer: LoopbackIssuer, clock: Clock) -> Iterator[Callable[..., mintmark.Guard]]:
    made: list[mintmark.Guard] = []

    def guard(**options: Any) -> mintmark.Guard:
        usual = {"issuer": issuer.identifier, "audience": AUDIENCE, "clock": clock, "time_limit": 30.0}
        made.append(mintmark.Guard(**(usual | options)))
        return made[-1]

    yield guard
    for one in made:
        one.close()


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Caller]:
    """`verify` and `averify` by one name: every rule holds for both."""

    def sync(guard: mintmark.Guard, headers: Any, *scopes: str) -> Caller:
        return guard.verify(headers, *scopes)

    def on_a_loop(guard: mintmark.Guard, headers: Any, *scopes: str) -> Caller:
        return asyncio.run(guard.averify(headers, *scopes))

    return sync if request.param == "sync" else on_a_loop


def refused(ask: Callable[..., Caller], guard: mintmark.Guard, headers: Any, *scopes: str) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        ask(guard, headers, *scopes)
    return caught.value


def until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for what another thread does; fail when it does not."""
    ends_by = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends_by
        time.sleep(0.005)


def test_a_token_of_a_live_issuer_gets_in(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller]
) -> None:
    guard = make()
    caller = ask(guard, issuer.bearer(), "read")
    assert (caller.client_id, caller.tenant, caller.scopes) == ("reports", "acme", {"read", "write"})
    assert caller.claims["jti"] == caller.token_id == "0b7a2c5e"
    assert guard.health().ok
    assert refused(ask, guard, issuer.bearer(), "delete").code == "insufficient_scope"


def test_a_strangers_token_that_comes_first_waits_for_keys_asked_for_after_it(
    issuer: LoopbackIssuer,
    make: Callable[..., mintmark.Guard],
    ask: Callable[..., Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The keys that were on their way when it came say nothing about a key made since: they are asked for again."""
    released, under_way = threading.Event(), threading.Event()
    genuine = KeyRefresher.wanted

    def wanted(self: KeyRefresher, kid: str | None) -> Future[None]:
        waited_for = genuine(self, kid)
        released.set()
        return waited_for

    monkeypatch.setattr(KeyRefresher, "wanted", wanted)

    def slowly() -> tuple[int, bytes, dict[str, str]]:
        under_way.set()
        assert released.wait(30)
        del issuer.faults[KEYS]
        return issuer.get(KEYS, "")

    issuer.faults[KEYS] = slowly
    guard = make()
    guard.start()
    assert under_way.wait(30)
    error = refused(ask, guard, issuer.bearer(generate("ES256")))
    assert (error.status, error.reason) == (401, "unknown_key")
    assert issuer.count("/jwks.json") == 2


def test_a_guard_without_an_audience_is_not_built() -> None:
    for audience in ("", [], [""]):
        with pytest.raises(ValueError, match="audience"):
            mintmark.Guard(issuer="https://auth.example", audience=audience)
    with pytest.raises(TypeError):
        mintmark.Guard(issuer="https://auth.example")  # type: ignore[call-arg]


def test_a_token_seen_before_costs_no_verification_and_dies_with_its_end(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller], clock: Clock
) -> None:
    guard = make()
    headers = issuer.bearer()
    first = ask(guard, headers)
    assert ask(guard, headers) is first
    clock.ahead = first.expires_at - time.time() - 5  # type: ignore[operator]
    assert ask(guard, headers).client_id == "reports"
    clock.ahead += 6
    assert refused(ask, guard, headers).reason == "expired"


def test_a_token_is_verified_once_and_then_only_looked_up(
    issuer: LoopbackIssuer,
    make: Callable[..., mintmark.Guard],
    ask: Callable[..., Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guard = make()
    ask(guard, issuer.bearer())
    verified: list[bytes] = []
    genuine = PublicKey.verify

    def counted(self: PublicKey, signature: bytes, data: bytes) -> bool:
        verified.append(data)
        return genuine(self, signature, data)

    monkeypatch.setattr(PublicKey, "verify", counted)
    headers = [issuer.bearer(jti=str(number)) for number in range(20)]
    ours = [one["Authorization"].partition(" ")[2].rpartition(".")[0].encode() for one in headers]
    for _ in range(50):
        for one in headers:
            ask(guard, one)
    # a guard of an earlier test may hear from its feed once more
    assert sorted(data for data in verified if data in ours) == sorted(ours)


def test_the_cache_knows_a_token_by_all_of_it(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller]
) -> None:
    guard = make()
    token = issuer.token()
    ask(guard, {"authorization": f"Bearer {token}"})
    other = token[:-3] + ("AAA" if not token.endswith("AAA") else "BBA")
    for wrong in (other, token[:-1], token + "A", token + "=", token.swapcase()):
        assert refused(ask, guard, {"authorization": f"Bearer {wrong}"}).status == 401
    assert refused(ask, guard, [("authorization", f"Bearer {token}")] * 2).reason == "malformed_header"


# --- A7: unknown keys ---


def test_ten_thousand_unknown_keys_cost_three_fetches_and_no_good_token(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard]
) -> None:
    now = time.time()  # stands still, however long this takes: in time, more fetches are due
    guard = make(clock=lambda: now)
    good = issuer.bearer()
    guard.verify(good)
    forged = generate("ES256")
    _, payload, signature = issuer.token(forged).split(".")
    before = issuer.count("/jwks.json")
    statuses = set()
    for number in range(10_000):
        kid = json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": f"k{number}"}).encode()
        token = b".".join((base64url.encode(kid), payload.encode(), signature.encode())).decode()
        with pytest.raises(OAuthError) as caught:
            guard.verify({"Authorization": f"Bearer {token}"})
        statuses.add((caught.value.status, caught.value.reason))
        if number % 1000 == 0:
            assert guard.verify(good).client_id == "reports"
    assert issuer.count("/jwks.json") - before <= 3
    assert statuses == {(401, "unknown_key"), (503, "keys_unavailable")}


def test_another_issuers_token_never_causes_a_fetch(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller]
) -> None:
    guard = make()
    ask(guard, issuer.bearer())
    before = len(issuer.seen)
    for iss in ("https://evil.example", issuer.identifier + "/", issuer.identifier.upper(), None, ""):
        assert refused(ask, guard, issuer.bearer(generate("ES256"), iss=iss)).reason == "wrong_issuer"
    assert len(issuer.seen) == before


# --- A8: rotation, hanging, bad documents ---


def test_a_key_rotated_one_second_after_the_start_is_accepted(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller], clock: Clock
) -> None:
    guard = make()
    ask(guard, issuer.bearer())
    clock.ahead += 1
    issuer.keys.insert(0, generate("RS256"))
    assert ask(guard, issuer.bearer()).client_id == "reports"
    assert ask(guard, issuer.bearer(issuer.keys[1])).client_id == "reports"


def test_known_keys_never_wait_for_a_hanging_fetch(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard]
) -> None:
    guard = make()
    guard.verify(issuer.bearer())
    hanging, release = threading.Event(), threading.Event()

    def hang() -> tuple[int, bytes, dict[str, str]]:
        hanging.set()
        release.wait(30)
        return 500, b"", {}

    issuer.faults[KEYS] = hang
    unknown = issuer.bearer(generate("ES256"))
    outcome: list[OAuthError] = []

    def ask_for_the_unknown() -> None:
        try:
            guard.verify(unknown)
        except OAuthError as error:
            outcome.append(error)

    waiting = threading.Thread(target=ask_for_the_unknown)
    waiting.start()
    assert hanging.wait(30)
    for number in range(50):  # the fetch hangs all the while
        assert guard.verify(issuer.bearer(jti=str(number))).client_id == "reports"
    assert not release.is_set()
    release.set()
    waiting.join()
    assert [(error.status, error.reason) for error in outcome] == [(503, "keys_unavailable")]


BAD = {
    "html": (200, b"<html>maintenance</html>"),
    "no keys": (200, b'{"keys":[]}'),
    "one unknown kind": (200, b'{"keys":[{"kty":"LWE","kid":"q"}]}'),
    "keys no list": (200, b'{"keys":{"kty":"EC"}}'),
    "a list": (200, b"[]"),
    "a text": (200, b'"keys"'),
    "an entry no object": (200, b'{"keys":[1]}'),
    "a private key": (200, b'{"keys":[{"kty":"EC","d":"AA"}]}'),
    "twice the name": (200, b'{"keys":[],"keys":[]}'),
    "cut": (200, b'{"keys":[{"kty":"EC","crv"'),
    "empty": (200, b""),
    "too large": (200, b'{"keys":[' + b" " * 70_000 + b"]}"),
    "error": (500, b""),
    "not found": (404, b""),
    "redirect": (302, b""),
    "partial": (206, b'{"keys":[]}'),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_document_never_replaces_a_good_one(
    case: str, issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard]
) -> None:
    guard = make()
    guard.verify(issuer.bearer())
    status, body = BAD[case]
    issuer.faults[KEYS] = lambda: (status, body, {"Location": issuer.identifier + "/other.json"})
    error = refused(lambda g, h: g.verify(h), guard, issuer.bearer(generate("ES256")))
    assert (error.status, error.reason) == (503, "keys_unavailable")
    assert error.retry_after
    assert guard.verify(issuer.bearer(jti="after")).client_id == "reports"
    health = guard.health()
    assert not health.ok
    assert health.serving
    assert health.issuers[0].keys_fault
    assert PATH + "/other.json" not in issuer.seen


def test_an_unknown_kind_of_key_is_skipped(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller]
) -> None:
    keys = [{"kty": "LWE", "kid": "q"}, issuer.keys[0].public().jwk()]
    issuer.faults[KEYS] = lambda: (200, json.dumps({"keys": keys}).encode(), {})
    assert ask(make(), issuer.bearer()).client_id == "reports"


# --- A9: withdrawn keys; outages ---


def test_a_withdrawn_key_is_refused_within_the_maximum_age_under_constant_traffic(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], clock: Clock
) -> None:
    guard = make(key_max_age=60)
    old = issuer.bearer()
    guard.verify(old)
    fetched = issuer.count("/jwks.json")
    issuer.keys.insert(0, generate("ES256"))
    del issuer.keys[1]
    clock.ahead += 60  # a thread that was asleep: nobody else tells the guard that time has passed
    error = refused(lambda g, h: g.verify(h), guard, old)
    assert error.reason == "unknown_key"
    assert issuer.count("/jwks.json") > fetched
    assert guard.verify(issuer.bearer()).client_id == "reports"


def test_in_an_outage_known_keys_serve_on_within_the_grace_and_then_it_is_503(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller], clock: Clock
) -> None:
    guard = make(key_max_age=60, key_grace=600)
    headers = issuer.bearer(exp=int(time.time()) + 86_400)
    ask(guard, headers)
    issuer.faults[KEYS] = lambda: (503, b"", {})
    clock.ahead += 61
    assert ask(guard, headers).client_id == "reports"
    assert guard.health().issuers[0].keys == "grace"
    unknown = refused(ask, guard, issuer.bearer(generate("ES256"), exp=int(time.time()) + 86_400))
    assert (unknown.status, unknown.code) == (503, "temporarily_unavailable")
    clock.ahead += 610
    error = refused(ask, guard, headers)
    assert (error.status, error.retry_after is not None) == (503, True)
    assert not guard.health().serving
    del issuer.faults[KEYS]
    clock.ahead += 61
    until(lambda: guard.health().serving)
    assert ask(guard, headers).client_id == "reports"


def test_without_any_keys_it_is_503_and_not_401(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller]
) -> None:
    issuer.faults[KEYS] = lambda: (503, b"", {"Retry-After": "7"})
    guard = make()
    error = refused(ask, guard, issuer.bearer())
    assert (error.status, error.retry_after) == (503, 7)
    response = guard.refusal(error)
    assert dict(response.headers)[b"retry-after"] == b"7"
    assert b"www-authenticate" not in dict(response.headers)


@pytest.mark.parametrize(
    "metadata",
    [
        {"jwks_uri": "http://169.254.169.254/keys"},
        {"jwks_uri": "https://keys.elsewhere.example/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"issuer": "https://evil.example"},
        {"jwks_uri": None},
    ],
    ids=str,
)
def test_keys_are_fetched_only_where_the_issuer_or_the_owner_of_the_guard_says(
    metadata: dict[str, Any], issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard]
) -> None:
    document = {"issuer": issuer.identifier, "jwks_uri": issuer.identifier + "/jwks.json"} | metadata
    place = "/.well-known/oauth-authorization-server" + PATH
    issuer.faults[place] = lambda: (200, json.dumps(document).encode(), {})
    guard = make()
    assert refused(lambda g, h: g.verify(h), guard, issuer.bearer()).status == 503
    assert KEYS not in issuer.seen
    given = make(jwks_uri=issuer.identifier + "/jwks.json")
    assert given.verify(issuer.bearer()).client_id == "reports"


# --- several issuers ---


def test_several_issuers_each_with_its_own_keys(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller]
) -> None:
    other = LoopbackIssuer()
    try:
        guard = make(issuer=[issuer.identifier, mintmark.Issuer(other.identifier)], audience=[AUDIENCE, "b"])
        assert ask(guard, issuer.bearer()).audience == AUDIENCE
        assert ask(guard, other.bearer(aud=["x", "b"])).audience == "b"
        crossed = issuer.bearer(iss=other.identifier)
        assert refused(ask, guard, crossed).reason == "unknown_key"
        assert guard.metadata()["authorization_servers"] == [issuer.identifier, other.identifier]
    finally:
        other.close()


# --- opaque and legacy tokens ---


def facts(issuer: LoopbackIssuer, **changes: object) -> dict[str, object]:
    good: dict[str, object] = {
        "iss": issuer.identifier,
        "aud": AUDIENCE,
        "client_id": "reports",
        "scope": "read",
        "jti": "abc123",
        "mm_tenant": "acme",
        "exp": int(time.time()) + 600,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def test_an_opaque_token_is_asked_about_once_in_a_while(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller], clock: Clock
) -> None:
    guard = make(credentials=no_credentials)
    issuer.tokens[OPAQUE] = facts(issuer)
    headers = {"authorization": f"Bearer {OPAQUE}"}
    for _ in range(5):
        assert ask(guard, headers, "read").tenant == "acme"
    assert issuer.questions == [{"token": OPAQUE, "token_type_hint": "access_token"}]
    clock.ahead += 31
    ask(guard, headers)
    assert len(issuer.questions) == 2
    del issuer.tokens[OPAQUE]
    clock.ahead += 31
    assert refused(ask, guard, headers).reason == "not_active"
    assert refused(ask, guard, headers).reason == "not_active"
    assert len(issuer.questions) == 3


def test_a_legacy_token_is_asked_about_where_the_profile_admits_it(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller]
) -> None:
    headers = {"authorization": "Basic aWQ6c2VjcmV0"}
    issuer.tokens["id:secret"] = facts(issuer)
    assert ask(make(credentials=no_credentials, profile="fyma"), headers).client_id == "reports"
    assert issuer.questions == [{"token": "id:secret", "token_type_hint": "legacy_basic"}]
    assert refused(ask, make(credentials=no_credentials), headers).reason == "other_scheme"
    assert refused(ask, make(profile="fyma"), headers).reason == "other_scheme"


@pytest.mark.parametrize(
    "answer", [(503, b""), (401, b""), (200, b"<html>"), (200, b'{"active":"yes"}'), (302, b"")]
)
def test_an_outage_of_introspection_is_503(
    answer: tuple[int, bytes],
    issuer: LoopbackIssuer,
    make: Callable[..., mintmark.Guard],
    ask: Callable[..., Caller],
) -> None:
    issuer.faults[PATH + "/introspect"] = lambda: (*answer, {"Location": "/elsewhere"})
    error = refused(ask, make(credentials=no_credentials), {"authorization": f"Bearer {OPAQUE}"})
    assert (error.status, error.reason, error.retry_after) == (503, "status_unavailable", 1)


def test_one_question_for_many_who_wait(issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard]) -> None:
    guard = make(credentials=no_credentials)
    issuer.tokens[OPAQUE] = facts(issuer)
    go, asked = threading.Event(), threading.Event()

    def slow() -> tuple[int, bytes, dict[str, str]]:
        asked.set()
        go.wait(30)
        issuer.questions.append({})
        return 200, json.dumps({"active": True} | facts(issuer)).encode(), {}

    issuer.faults[PATH + "/introspect"] = slow

    async def many() -> list[Caller]:
        tasks = [
            asyncio.ensure_future(guard.averify({"authorization": f"Bearer {OPAQUE}"})) for _ in range(50)
        ]
        assert await asyncio.to_thread(asked.wait, 30)  # the loop goes on while the question is out
        go.set()
        return await asyncio.gather(*tasks)

    assert {caller.client_id for caller in asyncio.run(many())} == {"reports"}
    assert len(issuer.questions) == 1


def test_the_guards_secret_is_read_afresh(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard]
) -> None:
    secrets = [Secret("old"), Secret("mms-guard")]
    guard = make(credentials=lambda: ("guard", secrets.pop(0)))
    issuer.tokens[OPAQUE] = facts(issuer)
    headers = {"authorization": f"Bearer {OPAQUE}"}
    assert refused(lambda g, h: g.verify(h), guard, headers).status == 503
    until(lambda: _let_in(guard, headers))


def _let_in(guard: mintmark.Guard, headers: dict[str, str]) -> bool:
    try:
        guard.verify(headers)
    except OAuthError as error:
        assert error.status == 503
        return False
    return True


# --- the feed ---


def test_a_revoked_credentials_tokens_stop_and_others_go_on(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller]
) -> None:
    issuer.revoke("client", "gone-before")
    guard = make(credentials=no_credentials, follow_revocations=True)
    good, bad = issuer.bearer(jti="1"), issuer.bearer(jti="2", mm_cred="leaked")
    assert refused(ask, guard, issuer.bearer(client_id="gone-before")).reason == "not_active"
    ask(guard, good)
    ask(guard, bad)
    issuer.revoke("credential", "leaked")
    until(lambda: guard.health().issuers[0].revocations == 2)
    assert refused(ask, guard, bad).reason == "not_active"
    assert ask(guard, good).client_id == "reports"
    assert ask(guard, issuer.bearer(mm_cred="leaked", iat=int(time.time()) + 5)).client_id == "reports"
    assert guard.health().issuers[0].feed == "following"


def test_after_a_gap_the_guard_takes_a_snapshot(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard]
) -> None:
    guard = make(credentials=no_credentials, follow_revocations=True)
    guard.verify(issuer.bearer())
    with issuer.changed:  # the issuer restarts from a copy that has other entries
        issuer.entries, issuer.revoked, issuer.head = [], [], "x" * 43
    for number in range(3):
        issuer.revoke("token", f"t{number}")
    until(lambda: guard.health().issuers[0].revocations == 3)
    assert issuer.count("/revocations/snapshot") >= 2
    assert refused(lambda g, h: g.verify(h), guard, issuer.bearer(jti="t1")).reason == "not_active"


@pytest.mark.parametrize("policy", ["serve", "close"])
def test_a_guard_that_is_cut_off_says_so_and_keeps_to_its_policy(
    policy: str, issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], clock: Clock
) -> None:
    guard = make(credentials=no_credentials, follow_revocations=True, feed_policy=policy, feed_grace=100)
    headers = issuer.bearer(exp=int(time.time()) + 86_400)
    guard.verify(headers)
    issuer.faults[PATH + "/revocations"] = issuer.faults[PATH + "/revocations/snapshot"] = lambda: (
        500,
        b"",
        {},
    )
    until(lambda: guard.health().issuers[0].feed_fault != "")
    clock.ahead += 16
    if policy == "serve":
        assert guard.verify(headers).client_id == "reports"
        assert guard.health().issuers[0].feed == "cut off, serving"
        clock.ahead += 101
    error = refused(lambda g, h: g.verify(h), guard, headers)
    assert (error.status, error.reason) == (503, "revocations_unknown")
    assert guard.health().issuers[0].feed == "cut off, closed"
    issuer.faults.clear()
    clock.ahead = 0
    until(lambda: _let_in(guard, headers))


def test_a_feed_of_wrong_credentials_is_no_feed(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller]
) -> None:
    guard = make(credentials=lambda: ("guard", Secret("wrong")), follow_revocations=True, feed_policy="close")
    assert refused(ask, guard, issuer.bearer()).status == 503
    assert "401" in guard.health().issuers[0].feed_fault


# --- processes and loops ---


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_worker_fetches_and_follows_for_itself(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard]
) -> None:
    guard = make(credentials=no_credentials, follow_revocations=True)
    guard.verify(issuer.bearer())
    new = generate("ES256")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            guard.verify(issuer.bearer())
            issuer_keys = [
                guard.verify({"Authorization": f"Bearer {os.read(reader, 4096).decode()}"}).client_id
            ]
            os._exit(0 if issuer_keys == ["reports"] else 1)
        except BaseException:
            os._exit(2)
    issuer.keys.insert(0, new)
    os.write(writer, issuer.token().encode())
    _, status = os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_task_that_gives_up_takes_nothing_from_others(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], caplog: pytest.LogCaptureFixture
) -> None:
    go, asked = threading.Event(), threading.Event()

    def slow() -> tuple[int, bytes, dict[str, str]]:
        asked.set()
        go.wait(30)
        del issuer.faults[KEYS]
        return issuer.get(KEYS, "")

    issuer.faults[KEYS] = slow
    guard = make()
    headers = issuer.bearer()
    callers: list[Caller] = []
    patient = threading.Thread(target=lambda: callers.append(guard.verify(headers)))
    patient.start()

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(guard.averify(headers), 0.05)

    assert asked.wait(30)
    asyncio.run(give_up())  # its loop is closed when the keys come
    go.set()
    patient.join()
    assert [caller.client_id for caller in callers] == ["reports"]
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


def test_one_guard_for_threads_and_several_loops(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard]
) -> None:
    guard = make()
    names: list[str] = []

    def on_a_loop() -> None:
        async def many() -> None:
            callers = await asyncio.gather(
                *(guard.averify(issuer.bearer(jti=str(number))) for number in range(20))
            )
            names.extend(caller.client_id for caller in callers)

        asyncio.run(many())

    threads = [threading.Thread(target=on_a_loop) for _ in range(3)]
    threads += [
        threading.Thread(target=lambda: names.append(guard.verify(issuer.bearer()).client_id))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == ["reports"] * 80
    assert issuer.count("/jwks.json") == 1


def test_a_guard_that_nobody_holds_ends_its_threads(issuer: LoopbackIssuer) -> None:
    guard = mintmark.Guard(issuer.identifier, AUDIENCE)
    guard.verify(issuer.bearer())
    name = f"mintmark keys of {issuer.identifier}"
    assert name in {thread.name for thread in threading.enumerate()}
    del guard
    gc.collect()
    until(lambda: name not in {thread.name for thread in threading.enumerate()})


def test_a_closed_guard_decides_by_the_keys_that_it_has(
    issuer: LoopbackIssuer, make: Callable[..., mintmark.Guard], ask: Callable[..., Caller]
) -> None:
    guard = make()
    ask(guard, issuer.bearer())
    asyncio.run(guard.aclose())
    assert ask(guard, issuer.bearer(jti="after")).client_id == "reports"
    assert refused(ask, guard, issuer.bearer(generate("ES256"))).status == 503
