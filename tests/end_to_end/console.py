"""A browser without a picture: keeps the console's cookie, repeats the token of its forms, and reads what it gets."""

from __future__ import annotations

import html
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.end_to_end.server import PATIENCE

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_TAGS = re.compile(r"<[^>]+>")
#: Made once, as reading the system's authorities takes longer than a page; nothing here speaks TLS.
_TLS = ssl.create_default_context()


@dataclass
class Seen:
    """A page as it came."""

    answer: httpx2.Response

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def text(self) -> str:
        """The whole document."""
        return self.answer.text

    @property
    def words(self) -> str:
        """What stands on the page, without markup."""
        return html.unescape(" ".join(_TAGS.sub(" ", self.text).split()))

    @property
    def location(self) -> str:
        return self.answer.headers.get("location", "")

    def value(self, identifier: str) -> str:
        """The value of the input with that id."""
        found = re.search(rf'<input id="{identifier}"[^>]*? value="([^"]*)"', self.text)
        assert found is not None, identifier
        return html.unescape(found.group(1))


@dataclass
class Visitor:
    """Somebody at the console of a server at `url`."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    def send(
        self, method: str, path: str, pairs: Any = None, headers: Mapping[str, str] | None = None
    ) -> Seen:
        """One request; redirects are not followed."""
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        sent = {name: value for name, value in sent.items() if value} | dict(headers or {})
        data = pairs if isinstance(pairs, dict) or pairs is None else dict(_grouped(pairs))
        with httpx2.Client(base_url=self.url, timeout=PATIENCE, verify=_TLS) as client:
            answer = client.request(method, path, data=data, headers=sent)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        return Seen(answer)

    def get(self, path: str) -> Seen:
        return self.send("GET", path)

    def csrf(self) -> str:
        """What this session's forms repeat."""
        found = _CSRF.search(self.get("/console/account").text)
        return "" if found is None else found.group(1)

    def post(self, path: str, pairs: Any = (), **headers: str) -> Seen:
        """A form of the console."""
        given = list(pairs.items() if isinstance(pairs, dict) else pairs)
        return self.send("POST", path, [("csrf", self.csrf()), *given], headers)

    def sign_in(self, username: str, password: str, after: str = "/console") -> Seen:
        form = {"username": username, "password": password, "next": after}
        return self.send("POST", "/console/sign-in", form)


def _grouped(pairs: Any) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for name, value in pairs:
        made.setdefault(name, []).append(value)
    return made


def people_of(directory: Path) -> dict[str, str]:
    """User name -> password, as the demo keeps them."""
    kept: dict[str, str] = json.loads((directory / "demo.json").read_text())["people"]
    return kept
