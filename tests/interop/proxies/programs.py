"""Real proxies on loopback, run with the files of deploy/proxies and nothing but their addresses changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.server import SOURCES, free_port

FILES = Path(__file__).parents[3] / "deploy" / "proxies"
#: Seconds that a proxy may take to listen on a busy machine.
PATIENCE = 20
DEBIAN = {
    "nginx": ("nginx", ("nginx-light", "libnginx-mod-http-set-misc")),
    "caddy": ("caddy", ("caddy",)),
    "haproxy": ("haproxy", ("haproxy",)),
    "apache": ("apache2", ("apache2", "lua-socket")),
}


def need(name: str) -> None:
    """Install a proxy from Debian where we may; else skip, with the reason."""
    need_packages(*DEBIAN[name])


def need_packages(program: str, packages: Sequence[str]) -> None:
    """Install a program from Debian where we may; else skip, with the reason."""
    status = ["dpkg-query", "-W", *packages]
    known = shutil.which(program) and shutil.which("dpkg-query")
    if known and subprocess.run(status, capture_output=True, check=False).returncode == 0:
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        pytest.skip(
            f"{program}: needs the Debian packages {', '.join(packages)}, or to be root to install them"
        )
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for attempt in (["apt-get", "update", "-qq"], None):
        done = subprocess.run(command, capture_output=True, text=True, env=quiet, check=False)
        if done.returncode == 0:
            return
        if attempt:
            subprocess.run(attempt, capture_output=True, env=quiet, check=False)
    pytest.skip(f"{program}: apt-get could not install it: {done.stderr.strip().splitlines()[-1:]}")


@dataclass(frozen=True)
class Addresses:
    """Ports on 127.0.0.1."""

    public: int
    guard: int
    api: int

    def put_into(self, text: str) -> str:
        """A configuration with these addresses in place of those that it shows."""
        ports = {"8080": self.public, "9090": self.guard, "8000": self.api}
        return re.sub(r"127\.0\.0\.1:(8080|9090|8000)\b", lambda match: f"127.0.0.1:{ports[match[1]]}", text)


class Api:
    """A program behind a proxy that knows nothing of tokens: it answers with what it was asked."""

    def __init__(self) -> None:
        seen = self.seen = []  # type: list[str]

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                seen.append(self.path)
                sent = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                told = {"method": self.command, "path": self.path, "headers": self.headers.items()}
                body = json.dumps({**told, "body": sent})
                self.send_response(418 if self.path.endswith("teapot") else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body.encode())

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):  # any method at all
                    return self._answer
                raise AttributeError(name)

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                pass  # a proxy that ends leaves its connections

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def running(command: Sequence[object], port: int, **environment: str) -> Iterator[None]:
    """A program until the block ends; it is ready when it listens on `port`."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        try:
            _await(port, process, output)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(port: int, process: subprocess.Popen[bytes], output: Any) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    output.seek(0)
    raise AssertionError(f"the proxy did not start:\n{output.read().decode(errors='replace')[-3000:]}")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that a proxy's unprivileged workers can read."""
    path = Path(tempfile.mkdtemp(prefix="mintmark-proxy-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def shown(*parts: str) -> str:
    """The text of a file of deploy/proxies."""
    return FILES.joinpath(*parts).read_text()


@contextmanager
def nginx(at: Addresses, name: str = "mintmark.conf", place: Path | None = None) -> Iterator[None]:
    with folder() if place is None else nullcontext(place) as here:
        site = at.put_into(shown("nginx", name)).replace("/var/cache/nginx/mintmark", f"{here}/cache")
        (here / "site.conf").write_text(site)
        (here / "nginx.conf").write_text(
            f"pid {here}/pid; error_log stderr warn; include /etc/nginx/modules-enabled/*.conf; worker_processes 1;\n"
            f"events {{ }}\nhttp {{ access_log off; include {here}/site.conf; }}\n"
        )
        with running(["nginx", "-c", here / "nginx.conf", "-g", "daemon off;"], at.public):
            yield


@contextmanager
def caddy(at: Addresses) -> Iterator[None]:
    with folder() as here:
        (here / "Caddyfile").write_text("{\n\tadmin off\n}\n" + at.put_into(shown("caddy", "Caddyfile")))
        command = ["caddy", "run", "--config", here / "Caddyfile", "--adapter", "caddyfile"]
        with running(command, at.public, HOME=str(here), XDG_DATA_HOME=str(here), XDG_CONFIG_HOME=str(here)):
            yield


@contextmanager
def haproxy(at: Addresses) -> Iterator[None]:
    with folder() as here:
        text = at.put_into(shown("haproxy", "haproxy.cfg"))
        (here / "haproxy.cfg").write_text(text.replace("/etc/haproxy/mintmark.lua", f"{here}/mintmark.lua"))
        (here / "mintmark.lua").write_text(at.put_into(shown("haproxy", "mintmark.lua")))
        with running(["haproxy", "-db", "-f", here / "haproxy.cfg"], at.public):
            yield


@contextmanager
def haproxy_jwt(at: Addresses, issuer: str, audience: str) -> Iterator[None]:
    with folder() as here:
        text = at.put_into(shown("haproxy-jwt", "haproxy.cfg"))
        for old, new in (
            ("/etc/haproxy/mintmark-keys", str(here)),
            ("https://auth.example/t/acme/production", issuer),
            ("https://api.example", audience),
        ):
            text = text.replace(old, new)
        (here / "haproxy.cfg").write_text(text)
        export = [sys.executable, FILES / "haproxy-jwt" / "export_keys.py", f"{issuer}/jwks.json", here]
        subprocess.run(export, check=True, timeout=60, env={**os.environ, "PYTHONPATH": str(SOURCES)})
        with running(["haproxy", "-db", "-f", here / "haproxy.cfg"], at.public):
            yield


@contextmanager
def apache(at: Addresses) -> Iterator[None]:
    with folder() as here:
        site = at.put_into(shown("apache", "mintmark.conf"))
        (here / "site.conf").write_text(site.replace("/etc/apache2/mintmark.lua", f"{here}/mintmark.lua"))
        (here / "mintmark.lua").write_text(at.put_into(shown("apache", "mintmark.lua")))
        modules = ("mpm_event", "authz_core", "lua", "proxy", "proxy_http", "headers")
        loaded = "".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in modules
        )
        (here / "apache2.conf").write_text(
            f"ServerRoot {here}\nServerName localhost\nPidFile {here}/pid\nErrorLog {here}/error.log\n{loaded}"
            f"User www-data\nGroup www-data\nInclude {here}/site.conf\n"
        )
        with running(["apache2", "-f", here / "apache2.conf", "-DFOREGROUND"], at.public):
            yield


PROXIES: dict[str, Callable[[Addresses], Any]] = {
    "nginx": nginx,
    "nginx-cached": lambda at: nginx(at, "mintmark-cached.conf"),
    "caddy": caddy,
    "haproxy": haproxy,
    "apache": apache,
}


def addresses(guard: int, api: int) -> Addresses:
    """With a free public port."""
    return Addresses(free_port(), guard, api)
