"""No secret and no token anywhere but where it belongs: not in logs, errors, tracebacks with locals, pickles, files."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import aiohttp
import httpx
import httpx2
import pytest
import requests

import mintmark
from mintmark.client.errors import NoToken
from mintmark.dialect import load_dialect
from mintmark.transport.masked import MaskedText
from tests.transport.conftest import SECRET, Clock, MakeSource
from tests.transport.loopback import Vendor, as_json

TOKEN = "of-the-vendor"
QUERY = """
name = "in-the-query"
title = "A vendor that wants its secret in the query"
path = "/token"
url = "${token_url}"
secret_in_query = true
[[forms]]
encoding = "none"
query = { id = "${client_id}", secret = "${client_secret}" }
[response.body]
access_token = "${access_token}"
expires_in = "${expires_in}"
"""


def shown_by(error: BaseException) -> str:
    """Everything that a crash reporter could show, this test's own frames left out."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    pending: list[traceback.TracebackException | None] = [whole]
    while pending:
        part = pending.pop()
        if part is not None:
            kept = [frame for frame in part.stack if "tests/" not in frame.filename]
            part.stack = traceback.StackSummary.from_list(kept)
            pending += [part.__cause__, part.__context__]
    return "\n".join([*whole.format(), repr(error), str(error), repr(error.args), repr(error.__dict__)])


def refusing(shop: Vendor, source_of: MakeSource) -> None:
    shop.refuse = lambda _: as_json(400, {"error": "invalid_grant", "error_description": f"bad {SECRET}"})
    source_of(shop).token()


def senseless(shop: Vendor, source_of: MakeSource) -> None:
    shop.refuse = lambda _: as_json(200, {"access_token": f"T0-{TOKEN}\n", "echo": SECRET})
    source_of(shop).token()


def misspelled(shop: Vendor, source_of: MakeSource) -> None:
    source_of(shop, secret=lambda: f"{SECRET}\n").token()


def unreachable(shop: Vendor, source_of: MakeSource) -> None:
    shop.url = "http://127.0.0.1:1"
    source_of(shop).token()


def in_the_query(shop: Vendor, source_of: MakeSource) -> None:
    shop.refuse = lambda _: as_json(500, {"error": SECRET})
    source_of(shop, dialect=load_dialect(QUERY, "q.toml")).token()


def failing_function(shop: Vendor, source_of: MakeSource) -> None:
    def secret() -> str:
        raise RuntimeError(SECRET)

    source_of(shop, secret=secret).token()


def while_it_is_made(shop: Vendor, source_of: MakeSource) -> None:
    mintmark.source("no-such-vendor", client_id="me", client_secret=SECRET, password=SECRET, token=SECRET)
    mintmark.source("no-such-vendor", client_id="me", client_secret=SECRET)


def in_a_task(shop: Vendor, source_of: MakeSource) -> None:
    shop.refuse = lambda _: as_json(400, {"error": "invalid_grant", "error_description": SECRET})
    asyncio.run(source_of(shop).atoken())


