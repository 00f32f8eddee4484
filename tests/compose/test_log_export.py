"""Log lines reach a collector by OTLP as they stand on standard error, and nobody waits for it."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from mintmark.cli.services import ServeOptions, UsageFault
from mintmark.compose.log_export import TOGETHER, WAITING, exporting
from mintmark.compose.logs import set_up_logging
from mintmark.compose.tracing import TracedLog, Tracing
from mintmark.web.callers import Caller
from mintmark.web.peer import TrustedProxies
from mintmark.web.refusal_log import RefusalLog
from mintmark.wire.http import HttpRequest, HttpResponse
from tests.end_to_end.conftest import serving
from tests.end_to_end.server import call, until

pytestmark = pytest.mark.usefixtures("restored_logging")

SECRET = "mmsSECRETsecretSECRETsecret"


class Collector:
    """An OTLP receiver on loopback. `bodies`: what came for logs; it stands still while `answering` is not set."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answering = threading.Event()
        self.answering.set()
        self.asked = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/logs":
                    collector.asked.set()
                    collector.answering.wait(60)
                    collector.bodies.append(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.answering.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def records(self) -> list[LogRecord]:
        """In the order in which they came."""
        return [
            record
            for body in list(self.bodies)
            for of_resource in ExportLogsServiceRequest.FromString(body).resource_logs
            for of_scope in of_resource.scope_logs
            for record in of_scope.log_records
        ]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Where this process and its children export to."""
    made = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")
    yield made
    made.close()


def attributes(record: LogRecord) -> dict[str, object]:
    def plain(value: object) -> object:
        kind = value.WhichOneof("value")  # type: ignore[attr-defined]
        found = getattr(value, kind)
        return [plain(each) for each in found.values] if kind == "array_value" else found

    return {each.key: plain(each.value) for each in record.attributes}


def test_a_line_is_exported_as_it_stands_on_standard_error(
    collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    log = set_up_logging("info")
    tracing = Tracing(lambda: TrustedProxies.parse([]))

    async def respond(_request: HttpRequest, _peer: str) -> HttpResponse:
        refusals, caller = RefusalLog(TracedLog(log)), Caller("192.0.2.1", "01HZX")
        response = HttpResponse(401, (), b'{"error": "invalid_client"}')
        refusals.note(1.0, caller, "POST", "/token", response)
        try:
            raise ValueError(SECRET)
        except ValueError:
            refusals.note(1.0, caller, "POST", "/token", HttpResponse(500, (), b""), fault=True)
        return response

    async def run() -> None:
        async with exporting():
            await tracing.around(respond)(HttpRequest("POST", "/", b"", (), b""), "192.0.2.1")
            logging.getLogger("some.library").warning("told %s", "so")
            logging.getLogger("opentelemetry.sdk").error("the collector is away")
        log.info("after the end")
        await tracing.stop()

    asyncio.run(run())
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines[:5]] == [
        *("refused", "fault", "told so", "the collector is away", "after the end")
    ]
    until(lambda: len(collector.records) >= 3, "not every line came")
    records = collector.records
    assert [record.body.string_value for record in records] == ["refused", "fault", "told so"]
    for record, line in zip(records, lines, strict=False):
        assert record.severity_text == line.pop("level")
        assert record.trace_id.hex() == line.pop("trace_id", "")
        assert record.span_id.hex() == line.pop("span_id", "")
        assert record.time_unix_nano > 1_700_000_000 * 10**9
        del line["event"], line["timestamp"]
        assert attributes(record) == {f"mintmark.{name}": value for name, value in line.items()}
    assert records[0].trace_id
    assert attributes(records[0])["mintmark.request_id"] == "01HZX"
    assert [record.severity_number for record in records] == [
        SeverityNumber.SEVERITY_NUMBER_INFO,
        SeverityNumber.SEVERITY_NUMBER_ERROR,
        SeverityNumber.SEVERITY_NUMBER_WARN,
    ]
    assert not any(SECRET.encode() in body for body in collector.bodies)


def test_nobody_waits_for_a_collector_that_stands_still_and_the_newest_lines_are_kept(
    collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    collector.answering.clear()
    log, lines = set_up_logging("info"), WAITING + 3 * TOGETHER

    async def run() -> None:
        async with exporting():
            for number in range(lines):
                log.info("line", number=number)
            assert await asyncio.to_thread(collector.asked.wait, 30)
            assert collector.bodies == []  # all of them were logged although it has answered nothing
            collector.answering.set()

    asyncio.run(run())

    def numbers_there() -> list[object]:
        return [attributes(record)["mintmark.number"] for record in collector.records]

    until(lambda: lines - 1 in numbers_there(), "the newest line did not come")
    numbers = numbers_there()
    assert numbers == sorted(set(numbers))  # type: ignore[type-var]
    assert WAITING <= len(numbers) < lines
    assert capsys.readouterr().err.count('"event": "line"') == lines


def test_a_server_exports_the_line_of_a_refusal_with_the_ids_of_its_request(
    collector: Collector, tmp_path: Path
) -> None:
    with serving(tmp_path / "here", settings="otel = true\notel_logs = true") as served:
        answer = call("GET", f"{served.url}/nowhere/{SECRET}?client_secret={SECRET}")
        request_id = answer.headers["x-request-id"]

        def found() -> list[LogRecord]:
            return [
                record
                for record in collector.records
                if attributes(record).get("mintmark.request_id") == request_id
            ]

        until(lambda: bool(found()), "the line did not come")
        (record,) = found()
        assert attributes(record)["mintmark.status"] == answer.status == 404
        until(lambda: record.trace_id.hex() in served.server.output, "standard error does not name the trace")
        assert not any(b"client_secret" in body for body in collector.bodies)


def test_without_opentelemetry_a_sentence_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from mintmark.compose.main import serve

    (tmp_path / "mintmark.toml").write_text("otel_logs = true\n")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with pytest.raises(UsageFault, match=r"otel_logs: .*mintmark\[otel\]"):
        serve(ServeOptions(tmp_path / "mintmark.toml"), print)
