"""OpenTelemetry: each line of the log is exported by OTLP as well, as it stands on standard error.

A line is made a record from its JSON, so nothing is told that the log would mask. What waits for the collector is
bounded and the oldest of it is dropped; nobody who logs waits. Composed in only when the setting `otel_logs` says so;
where records go is said by OpenTelemetry's own OTEL_* variables. Its interface for logs is not declared stable yet,
hence the underscores below: a release of it may need a change here.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from mintmark import __version__
from mintmark.compose.logs import one_line
from mintmark.compose.tracing import ended, resource

#: Lines that wait, and that are sent together, at most.
WAITING, TOGETHER = 2048, 512
#: Loggers of the export itself: that a collector is away must not be told to it.
_OWN = ("opentelemetry", "urllib3", "requests")
_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}
#: Fields that a record has places of its own for.
_ELSEWHERE = frozenset({"event", "level", "timestamp", "trace_id", "span_id"})


@asynccontextmanager
async def exporting() -> AsyncIterator[None]:
    """Whatever this process logs is exported; at the end what waits is sent, and a collector that is away holds nobody
    up for long.
    """
    provider, root = LoggerProvider(resource(), shutdown_on_exit=False), logging.getLogger()
    waiting = BatchLogRecordProcessor(
        OTLPLogExporter(), max_queue_size=WAITING, max_export_batch_size=TOGETHER
    )
    provider.add_log_record_processor(waiting)
    handler = _Handler(provider.get_logger("mintmark", __version__))
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        await ended(provider.shutdown)


class _Handler(logging.Handler):
    """Queues lines."""

    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self.setFormatter(one_line())
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """As `logging` calls it; the trace that the line belongs to is that of whoever logs it."""
        if record.name.partition(".")[0] in _OWN:
            return
        with contextlib.suppress(Exception):  # standard error has the line, and whoever logs goes on
            fields = json.loads(self.format(record))
            self._logger.emit(
                timestamp=int(record.created * 1_000_000_000),
                severity_number=_SEVERITIES.get(fields["level"], SeverityNumber.UNSPECIFIED),
                severity_text=fields["level"],
                body=fields["event"],
                attributes={
                    f"mintmark.{name}": value for name, value in fields.items() if name not in _ELSEWHERE
                },
            )
