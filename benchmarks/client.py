"""`python -m benchmarks.client`: what a cached token costs, what the auth object adds to a call, and a herd of callers.

The herd is 50 threads and 50 tasks on 3 event loops that want a first token at once, from a token endpoint that takes
0.1 s. Other clients that are installed stand beside ours, each used as its own documentation shows.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import mintmark
from mintmark.jose.jwk import generate

CALLERS, LOOPS, DELAY = 50, 3, 0.1
AUTHORITY = "https://login.microsoftonline.com/bench"
#: Microseconds.
TOKEN_BAR, CALL_BAR = 1.0, 15.0
Ask = Callable[[], object]


@contextmanager
def endpoint() -> Iterator[tuple[str, list[float]]]:
    """A token endpoint on a loopback port, and when it was asked."""
    asked: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            asked.append(time.monotonic())
            time.sleep(DELAY)
            body = json.dumps({"access_token": "a", "token_type": "Bearer", "expires_in": 3600}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/token", asked
        server.shutdown()


def best(call: Ask, count: int, rounds: int = 7) -> float:
    """Microseconds of one call, in the best of some rounds."""
    fastest = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(count):
            call()
        fastest = min(fastest, time.perf_counter() - began)
    return fastest / count * 1e6


def ours(url: str) -> Ask:
    """Our source."""
    return mintmark.source(token_url=url, client_id="me", client_secret="s3cret").token


def of_requests_oauthlib(url: str) -> Ask:
    """One session, which fetches when it is told to."""
    from oauthlib.oauth2 import BackendApplicationClient
    from requests_oauthlib import OAuth2Session

    session = OAuth2Session(client=BackendApplicationClient(client_id="me"))

    def ask() -> object:
        return session.token or session.fetch_token(url, client_secret="s3cret")

    return ask


def of_authlib(url: str) -> Ask:
    """One session, which fetches when it is told to and renews by itself."""
    from authlib.integrations.requests_client import OAuth2Session

    session = OAuth2Session("me", "s3cret", token_endpoint=url, grant_type="client_credentials")

    def ask() -> object:
        return session.token or session.fetch_token(url)

    return ask


def of_requests_auth(url: str) -> Ask:
    """One auth object."""
    import requests
    from requests_auth import OAuth2ClientCredentials

    auth = OAuth2ClientCredentials(url, client_id="me", client_secret="s3cret")
    return lambda: auth(requests.Request("GET", "https://api.example").prepare())


def of_httpx_auth(url: str) -> Ask:
    """One auth object."""
    import httpx
    from httpx_auth import OAuth2ClientCredentials

    auth = OAuth2ClientCredentials(url, client_id="me", client_secret="s3cret")
    with httpx.Client(auth=auth, transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        return lambda: _through(client.auth, httpx.Request("GET", "https://api.example"))


def _through(auth: Any, request: Any) -> None:
    """Drive an auth flow that fetches its token by requests of its own."""
    next(auth.sync_auth_flow(request))


def of_msal(url: str) -> Ask:
    """One confidential client. It takes https addresses only, so its HTTP client carries them to the endpoint."""
    import msal
    import requests

    class Loopback:
        def __init__(self) -> None:
            self.session = requests.Session()

        def get(self, _address: str, **_: Any) -> Any:
            known = {"token_endpoint": f"{AUTHORITY}/token", "issuer": AUTHORITY}
            return _Answer(200, json.dumps({**known, "authorization_endpoint": f"{AUTHORITY}/authorize"}))

        def post(self, _address: str, data: Any = None, headers: Any = None, **_: Any) -> Any:
            return self.session.post(url, data=data, headers=headers)

        def close(self) -> None:
            self.session.close()

    application = msal.ConfidentialClientApplication(
        "me",
        client_credential="s3cret",
        authority=AUTHORITY,
        instance_discovery=False,
        http_client=Loopback(),
    )

    def ask() -> object:
        answer = application.acquire_token_for_client(scopes=["https://api.example/.default"])
        return answer["access_token"]

    return ask


class _Answer:
    """What MSAL asks of an answer."""

    def __init__(self, status_code: int, text: str) -> None:
        self.status_code, self.text, self.headers = status_code, text, {}  # type: ignore[var-annotated]

    def raise_for_status(self) -> None:
        """All are good."""


def of_google_auth(url: str) -> Ask:
    """One service account's credentials; they sign an assertion where the others send a secret."""
    import google.auth.transport.requests
    from google.oauth2 import service_account

    key = generate("RS256").native
    assert isinstance(key, rsa.RSAPrivateKey)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
        {"client_email": "me@example", "private_key": pem, "token_uri": url}, scopes=["read"]
    )
    request = google.auth.transport.requests.Request()

    def ask() -> object:
        headers: dict[str, str] = {}
        credentials.before_request(request, "GET", "https://api.example", headers)
        return headers

    return ask


