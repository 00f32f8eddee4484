"""When nothing can be made durable no token leaves: 503, a clear log line, everything that only reads goes on, and
the server recovers by itself.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from tests.crash.askers import Askers
from tests.crash.site import Site
from tests.end_to_end.server import PATIENCE, Running, until

LOGGED, RECOVERED = "No token can be issued until the database can be written again", "works again"


def ask_until(site: Site, status: int, patience: float = PATIENCE) -> dict[str, str]:
    """Ask until an answer has that status; answers its headers."""
    ends = time.monotonic() + patience
    while (answer := site.ask(site.holders[0])).status != status:
        assert time.monotonic() < ends, f"still {answer.status}"
        time.sleep(0.02)
    return {**answer.headers, "error": answer.json.get("error", "")}


def check_refusal(site: Site, server: Running, token: str) -> None:
    """How a server behaves that cannot write."""
    headers = ask_until(site, 503)
    assert headers["error"] == "temporarily_unavailable"
    assert int(headers["retry-after"]) > 0
    assert headers["cache-control"] == "no-store"
    until(lambda: LOGGED in server.output)
    events = site.rows("SELECT count(*) FROM audit_event WHERE outcome = 'issued'")
    for _ in range(3):
        assert site.ask(site.holders[1]).status == 503
    assert site.rows("SELECT count(*) FROM audit_event WHERE outcome = 'issued'") == events
    assert site.accepts(token), "keys are published and tokens verified while nothing can be written"


def check_recovery(site: Site, server: Running, received: list[str]) -> None:
    """How it comes back, without a restart."""
    ask_until(site, 200)
    with Askers(site, site.holders, threads=3) as askers:
        askers.wait_for(20)
    assert askers.refused == []
    until(lambda: RECOVERED in server.output)
    site.books().check(received + askers.jtis)


def serve_constrained(site: Site, monkeypatch: pytest.MonkeyPatch) -> Running:
    root = Path(__file__).parents[2]
    monkeypatch.setattr(
        "tests.end_to_end.server.COMMAND",
        (*Running.__init__.__globals__["COMMAND"][:2], "tests.crash.constrained"),
    )
    monkeypatch.setattr("tests.end_to_end.server.SOURCES", f"{root / 'src'}:{root}")
    return site.serve()


def test_a_full_database_refuses_and_recovers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    pragmas = site.directory / "pragmas"
    (pages,) = site.rows("PRAGMA page_count")[0]
    pragmas.write_text(f"max_page_count = {pages + 20}")
    server = serve_constrained(site, monkeypatch)
    try:
        with Askers(site, site.holders, threads=3) as askers:
            askers.wait_for(10)
            until(lambda: askers.refused, "the database never got full")
        assert {(refused.status, refused.error) for refused in askers.refused} == {
            (503, "temporarily_unavailable")
        }
        site.books().check(askers.jtis)
        check_refusal(site, server, askers.received[0].token)
        until(lambda: "disk is full" in server.output)
        pragmas.write_text("")
        check_recovery(site, server, askers.jtis)
    finally:
        server.stop()


def test_a_read_only_database_refuses_and_recovers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    server = site.serve()
    token = site.ask(site.holders[0]).json["access_token"]
    server.stop()
    pragmas = site.directory / "pragmas"
    pragmas.write_text("query_only = ON")
    server = serve_constrained(site, monkeypatch)
    try:
        check_refusal(site, server, token)
        until(lambda: "readonly database" in server.output)
        pragmas.write_text("")
        check_recovery(site, server, [])
    finally:
        server.stop()


def test_writes_that_the_system_refuses_are_refusals_and_not_tokens(site: Site) -> None:
    """The limit on the size of a file is set on the running server, so that its writes fail half-way."""
    server = site.serve()
    no_limit = resource.RLIM_INFINITY
    try:
        with Askers(site, site.holders, threads=3) as askers:
            askers.wait_for(10)
            wal = site.database.with_name("mintmark.db-wal").stat().st_size
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (wal + 100_000, no_limit))
            until(lambda: askers.refused, "writes never failed")
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, no_limit))
        check_refusal(site, server, askers.received[0].token)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (no_limit, no_limit))
        check_recovery(site, server, askers.jtis)
    finally:
        server.stop()
