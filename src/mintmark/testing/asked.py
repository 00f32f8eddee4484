"""What a fake vendor was asked, in order: kept whole for assertions, printed without headers, query and body."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs

from mintmark.values.token import TokenRequest
from mintmark.wire.http import HttpRequest
from mintmark.wire.jsonobject import read_json

Endpoint = Literal["token", "api", "keys"]


@dataclass(slots=True, eq=False)
class Asked:
    """One request. `at`: seconds since the epoch by the vendor's clock. `request`: a token request as its dialect reads
    it, None where it could not be read. `status`: of the answer; None while there is none, or there never was.
    """

    endpoint: Endpoint
    http: HttpRequest
    at: float
    request: TokenRequest | None = None
    status: int | None = None

    @property
    def method(self) -> str:
        """``GET``, ``POST`` ..."""
        return self.http.method

    @property
    def path(self) -> str:
        """The path, decoded."""
        return self.http.path

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters of the query."""
        return parse_qs(self.http.query.decode("latin-1"), keep_blank_values=True)

    @property
    def body(self) -> bytes:
        """The body as it came."""
        return self.http.body

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        values = self.http.values(name.lower().encode("latin-1"))
        return values[0].decode("latin-1") if values else None

    def json(self) -> object:
        """The body as JSON. Raises ValueError."""
        return read_json(self.http.body, deepest=64)

    def __repr__(self) -> str:
        return f"Asked({self.method} {self.path}, answered {self.status or 'never'})"


class Journal:
    """Everything that was asked, in order of arrival; may be used from any thread."""

    def __init__(self) -> None:
        self._asked: list[Asked] = []
        self._number = 0
        self._lock = threading.Lock()

    def add(self, asked: Asked) -> int:
        """Note a request; returns its number, from 1."""
        with self._lock:
            self._asked.append(asked)
            self._number += 1
            return self._number

    def asked(self, endpoint: Endpoint | None = None) -> list[Asked]:
        """All of them, or those to one endpoint."""
        with self._lock:
            return [asked for asked in self._asked if endpoint in (None, asked.endpoint)]

    def clear(self) -> None:
        """Forget them; numbers go on."""
        with self._lock:
            self._asked.clear()


def count(what: str, found: list[Asked], times: int) -> None:
    """Raises AssertionError, which lists what was found, unless there are exactly so many. `what`: their plural."""
    __tracebackhide__ = True
    if len(found) != times:
        listed = "".join(f"\n  {asked!r}" for asked in found)
        raise AssertionError(f"{what}: {len(found)}, not {times}{listed}")
