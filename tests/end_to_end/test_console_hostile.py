"""Whatever is sent to whichever page of the console, by whoever has signed in: no fault of the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from mintmark.web.console import pages
from mintmark.web.console.router import ROUTES
from tests.end_to_end.console import Visitor, people_of
from tests.end_to_end.server import PATIENCE, Running, free_port

pages.register()
TEMPLATES = files("mintmark.web.console").joinpath("templates")
#: Every name that a form of the console has, and a few that none has.
_TEXTS = [each.read_text() for each in TEMPLATES.iterdir() if each.is_file()]
NAMES = sorted(
    {name for text in _TEXTS for name in re.findall(r'name="([a-z_]+)"', text)}
    | {name for text in _TEXTS for name in re.findall(r'm\.field\(visit, "([a-z_]+)"', text)}
    | {"scope:https://api.omneo.example", "credential", "nothing"}
)
VALUES = [
    "",
    "9" * 14,
    "x" * 5000,
    "<script>alert(1)</script>",
    "\N{SNOWMAN}\N{RIGHT-TO-LEFT OVERRIDE}",
    "a\r\nb: c",
]
SEGMENTS = ["omneo", "%00", "%FF", "a" * 3000, ".."]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A demo of its own, in which anything may break."""
    directory: Path = tmp_path_factory.mktemp("hostile") / "demo"
    port = free_port()
    server = Running("demo", "--directory", directory, "--port", port, ready="# Ready:")
    try:
        yield f"http://127.0.0.1:{port}", people_of(directory)
        assert '"fault"' not in server.output
    finally:
        server.stop()


def test_the_names_are_those_of_the_forms() -> None:
    assert {"name", "overlap_days", "ends_at", "token_lifetime", "ticket", "code", "text"} <= set(NAMES)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_no_form_brings_a_fault(place: tuple[str, dict[str, str]], value: str) -> None:
    url, people = place
    visitor = Visitor(url)
    assert visitor.sign_in("operator", people["operator"]).status == 303
    token = visitor.csrf()
    for route in ROUTES:
        if route.method != "POST" or route.pattern in (
            "/sign-out",
            "/account/password",
            "/people/{username}/delete",
        ):
            continue
        path = route.pattern.replace("{tenant}", "omneo").replace("{name}", "production")
        path = path.replace(
            "{username}", "admin@omneo" if path.startswith("/people") else "sfcc-proxy@brand.com"
        )
        path = re.sub(r"\{[a-z_]+\}", quote(value, safe="") or "x", path)
        if path.startswith("/tenants/omneo/d"):
            path = path.replace("omneo", "fyma")
        form = {name: token if name == "csrf" else value for name in NAMES}
        answer = visitor.send("POST", f"/console{path}", form)
        assert answer.status < 500 or answer.status == 503, f"{path}: {answer.status}"
        assert "<script>alert" not in answer.text


@pytest.mark.timeout(300)
@pytest.mark.parametrize("segment", SEGMENTS)
def test_no_path_or_query_brings_a_fault(place: tuple[str, dict[str, str]], segment: str) -> None:
    url, people = place
    visitor = Visitor(url)
    assert visitor.sign_in("auditor@oleria", people["auditor@oleria"]).status == 303
    for route in ROUTES:
        if route.method != "GET":
            continue
        path = re.sub(r"\{[a-z_]+\}", segment.replace("\\", ""), route.pattern)
        for query in (
            "",
            f"?said={segment}&before={segment}&span={segment}&client_id={segment}",
            "?x=%",
            "?period=1",
        ):
            answer = visitor.send("GET", f"/console{path}{query}")
            assert answer.status < 500 or answer.status == 503, f"{path}{query}: {answer.status}"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"csrf=%", "application/x-www-form-urlencoded"),
        (b"a=1&" * 1000, "application/x-www-form-urlencoded"),
        (b"csrf=1&csrf=2", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"--x", "multipart/form-data; boundary=x"),
        (b"x" * 70000, "application/x-www-form-urlencoded"),
    ],
)
def test_no_body_brings_a_fault(place: tuple[str, dict[str, str]], body: bytes, kind: str) -> None:
    url, people = place
    visitor = Visitor(url)
    assert visitor.sign_in("operator", people["operator"]).status == 303
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    for path in ("/people", "/sign-in", "/hand-over", "/request-access"):
        answer = httpx2.post(
            f"{url}/console{path}",
            content=body,
            headers={"Cookie": cookie, "Content-Type": kind},
            timeout=PATIENCE,
        )
        assert answer.status_code in (400, 401, 403, 404, 413, 422, 429), f"{path}: {answer.status_code}"
