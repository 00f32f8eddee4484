"""What load balancers and operators are told: each check by name, its reason only where operators ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from mintmark.web.operations import Check, Operations
from mintmark.wire.http import HttpRequest, HttpResponse

WELL = (Check("database"), Check("disk", "warning", "It fills."))
ILL = (Check("database", "failed", "It is away."), Check("disk"))


def operations(checks: Sequence[Check]) -> Operations:
    async def present() -> Sequence[Check]:
        return checks

    return Operations(present, lambda: ("text/plain", b"counted 1\n"))


def asked(checks: Sequence[Check], path: str, method: str = "GET") -> HttpResponse:
    return asyncio.run(operations(checks).respond(HttpRequest(method, path, b"", (), b""), "127.0.0.1"))


def test_each_check_is_named_with_its_reason() -> None:
    answer = asked(ILL, "/readyz")
    assert answer.status == 503
    assert json.loads(answer.body) == {
        "status": "not ready",
        "checks": {"database": {"state": "failed", "reason": "It is away."}, "disk": {"state": "ok"}},
    }


def test_a_warning_leaves_it_ready() -> None:
    answer = asked(WELL, "/readyz")
    assert (answer.status, json.loads(answer.body)["status"]) == (200, "ready")


def test_it_is_alive_while_nothing_works() -> None:
    assert asked(ILL, "/livez").status == 200


def test_the_public_listener_tells_no_reasons_and_has_no_metrics() -> None:
    async def probed(path: str) -> HttpResponse | None:
        answer = operations(ILL).probe(HttpRequest("GET", path, b"", (), b""))
        return None if answer is None else await answer

    ready = asyncio.run(probed("/readyz"))
    assert ready is not None
    assert ready.status == 503
    assert b"away" not in ready.body
    assert b"failed" in ready.body
    assert asyncio.run(probed("/metrics")) is None


@pytest.mark.parametrize("path", ["/", "/metrics/", "/readyz/x", "/console"])
def test_nothing_else_stands_there(path: str) -> None:
    assert asked(WELL, path).status == 404


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_it_is_only_read(path: str) -> None:
    assert asked(WELL, path, "POST").status == 405
