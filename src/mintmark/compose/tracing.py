"""OpenTelemetry: a span for each request, with what became of it, around the whole program and not inside it.

Composed in only when the setting `otel` says so; where spans go is said by OpenTelemetry's own OTEL_* variables. No
attribute holds a path, header, body, client id or anything else that a caller chose, so none can hold a secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from threading import Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mintmark import __version__
from mintmark.authorization_server.ports import Committed, Issuance, Ledger, OverQuota, Stale
from mintmark.compose.measuring import OUTCOMES
from mintmark.values.audit_event import AuditEvent
from mintmark.web.peer import TrustedProxies
from mintmark.web.refusal_log import Log
from mintmark.web.request_id import HEADER
from mintmark.wire.http import HttpRequest, HttpResponse

Respond = Callable[[HttpRequest, str], Awaitable[HttpResponse]]
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
#: Characters of an attribute, at most.
LONGEST = 128
_PROPAGATOR = TraceContextTextMapPropagator()
_FROM_PROXIES = (b"traceparent", b"tracestate")


#: Seconds in which what waits is sent when the process ends, at most.
LAST = 5


async def ended(shutdown: Callable[[], object]) -> None:
    """Let an exporter send what waits; a collector that is away holds nobody up for long."""
    sending = Thread(target=shutdown, daemon=True)
    sending.start()
    await asyncio.to_thread(sending.join, LAST)


def resource() -> Resource:
    """Who tells, in whatever is told."""
    return Resource.create({"service.name": "mintmark", "service.version": __version__})


class Tracing:
    """`proxies()`: whose trace context is believed, as their forwarding header is. `processor`: where spans go."""

    def __init__(self, proxies: Callable[[], TrustedProxies], processor: SpanProcessor | None = None) -> None:
        self._provider = TracerProvider(resource=resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("mintmark", __version__)
        self._proxies = proxies

    def around(self, respond: Respond) -> Respond:
        """`respond` in a span of its own for each request."""

        async def traced(request: HttpRequest, peer: str) -> HttpResponse:
            method = request.method if request.method in METHODS else "_OTHER"
            with self._tracer.start_as_current_span(
                method,
                context=self._parent(request, peer),
                kind=SpanKind.SERVER,
                attributes={"http.request.method": method},
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                response = await respond(request, peer)
                span.set_attribute("http.response.status_code", response.status)
                for name, value in response.headers:
                    if name == HEADER:
                        span.set_attribute("mintmark.request_id", value.decode("ascii"))
                if response.status >= 500:
                    span.set_status(StatusCode.ERROR)
                return response

        return traced

    def _parent(self, request: HttpRequest, peer: str) -> Context:
        """The caller's trace where a trusted proxy hands it on; else a new one begins."""
        carrier = {}
        if self._proxies().trusts(peer):
            carrier = {
                name.decode("ascii"): value.decode("latin-1")
                for name, value in request.headers
                if name in _FROM_PROXIES
            }
        return _PROPAGATOR.extract(carrier, Context())

    async def stop(self) -> None:
        """Nothing is traced from here on."""
        await ended(self._provider.shutdown)


class TracedLedger:
    """The ledger that it was given; what becomes of a token or a refusal is told to the span of its request."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def commit(self, issuance: Issuance) -> Committed | Stale | OverQuota:
        """As the ledger's."""
        word = OUTCOMES[type(None)]
        try:
            outcome = await self._ledger.commit(issuance)
            word = OUTCOMES[type(outcome)]
            return outcome
        finally:
            _tell(issuance.event, word)

    def note(self, event: AuditEvent) -> None:
        """As the ledger's."""
        _tell(event, event.outcome)
        self._ledger.note(event)

    def use(self, environment: str, credential_id: str, at: float, peer: str) -> None:
        """As the ledger's."""
        self._ledger.use(environment, credential_id, at, peer)


class TracedLog:
    """The log that it was given; each line names the trace that it belongs to."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def info(self, event: str, **fields: object) -> None:
        """As the log's."""
        self._log.info(event, **fields, **_trace())

    def warning(self, event: str, **fields: object) -> None:
        """As the log's."""
        self._log.warning(event, **fields, **_trace())

    def error(self, event: str, **fields: object) -> None:
        """As the log's."""
        self._log.error(event, **fields, **_trace())


def _tell(event: AuditEvent, outcome: str) -> None:
    span = trace.get_current_span()
    if not span.is_recording():
        return
    span.update_name(event.kind)
    told = {
        "mintmark.kind": event.kind,
        "mintmark.outcome": outcome,
        "mintmark.environment": event.environment,
        "mintmark.dialect": event.dialect,
        "mintmark.reason": event.reason,
    }
    span.set_attributes({name: value[:LONGEST] for name, value in told.items() if value})


def _trace() -> dict[str, str]:
    found = trace.get_current_span().get_span_context()
    if not found.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(found.trace_id), "span_id": trace.format_span_id(found.span_id)}
