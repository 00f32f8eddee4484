"""Spans say what became of a request and nothing that a caller chose; a trace is handed on by trusted proxies only."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from mintmark.authorization_server.ports import Committed, Issuance, OverQuota, StorageUnavailable
from mintmark.cli.services import ServeOptions, UsageFault
from mintmark.compose import tracing as under_test
from mintmark.compose.main import serve
from mintmark.compose.tracing import TracedLedger, TracedLog, Tracing
from mintmark.values.audit_event import AuditEvent
from mintmark.web.peer import TrustedProxies
from mintmark.wire.http import HttpRequest, HttpResponse
from tests.compose.test_measuring import issuance

SECRET = "mmsSECRETsecretSECRETsecret"
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = (b"traceparent", f"00-{TRACE}-b7ad6b7169203331-01".encode())
PROXIES = TrustedProxies.parse(["192.0.2.1"])


class Ledger:
    """Answers with what it was given, and remembers what it was told."""

    def __init__(self, outcomes: list[Committed | OverQuota | Exception]) -> None:
        self.outcomes = outcomes
        self.noted: list[AuditEvent] = []

    async def commit(self, issuance: Issuance) -> Committed | OverQuota:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def note(self, event: AuditEvent) -> None:
        self.noted.append(event)

    def use(self, environment: str, credential_id: str, at: float, peer: str) -> None: ...


class Log:
    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def info(self, event: str, **fields: object) -> None:
        self.lines.append(fields)

    warning = error = info


def request(*headers: tuple[bytes, bytes], method: str = "POST") -> HttpRequest:
    return HttpRequest(method, f"/{SECRET}", f"client_secret={SECRET}".encode(), headers, SECRET.encode())


def traced(
    ledger: TracedLedger,
    given: Issuance | AuditEvent,
    asked: HttpRequest | None = None,
    peer: str = "192.0.2.9",
) -> tuple[ReadableSpan, Log]:
    """The span of a request whose answer asks the ledger for `given`, and what it has logged."""
    exporter, log = InMemorySpanExporter(), Log()
    tracing = Tracing(lambda: PROXIES, SimpleSpanProcessor(exporter))

    async def respond(_request: HttpRequest, _peer: str) -> HttpResponse:
        status = 200
        try:
            if isinstance(given, Issuance):
                await ledger.commit(given)
            else:
                ledger.note(given)
                status = 401
        except StorageUnavailable:
            status = 503
        TracedLog(log).warning("refused")
        return HttpResponse(
            status, ((b"x-request-id", b"01HZX"), (b"x-other", SECRET.encode())), SECRET.encode()
        )

    async def run() -> None:
        await tracing.around(respond)(asked or request(), peer)
        await tracing.stop()

    asyncio.run(run())
    (span,) = exporter.get_finished_spans()
    return span, log


@pytest.mark.parametrize(
    ("outcome", "word", "status"),
    [
        (Committed((1,)), "issued", 200),
        (OverQuota(0), "over_quota", 200),
        (StorageUnavailable("away"), "unavailable", 503),
    ],
)
def test_a_token_request_is_a_span_that_says_what_became_of_it(
    outcome: Committed | OverQuota | Exception, word: str, status: int
) -> None:
    span, _ = traced(TracedLedger(Ledger([outcome])), issuance())
    assert span.name == "token"
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": status,
        "mintmark.request_id": "01HZX",
        "mintmark.kind": "token",
        "mintmark.outcome": word,
        "mintmark.environment": "acme/production",
        "mintmark.dialect": "standard",
    }
    assert (span.status.status_code is StatusCode.ERROR) == (status >= 500)


def test_a_refusal_has_its_reason_and_nothing_that_the_caller_sent() -> None:
    inner = Ledger([])
    event = AuditEvent(
        1.0,
        "token",
        "refused",
        "acme/production",
        client_id=SECRET,
        detail=SECRET,
        scope=SECRET,
        audience=SECRET,
        subject=SECRET,
        dialect="d" * 500,
        reason="secret_wrong",
    )
    span, log = traced(TracedLedger(inner), event, request(TRACEPARENT, method=SECRET))
    assert inner.noted == [event]
    attributes = dict(span.attributes or {})
    assert attributes["mintmark.reason"] == "secret_wrong"
    assert attributes["http.request.method"] == "_OTHER"
    assert len(str(attributes["mintmark.dialect"])) == 128
    assert SECRET not in span.to_json()
    assert SECRET not in str(log.lines)


def test_a_trace_is_taken_from_trusted_proxies_only() -> None:
    def trace_of(peer: str) -> str:
        span, log = traced(TracedLedger(Ledger([Committed((1,))])), issuance(), request(TRACEPARENT), peer)
        assert span.context is not None
        identity = f"{span.context.trace_id:032x}"
        assert log.lines == [{"trace_id": identity, "span_id": f"{span.context.span_id:016x}"}]
        return identity

    assert trace_of("192.0.2.1") == TRACE
    assert trace_of("192.0.2.9") != TRACE


def test_outside_of_a_request_nothing_is_added() -> None:
    log = Log()
    TracedLog(log).info("started")
    assert log.lines == [{}]
    inner = Ledger([])
    TracedLedger(inner).note(AuditEvent(1.0, "token", "refused"))
    assert len(inner.noted) == 1


@pytest.mark.parametrize("missing", ["opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"])
def test_without_opentelemetry_a_sentence_says_what_to_install_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    (tmp_path / "mintmark.toml").write_text("otel = true\n")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageFault, match=r"mintmark\[otel\]"):
        serve(ServeOptions(tmp_path / "mintmark.toml"), print)


def test_a_collector_that_is_away_holds_the_end_up_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "LAST", 0.05)
    back, sent = threading.Event(), threading.Event()

    class Away(SimpleSpanProcessor):
        def shutdown(self) -> None:
            back.wait(60)
            sent.set()

    asyncio.run(Tracing(lambda: PROXIES, Away(InMemorySpanExporter())).stop())
    assert not sent.is_set()
    back.set()
    assert sent.wait(60)