RIVALS = {
    "MSAL": of_msal,
    "google-auth": of_google_auth,
    "requests-oauthlib": of_requests_oauthlib,
    "Authlib": of_authlib,
    "requests_auth": of_requests_auth,
    "httpx_auth": of_httpx_auth,
}


def herd(make: Callable[[str], Ask]) -> tuple[int, float, int]:
    """Token requests, seconds, and callers that failed, of 50 threads that begin together."""
    with endpoint() as (url, asked), ThreadPoolExecutor(CALLERS) as pool:
        ask, together = make(url), threading.Barrier(CALLERS + 1)

        def one() -> bool:
            together.wait()
            try:
                ask()
            except Exception:
                return False
            return True

        work = [pool.submit(one) for _ in range(CALLERS)]
        together.wait()
        began = time.perf_counter()
        good = sum(future.result() for future in work)
        return len(asked), time.perf_counter() - began, CALLERS - good


def mixed_herd() -> tuple[int, float, float]:
    """Our source under 50 threads and 50 tasks on 3 loops: token requests, seconds, the longest stall of a loop."""
    with endpoint() as (url, asked), ThreadPoolExecutor(CALLERS + LOOPS) as pool:
        source = mintmark.source(token_url=url, client_id="me", client_secret="s3cret")
        stalls: list[float] = []

        async def loop(tasks: int) -> None:
            async def tick() -> None:
                while True:
                    before = time.perf_counter()
                    await asyncio.sleep(0.001)
                    stalls.append(time.perf_counter() - before - 0.001)

            ticking = asyncio.create_task(tick())
            await asyncio.gather(*(source.atoken() for _ in range(tasks)))
            ticking.cancel()

        began = time.perf_counter()
        work: list[Any] = [pool.submit(source.token) for _ in range(CALLERS)]
        work += [pool.submit(asyncio.run, loop(tasks)) for tasks in (17, 17, 16)]
        for future in work:
            future.result()
        return len(asked), time.perf_counter() - began, max(stalls)


def stall_of_one_call(make: Callable[[str], Ask]) -> float:
    """Seconds for which a loop stands still when a coroutine on it wants a first token."""
    with endpoint() as (url, _):
        ask = make(url)
        stalls: list[float] = []

        async def run() -> None:
            async def tick() -> None:
                while True:
                    before = time.perf_counter()
                    await asyncio.sleep(0.001)
                    stalls.append(time.perf_counter() - before - 0.001)

            ticking = asyncio.create_task(tick())
            await asyncio.sleep(0.01)
            answer = ask()
            if asyncio.iscoroutine(answer):
                await answer
            await asyncio.sleep(0.01)
            ticking.cancel()

        asyncio.run(run())
        return max(stalls)


def ours_in_a_coroutine(url: str) -> Ask:
    """Our source, awaited."""
    return mintmark.source(token_url=url, client_id="me", client_secret="s3cret").atoken


def added_to_a_call(source: Any) -> float:
    """Microseconds that the auth object adds to a call of httpx2 that touches no network."""
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200))
    plain = httpx2.Client(transport=transport)
    bearing = httpx2.Client(transport=transport, auth=source.auth())
    address = "https://api.example/x"
    return best(lambda: bearing.get(address), 2000) - best(lambda: plain.get(address), 2000)


def main() -> int:
    """Measure and print; answer 1 when a bar is missed."""
    for name in ("OAUTHLIB_INSECURE_TRANSPORT", "AUTHLIB_INSECURE_TRANSPORT"):
        os.environ[name] = "1"  # the endpoint is on loopback
    with endpoint() as (url, _):
        source = mintmark.source(token_url=url, client_id="me", client_secret="s3cret")
        source.token()
        cached, added = best(source.token, 100_000), added_to_a_call(source)
    print(f"a cached token                {cached:8.2f} µs   (bar: {TOKEN_BAR:g})")
    print(f"added to an httpx2 call       {added:8.2f} µs   (bar: {CALL_BAR:g})")
    asked, seconds, stall = mixed_herd()
    print(
        f"50 threads, 50 tasks, 3 loops {asked:4d} token requests, {seconds:.2f} s, longest stall {stall * 1000:.0f} ms"
    )
    print(f"\n{CALLERS} threads, cold          token requests   seconds   failed   loop stands still, ms")
    for name, make in {"mintmark": ours, **RIVALS}.items():
        try:
            requests, took, failed = herd(make)
            stall = stall_of_one_call(ours_in_a_coroutine if make is ours else make)
        except ImportError:
            print(f"{name:24}not installed")
            continue
        print(f"{name:24}{requests:14d}{took:10.2f}{failed:9d}{stall * 1000:24.0f}")
    return 0 if cached < TOKEN_BAR and added < CALL_BAR and asked == 1 else 1


if __name__ == "__main__":
    raise SystemExit(main())
