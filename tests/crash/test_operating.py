"""Operating a live server: probes and metrics of each worker, an end that loses nothing, settings read again."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from urllib.parse import urlencode

import pytest

from tests.crash.site import TOKEN_PATH, Holder, Site, claims
from tests.end_to_end.server import PATIENCE, Running, call, free_ports, mintmark, until


def configure(site: Site, **settings: object) -> None:
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
    site.config.write_text(site.config.read_text() + "".join(lines))


def test_every_worker_says_whether_it_is_healthy_and_what_it_counts(site: Site) -> None:
    port = free_ports(2)
    configure(site, operator_listen=f"127.0.0.1:{port}")
    server = site.serve("--workers", 2)
    try:
        assert site.ask(site.holders[0]).status == 200
        assert site.ask(Holder(site.holders[0].client_id, "wrong")).status == 401
        nodes = [f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"]
        until(lambda: mintmark("status", *nodes).returncode == 0, "a worker is not ready")
        rows = json.loads(mintmark("status", *nodes, "--json").stdout)
        assert [row["status"] for row in rows] == ["ready", "ready"]
        assert (sum(row["issued"] for row in rows), sum(row["refused"] for row in rows)) == (1, 1)
        until(
            lambda: (
                len(json.loads(mintmark("cluster", *nodes, "--json").stdout or "{}").get("nodes", ())) == 2
            ),
            "a worker does not hear of the other",
        )
        until(lambda: mintmark("cluster", nodes[1]).returncode == 0, "the cluster is not healthy")
        until(lambda: "status: healthy" in mintmark("cluster", nodes[0]).stdout)
        told = json.loads(mintmark("cluster", nodes[1], "--json").stdout)
        assert told["audit"]["last_commit_at"] >= told["audit"]["oldest_at"]
        assert told["signing_keys"]["oldest_signs_since"] > 0
        checks = call("GET", f"http://{nodes[0]}/readyz").json["checks"]
        assert set(checks) == {"serving", "database", "changes", "signing_keys", "disk"}
        public = call("GET", f"http://127.0.0.1:{site.port}/readyz", host="whoever.example")
        assert public.status == 200
        for path in ("/metrics", "/cluster"):
            assert call("GET", f"http://127.0.0.1:{site.port}{path}", host="whoever.example").status == 421
    finally:
        server.stop()
    done = mintmark("status", nodes[0])
    assert done.returncode == 1
    assert "Nobody answers" in done.stdout
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("node", ["nonsense", "127.0.0.1", "http://user@host:1", "127.0.0.1:1/path"])
def test_status_refuses_what_is_no_node(node: str) -> None:
    done = mintmark("status", node)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


class KeepAlive:
    """Asks on one connection until an answer ends it, as behind a load balancer."""

    def __init__(self, site: Site, holder: Holder) -> None:
        self.received: list[str] = []
        self.fault: BaseException | None = None
        self.told_to_go = False
        self._site, self._holder = site, holder
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        body = urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": self._holder.client_id,
                "client_secret": self._holder.secret,
            }
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection("127.0.0.1", self._site.port, timeout=PATIENCE)
        try:
            while not self.told_to_go:
                connection.request("POST", TOKEN_PATH, body, headers)
                answer = connection.getresponse()
                said = json.loads(answer.read())
                assert answer.status == 200, said
                self.received.append(claims(said["access_token"])["jti"])
                self.told_to_go = answer.getheader("connection") == "close"
        except BaseException as fault:
            self.fault = fault
        finally:
            connection.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_drained_server_resets_no_connection_and_loses_no_token(site: Site, workers: int) -> None:
    port = free_ports(workers)
    configure(site, operator_listen=f"127.0.0.1:{port}", drain_seconds=10)
    server = site.serve("--workers", workers)
    asking = [KeepAlive(site, holder) for holder in site.holders[:8]]
    until(lambda: all(len(each.received) > 20 for each in asking), "no load")
    ended: list[int] = []
    stopping = threading.Thread(target=lambda: ended.append(server.stop(signal.SIGTERM)))
    stopping.start()
    until(lambda: call("GET", f"http://127.0.0.1:{port}/readyz").status == 503, "it says that it is ready")
    late = KeepAlive(site, site.holders[8])
    for each in [*asking, late]:
        each.thread.join(PATIENCE)
    stopping.join(PATIENCE)
    assert ended == [0]
    assert [each.fault for each in [*asking, late]] == [None] * 9
    assert all(each.told_to_go for each in [*asking, late])
    # of two workers one may be told to drain a moment after the other
    assert len(late.received) == 1 or workers > 1
    site.books().check([jti for each in asking for jti in each.received] + late.received)


def said(server: Running, event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event") == event]


@pytest.mark.parametrize("workers", [1, 2])
def test_settings_are_read_again_and_bad_ones_change_nothing(site: Site, workers: int) -> None:
    server = site.serve("--workers", workers)
    try:
        good = site.config.read_text()
        site.config.write_text(good + 'log_level = "warn"\n')
        os.kill(server.pid, signal.SIGHUP)
        until(lambda: len(said(server, "reload_refused")) == workers, "it says nothing")
        reason = str(said(server, "reload_refused")[0]["reason"])
        assert reason.startswith("The settings stay as they were: ")
        assert "log_level" in reason
        site.config.write_text(good + 'trusted_proxies = ["127.0.0.1"]\naccess_requests = true\n')
        os.kill(server.pid, signal.SIGHUP)
        until(lambda: len(said(server, "reloaded")) == workers, "it says nothing")
        assert said(server, "reloaded")[0]["wait_for_restart"] == ["access_requests"]
        answer = call(
            "GET", f"http://127.0.0.1:{site.port}/livez", headers={"X-Request-Id": "from-the-proxy"}
        )
        assert answer.headers["x-request-id"] == "from-the-proxy"
        assert site.ask(site.holders[0]).status == 200
    finally:
        server.stop()
