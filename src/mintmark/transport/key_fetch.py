"""Fetches an issuer's key set: its metadata first, unless the key set's address was given, then the set.

The metadata is asked for each time, so that an issuer may move its keys; when it cannot be had, the address that it
gave before holds.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mintmark.jose.json_object import parse_object
from mintmark.jose.key_set import MAX_KEY_SET_BYTES
from mintmark.resource_server.issuer import Issuer
from mintmark.transport.issuer_client import IssuerClient, NoResponse
from mintmark.wire.http import HttpRequest, HttpResponse

MAX_METADATA_BYTES = 256 * 1024
_MAX_AGE = re.compile(rb"(?:^|[\s,])max-age=\"?([0-9]{1,10})\"?(?=$|[\s,])", re.IGNORECASE)
_ACCEPT = ((b"accept", b"application/json"),)


class FetchFault(Exception):
    """There is no document; one sentence. `retry_after`: the seconds that the issuer asked for, or 0."""

    def __init__(self, sentence: str, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Fetched(NamedTuple):
    """A document, not yet judged, and the seconds of its ``max-age`` (RFC 9111 §5.2.2.1), or None."""

    document: bytes
    lifetime: float | None


class KeyFetch:
    """The key set of one issuer, by one request or two."""

    def __init__(self, issuer: Issuer, client: IssuerClient) -> None:
        self._issuer, self._client = issuer, client
        self._known: dict[str, str] = {}

    def __call__(self) -> Fetched:
        """The document. Raises FetchFault."""
        url = self._issuer.jwks_uri or self.address("jwks_uri")
        answer = self._get(url, MAX_KEY_SET_BYTES)
        return Fetched(answer.body, _lifetime(answer))

    def address(self, member: str) -> str:
        """The address that the issuer's metadata gives now, or gave last. Raises FetchFault."""
        faults = []
        for place in self._issuer.metadata_urls():
            try:
                metadata = parse_object(self._get(place, MAX_METADATA_BYTES).body)
                self._known[member] = self._issuer.named_in(metadata, member)
                return self._known[member]
            except FetchFault as fault:
                faults.append(fault)
            except ValueError as fault:
                faults.append(FetchFault(f"{fault}"))
        if member in self._known:
            return self._known[member]
        raise (
            faults[-1]
            if all(str(fault).endswith("404") for fault in faults)
            else next(fault for fault in faults if not str(fault).endswith("404"))
        )

    def _get(self, url: str, limit: int) -> HttpResponse:
        try:
            answer = self._client(HttpRequest("GET", "", headers=_ACCEPT, url=url), limit)
        except NoResponse as fault:
            raise FetchFault(str(fault)) from None
        if answer.status != 200:
            raise FetchFault(f"the issuer answered {answer.status}", _retry_after(answer))
        return answer


def _lifetime(answer: HttpResponse) -> float | None:
    for value in answer.values(b"cache-control"):
        if re.search(rb"(?:^|[\s,])no-(?:store|cache)(?=$|[\s,=])", value, re.IGNORECASE):
            return 0.0
        match = _MAX_AGE.search(value)
        if match is not None:
            return float(match[1])
    return None


def _retry_after(answer: HttpResponse) -> float:
    values = answer.values(b"retry-after")
    return float(values[0]) if values and len(values[0]) <= 6 and values[0].isdigit() else 0.0
