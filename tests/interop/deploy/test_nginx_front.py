"""The nginx of Debian before two nodes, with the file of deploy/nginx: TLS, who asks, and a node that goes away."""

from __future__ import annotations

import http.client
import os
import re
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.crash import site as sites
from tests.crash.site import TOKEN_PATH, Site
from tests.end_to_end.server import PATIENCE, Running, free_port
from tests.interop.proxies.programs import folder, need_packages, running

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]
FILE = Path(__file__).parents[3] / "deploy" / "nginx" / "mintmark.conf"
HOST = "localhost:8080"


@contextmanager
def nginx(ports: tuple[int, int], public: int) -> Iterator[Path]:
    """nginx on `public`; gives its folder."""
    need_packages("nginx", ("nginx-light",))
    with folder() as here:
        name, key = ["-subj", "/CN=localhost"], ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        where = ["-keyout", here / "key.pem", "-out", here / "chain.pem"]
        subprocess.run(
            ["openssl", "req", "-x509", "-nodes", "-days", "2", *name, *key, *where],
            check=True,
            capture_output=True,
        )
        text = FILE.read_text().replace("/etc/nginx/tls", str(here)).replace("/var/log/nginx", str(here))
        for shown, real in (("8443", public), ("8081", ports[0]), ("8082", ports[1])):
            text = text.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{real}")
        version = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
        found = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", version)
        assert found is not None
        if tuple(map(int, found.groups())) < (1, 25, 1):  # "http2 on" is younger than Debian 12
            text = text.replace("    http2 on;\n", "")
        (here / "site.conf").write_text(text)
        (here / "nginx.conf").write_text(
            f"pid {here}/pid; error_log stderr warn; include /etc/nginx/modules-enabled/*.conf; worker_processes 1;\n"
            f"events {{ }}\nhttp {{ include {here}/site.conf; }}\n"
        )
        with running(["nginx", "-c", here / "nginx.conf", "-g", "daemon off;"], public):
            yield here


def node(site: Site, port: int) -> Running:
    """One of several servers on the same installation."""
    listen = {"MINTMARK_LISTEN": f"127.0.0.1:{port}", "MINTMARK_TRUSTED_PROXIES": "127.0.0.1"}
    return Running(
        "serve", "--config", site.config, ready="Mintmark serves", **listen, MINTMARK_DRAIN_SECONDS="2"
    )


def ask(public: int, site: Site, **headers: str) -> tuple[int, dict[str, str], bytes]:
    holder = site.holders[0]
    body = f"grant_type=client_credentials&client_id={holder.client_id}&client_secret={holder.secret}"
    sent = {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded", **headers}
    return request(public, "POST", TOKEN_PATH, body, sent)


def request(public: int, method: str, path: str, body: str | None, headers: dict[str, str]) -> Any:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with closing(
        http.client.HTTPSConnection("127.0.0.1", public, timeout=PATIENCE, context=trusting)
    ) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def test_callers_are_named_by_nginx_and_a_node_that_goes_away_costs_no_request(tmp_path: Path) -> None:
    pattern = tmp_path / "site"
    pattern.mkdir()
    site = sites.make(pattern)
    ports, public = (free_port(), free_port()), free_port()
    nodes = [node(site, port) for port in ports]
    try:
        with nginx(ports, public) as here:
            status, headers, _ = ask(
                public, site, **{"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
            )
            assert status == 200
            assert re.fullmatch(r"[0-9a-f]{32}", headers["x-request-id"])
            peers = {peer for (peer,) in site.rows("SELECT peer FROM audit_event WHERE kind = 'token'")}
            assert peers == {"127.0.0.1"}, "what a caller says of itself was believed"
            for path in ("/livez", "/readyz", "/metrics"):
                assert request(public, "GET", path, None, {"Host": HOST})[0] == 404
            assert (
                request(public, "GET", f"{TOKEN_PATH}?client_secret=hunter2", None, {"Host": HOST})[0] >= 400
            )

            os.kill(nodes[0].pid, signal.SIGTERM)
            answers, ends = [200], time.monotonic() + PATIENCE
            while Path(f"/proc/{nodes[0].pid}/exe").exists() or len(answers) < 30:
                assert time.monotonic() < ends, "the node does not end"
                answers.append(ask(public, site)[0])
            assert nodes[0].stop() == 0
            answers += [ask(public, site)[0] for _ in range(10)]
            assert set(answers) == {200}
            assert len(site.books().events) == len(answers)
            log = (here / "mintmark.log").read_text()
            assert "POST" in log
            assert "hunter2" not in log
    finally:
        for each in nodes:
            each.stop()
