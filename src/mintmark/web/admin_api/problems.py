"""Refusals as problem details (RFC 9457): type, title, status, one sentence, and the request id as instance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mintmark.authorization_server.administration.act import AdministrationFault, FaultKind
from mintmark.values.errors import OAuthError
from mintmark.wire.bearer import challenge_for, write_challenge
from mintmark.wire.http import Headers, HttpResponse

MEDIA_TYPE = "application/problem+json"
REALM = "mintmark-admin"

#: The types of problem, each with its title. A type is ``urn:mintmark:problem:`` and one of these.
TITLES: Mapping[str, str] = {
    "malformed": "The request cannot be read",
    "invalid": "The input is not acceptable",
    "unauthorized": "No valid access token",
    "forbidden": "Not allowed",
    "not_found": "Not found",
    "method_not_allowed": "Method not allowed",
    "conflict": "The state forbids it",
    "changed": "Changed since it was read",
    "must_match": "If-Match is missing",
    "key_reused": "The Idempotency-Key was used for something else",
    "too_large": "Too large",
    "media_type": "The body must be JSON",
    "unavailable": "Try again later",
    "fault": "Something went wrong inside",
}
_OF_FAULT: Mapping[FaultKind, tuple[int, str]] = {
    "invalid": (422, "invalid"),
    "not_found": (404, "not_found"),
    "conflict": (409, "conflict"),
    "forbidden": (403, "forbidden"),
}


class Detail(NamedTuple):
    """One fault of an input. `pointer`: where, as a JSON pointer in a URI fragment (RFC 6901 §6)."""

    pointer: str
    sentence: str


class Problem(Exception):
    """A refusal that becomes an answer. `kind`: one of `TITLES`. `headers`: beside those of every problem."""

    def __init__(
        self, status: int, kind: str, sentence: str, details: Sequence[Detail] = (), headers: Headers = ()
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.kind = kind
        self.sentence = sentence
        self.details = details
        self.headers = headers


def of_fault(fault: AdministrationFault, scope: str = "") -> Problem:
    """The problem of a refused operation. `scope`: what a client's token would have to carry, for the challenge."""
    status, kind = _OF_FAULT[fault.kind]
    headers: Headers = ()
    if status == 403 and scope:
        lacking = OAuthError(
            "insufficient_scope", 403, "The access token does not allow this.", reason="scope_missing"
        )
        headers = ((b"www-authenticate", write_challenge(challenge_for(lacking, REALM, scope))),)
    return Problem(status, kind, str(fault), headers=headers)


def of_error(error: OAuthError, scope: str = "") -> Problem:
    """The problem of a token that is missing, not good, or cannot be checked (RFC 6750 §3)."""
    headers: list[tuple[bytes, bytes]] = []
    if error.status in (401, 403):
        headers.append((b"www-authenticate", write_challenge(challenge_for(error, REALM, scope))))
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after))
    kind = {401: "unauthorized", 403: "forbidden"}.get(error.status, "unavailable")
    return Problem(error.status, kind, error.description, headers=tuple(headers))


def answer(problem: Problem, request_id: str) -> HttpResponse:
    """`problem` on the wire; never cached."""
    body: dict[str, object] = {
        "type": f"urn:mintmark:problem:{problem.kind}",
        "title": TITLES[problem.kind],
        "status": problem.status,
        "detail": problem.sentence,
        "instance": request_id,
    }
    if problem.details:
        body["errors"] = [{"pointer": each.pointer, "detail": each.sentence} for each in problem.details]
    headers: Headers = (
        (b"content-type", MEDIA_TYPE.encode()),
        (b"cache-control", b"no-store"),
        *problem.headers,
    )
    return HttpResponse(problem.status, headers, json.dumps(body, ensure_ascii=False).encode())
