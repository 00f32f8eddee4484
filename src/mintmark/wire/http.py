"""HTTP requests and responses as frozen values, shaped as ASGI hands them over so that nothing is copied.

Header names are lower-case bytes; values are bytes. The path is decoded text, the query is raw bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`url`: only when the client writes a request: scheme, host and path; the server reads `path`."""

    method: str
    path: str
    query: bytes = b""
    headers: Headers = ()
    body: bytes = b""
    url: str = ""

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the header `name` (lower-case), in order."""
        return [value for key, value in self.headers if key == name]

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.path}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Status, headers and body of an answer."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the header `name` (lower-case), in order."""
        return [value for key, value in self.headers if key == name]

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {len(self.body)} bytes)"
