"""A real server sends its spans to a collector, without anything secret in them."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.crash.site import ENVIRONMENT, Holder, Site
from tests.end_to_end.server import Running


@pytest.mark.timeout(600)
def test_spans_of_tokens_and_refusals_reach_a_collector(site: Site) -> None:
    received: list[bytes] = []
    arrived = threading.Event()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()
            if b"refused" in b"".join(received) and b"issued" in b"".join(received):
                arrived.set()

        def log_message(self, *_: Any) -> None:
            pass

    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=collector.serve_forever, daemon=True)
    thread.start()
    try:
        server = Running(
            "serve",
            "--config",
            site.config,
            ready="Mintmark serves",
            MINTMARK_OTEL="true",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}",
            OTEL_EXPORTER_OTLP_COMPRESSION="none",
            OTEL_BSP_SCHEDULE_DELAY="100",
        )
        try:
            holder = site.holders[0]
            assert site.ask(holder).status == 200
            assert site.ask(Holder(holder.client_id, holder.secret[:-1] + "x")).status == 401
            assert arrived.wait(60), received
        finally:
            assert server.stop() == 0
    finally:
        collector.shutdown()
        collector.server_close()
        thread.join(30)
    sent = b"".join(received)
    assert ENVIRONMENT.encode() in sent
    for kept in (holder.secret[:-1], holder.client_id):
        assert kept.encode() not in sent