TROUBLES = (
    refusing,
    senseless,
    misspelled,
    unreachable,
    in_the_query,
    failing_function,
    while_it_is_made,
    in_a_task,
)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_error_traceback_or_log_shows_a_secret(
    shop: Vendor,
    source_of: MakeSource,
    trouble: Callable[[Vendor, MakeSource], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(1)
    with pytest.raises(NoToken) as told:
        trouble(shop, source_of)
    for text in (shown_by(told.value), caplog.text, str([record.__dict__ for record in caplog.records])):
        assert SECRET not in text
        assert TOKEN not in text


def test_the_log_of_a_good_exchange_names_dialect_and_request_id_and_no_secret(
    shop: Vendor, source_of: MakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    shop.more_headers = {"X-Request-Id": "exchange-1"}
    source = source_of(shop)
    source.token()
    shop.live.clear()
    httpx2.get(f"{shop.url}/api", auth=source.auth())
    lines = [r.getMessage() for r in caplog.records if r.name == "mintmark.client"]
    assert "standard: a token was obtained, good for 3600 s (request id exchange-1)" in lines
    assert any("refused the token" in line and "(request id api-1)" in line for line in lines)
    assert any("replaying the call once" in line for line in lines)
    assert SECRET not in caplog.text
    assert TOKEN not in caplog.text


def test_a_secret_in_the_query_is_not_logged_by_the_http_library(
    shop: Vendor, source_of: MakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    source_of(shop, dialect=load_dialect(QUERY, "q.toml")).token()
    assert SECRET in shop.token_requests[0].path
    assert SECRET not in caplog.text


def test_tokens_sources_and_auth_objects_print_as_masks(shop: Vendor, source_of: MakeSource) -> None:
    source = source_of(shop)
    token = source.token()
    assert TOKEN in token.reveal()
    shown = (
        f"{token} {token!r} {token:>30} {source!r} {source.status()} {source.auth()!r} {token.presentation!r}"
    )
    assert TOKEN not in shown
    assert "***" in str(token)
    assert f"{token}" == f"{source.token()}", (
        "the mask is stable in a process, so that log lines can be matched"
    )


@pytest.mark.parametrize("spread", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_token_is_neither_pickled_nor_copied(
    shop: Vendor, source_of: MakeSource, spread: Callable[[object], object]
) -> None:
    token = source_of(shop).token()
    with pytest.raises(TypeError, match="not pickled"):
        spread(token)
    with pytest.raises(TypeError):
        spread(MaskedText("Bearer x"))


async def _aiohttp(url: str, auth: object) -> None:
    timeout = aiohttp.ClientTimeout(total=0.3)
    async with aiohttp.ClientSession(middlewares=(auth,), timeout=timeout) as session:  # type: ignore[arg-type]
        await session.get(url)


@pytest.mark.parametrize(
    "call",
    [
        lambda url, auth: httpx2.get(url, auth=auth, timeout=0.3, verify=False),
        lambda url, auth: httpx.get(url, auth=auth, timeout=0.3, verify=False),
        lambda url, auth: requests.get(url, auth=auth, timeout=0.3),
        lambda url, auth: asyncio.run(_aiohttp(url, auth)),
    ],
    ids=["httpx2", "httpx", "requests", "aiohttp"],
)
def test_a_call_that_breaks_shows_no_token_in_its_traceback(
    shop: Vendor, source_of: MakeSource, call: Callable[[str, object], None]
) -> None:
    source = source_of(shop)
    source.token()
    shop.respond = lambda _: shop.token_gate.wait(30) and None  # type: ignore[func-returns-value]
    shop.token_gate.clear()
    with pytest.raises(Exception) as told:
        call(f"{shop.url}/api", source.auth())
    shop.token_gate.set()
    assert TOKEN not in shown_by(told.value)


def test_no_secret_reaches_a_file(shop: Vendor, source_of: MakeSource, clock: Clock, tmp_path: Path) -> None:
    shop.more_headers = {"Auth0-Client-Quota-Limit": "b=per_day;q=50;r=47;t=43200"}
    source_of(shop).token()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_text()
        assert SECRET not in content
        assert TOKEN not in content
        assert path.stat().st_mode & 0o077 == 0


def test_importing_the_package_loads_no_network_and_no_server() -> None:
    import subprocess

    code = (
        "import sys, mintmark; mintmark.source; "
        "heavy = {'httpx2', 'httpx', 'requests', 'aiohttp', 'sqlalchemy', 'uvicorn', 'typer', 'rich', 'pydantic', "
        "'mintmark.resource_server', 'mintmark.authorization_server'}; "
        "print(sorted(heavy & sys.modules.keys()))"
    )
    import os

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout == "[]\n", done.stderr
    assert mintmark.__version__
    assert logging.getLogger("mintmark.client").handlers == []
