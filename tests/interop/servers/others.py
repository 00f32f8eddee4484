"""Other people's authorization servers on loopback, each with a client that may send its secret in either form."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from mintmark.jose.jwk import generate
from tests.end_to_end.server import free_port
from tests.interop.packages import debian, npm, pypi
from tests.interop.proxies.programs import folder, running

HERE = Path(__file__).parent
#: What form encoding and base64 change.
SECRET = "s3cret+/=%@x"


#: For servers that take the halves of Basic as they are, against RFC 6749 §2.3.1.
RAW_BASIC = """name = "raw-basic"
title = "OAuth 2.0 with raw Basic"
path = "/token"
url = "${token_url}"
[[forms]]
encoding = "form"
basic = { user = "${client_id}", password = "${client_secret}", codec = "raw" }
body = { grant_type = "${grant_type}", scope = "${scope}" }
[response]
body = { access_token = "${access_token}", token_type = "${token_type}", expires_in = "${expires_in}" }
"""


@dataclass(frozen=True)
class Server:
    """`clients`: form -> client id. `audience`: of its JWTs, empty where its tokens are opaque. `profile`: of a guard.

    `dialects`: form -> the dialect that its server needs, where that is not RFC 6749's. `checks_secrets`: whether it
    refuses a wrong one (a mock need not).
    """

    token_url: str
    clients: dict[str, str]
    issuer: str = ""
    audience: str = ""
    profile: str = "rfc9068"
    dialects: dict[str, str] = field(default_factory=dict)
    checks_secrets: bool = True
    secret: str = SECRET


@contextmanager
def oidc_provider() -> Iterator[Server]:
    port = free_port()
    with node("oidc_provider.mjs", port):
        url = f"http://127.0.0.1:{port}"
        yield Server(f"{url}/token", {"basic": "basic", "post": "post"}, url, "https://api.example")


@contextmanager
def mock_server() -> Iterator[Server]:
    port = free_port()
    with node("mock_server.mjs", port):
        url = f"http://127.0.0.1:{port}"
        both = {"basic": "mock", "post": "mock"}
        yield Server(f"{url}/token", both, url, "https://api.example", "oidc", checks_secrets=False)


@contextmanager
def node(script: str, port: int) -> Iterator[None]:
    """A script of this folder in Node.js, beside the packages that it imports."""
    place = npm()
    shutil.copy(HERE / script, place / script)
    with running(["node", place / script], port, PORT=str(port), SECRET=SECRET):
        yield


@contextmanager
def django_oauth_toolkit() -> Iterator[Server]:
    port, packages = free_port(), pypi()
    with folder() as here:
        given = {"PORT": str(port), "SECRET": SECRET, "DATABASE": str(here / "db.sqlite3")}
        command = [sys.executable, HERE / "django_server.py"]
        with running(command, port, PYTHONPATH=str(packages), **given):
            yield Server(f"http://127.0.0.1:{port}/o/token/", {"basic": "basic", "post": "post"})


@contextmanager
def glewlwyd() -> Iterator[Server]:
    """Debian's, set up through its own administration. The audience of its tokens is the scope that was asked for; it
    does not decode Basic.
    """
    program = debian("glewlwyd", "glewlwyd", "sqlite3")
    port = free_port()
    with folder() as here:
        tables = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3").read_text()
        database = sqlite3.connect(here / "glewlwyd.db")
        database.executescript(tables)
        database.close()
        modules = "".join(
            f'{setting}_module_path="/usr/lib/glewlwyd/{name}"\n'
            for setting, name in (
                ("user", "user"),
                ("client", "client"),
                ("user_auth_scheme", "scheme"),
                ("plugin", "plugin"),
            )
        )
        (here / "glewlwyd.conf").write_text(
            f'port={port}\nbind_address="127.0.0.1"\nexternal_url="http://127.0.0.1:{port}/"\napi_prefix="api"\n'
            f'log_mode="console"\nlog_level="ERROR"\nsession_key="session"\nadmin_scope="g_admin"\n'
            f'profile_scope="g_profile"\nlogin_url="login.html"\nhash_algorithm="SHA512"\n{modules}'
            f'database = {{ type = "sqlite3"; path = "{here}/glewlwyd.db"; }};\n'
        )
        with running([program, f"--config-file={here}/glewlwyd.conf"], port):
            _set_up_glewlwyd(f"http://127.0.0.1:{port}/api")
            issuer = f"http://127.0.0.1:{port}/api/oidc"
            both = {"basic": "cc", "post": "cc"}
            raw = here / "raw.toml"
            raw.write_text(RAW_BASIC)
            raw.chmod(0o644)
            yield Server(f"{issuer}/token", both, issuer, "read", dialects={"basic": str(raw)})


def _set_up_glewlwyd(api: str) -> None:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def post(path: str, value: dict[str, Any]) -> None:
        head = {"content-type": "application/json"}
        request = urllib.request.Request(f"{api}{path}", json.dumps(value).encode(), head, method="POST")
        with opener.open(request, timeout=20) as response:
            assert response.status == 200

    key, public = _pem()
    switches = ("code", "client", "id-token")
    post("/auth/", {"username": "admin", "password": "password"})
    scope = {"name": "read", "display_name": "Read", "description": "Read", "scheme": {}}
    post(
        "/scope/",
        {**scope, "password_required": False, "password_max_age": 0, "scheme_required": {}},
    )
    parameters = {
        "iss": f"{api}/oidc",
        "jwt-type": "rsa",
        "jwt-key-size": "256",
        "key": key,
        "cert": public,
        "access-token-duration": 60,
        "refresh-token-duration": 3600,
        "code-duration": 60,
        "refresh-token-rolling": False,
        "allow-non-oidc": True,
        **{f"auth-type-{name}-enabled": True for name in switches},
        **{f"auth-type-{name}-enabled": False for name in ("token", "none", "password", "refresh")},
        "scope": [],
        "additional-parameters": [],
        "claims": [],
        "jwks-show": True,
        "jwks-x5c": [],
        "subject-type": "public",
    }
    post("/mod/plugin/", {"module": "oidc", "name": "oidc", "display_name": "oidc", "parameters": parameters})
    post(
        "/client/?source=database",
        {
            "client_id": "cc",
            "name": "cc",
            "password": SECRET,
            "confidential": True,
            "enabled": True,
            "scope": ["read"],
            "authorization_type": ["client_credentials"],
            "token_endpoint_auth_method": ["client_secret_basic", "client_secret_post"],
            "redirect_uri": [],
        },
    )


def _pem() -> tuple[str, str]:
    der = generate("RS256").to_der()
    turn = ["openssl", "rsa", "-inform", "DER"]
    private = subprocess.run([*turn, "-outform", "PEM"], input=der, capture_output=True, check=True).stdout
    public = subprocess.run([*turn, "-pubout"], input=der, capture_output=True, check=True).stdout
    return private.decode(), public.decode()


SERVERS: dict[str, Callable[[], Any]] = {
    "oidc-provider": oidc_provider,
    "oauth2-mock-server": mock_server,
    "django-oauth-toolkit": django_oauth_toolkit,
    "glewlwyd": glewlwyd,
}
