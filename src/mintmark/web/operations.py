"""What load balancers and operators ask a server: is it alive, is it ready, and what does it count.

`/livez` answers while the process runs; `/readyz` is 503 as soon as one check has failed. The public listener
names the checks, the operators' own listener gives their reasons too, has the metrics, and tells of all nodes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from mintmark.web.answers import NO_STORE, json_answer, method_not_allowed, not_found
from mintmark.wire.http import HttpRequest, HttpResponse

LIVE, READY, METRICS, CLUSTER = "/livez", "/readyz", "/metrics", "/cluster"


State = Literal["ok", "warning", "failed"]


class Check(NamedTuple):
    """One thing that must be well. `warning`: worth looking at, and the server serves on. `reason`: one sentence."""

    name: str
    state: State = "ok"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Operations:
    """`checks()`: how everything is now. `metrics()`: content type and text for Prometheus. `cluster()`: how all nodes
    are, as JSON; None: nobody knows.
    """

    checks: Callable[[], Awaitable[Sequence[Check]]]
    metrics: Callable[[], tuple[str, bytes]]
    cluster: Callable[[], Awaitable[Mapping[str, object]]] | None = None

    async def respond(self, request: HttpRequest, peer: str) -> HttpResponse:  # noqa: ARG002 - as every handler
        """The answer on the operators' listener, whatever host is named."""
        if request.path not in (LIVE, READY, METRICS, CLUSTER):
            return not_found()
        if request.method not in ("GET", "HEAD"):
            return method_not_allowed(("GET", "HEAD"))
        if request.path == METRICS:
            kind, text = self.metrics()
            return HttpResponse(200, ((b"content-type", kind.encode("ascii")), *NO_STORE), text)
        if request.path == CLUSTER:
            return not_found() if self.cluster is None else json_answer(200, await self.cluster())
        return await self._standing(request.path, reasons=True)

    def probe(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse] | None:
        """The answer on the public listener, without reasons; None for every other path and method."""
        if request.path not in (LIVE, READY) or request.method not in ("GET", "HEAD"):
            return None
        return self._standing(request.path, reasons=False)

    async def _standing(self, path: str, *, reasons: bool) -> HttpResponse:
        if path == LIVE:
            return json_answer(200, {"status": "alive"})
        checks = await self.checks()
        ready = all(check.state != "failed" for check in checks)
        told: dict[str, object] = {
            check.name: {"state": check.state, "reason": check.reason}
            if reasons and check.reason
            else {"state": check.state}
            for check in checks
        }
        status = "ready" if ready else "not ready"
        return json_answer(200 if ready else 503, {"status": status, "checks": told})
