"""The public documents of an issuer: its metadata (RFC 8414 §3), its key set (RFC 7517 §5), and what stands below it
(OpenAPI).

All may be cached for five minutes and are told apart by an ETag; signing keys are published for longer than
that before they sign. A key set that may lack a new key, as the database is out of reach, is asked for again sooner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from mintmark.authorization_server.metadata import KEY_SET_MAX_AGE, key_set, server_metadata
from mintmark.authorization_server.ports import EnvironmentView
from mintmark.web.answers import method_not_allowed, not_found
from mintmark.web.environment_document import Described, environment_document
from mintmark.web.routing import Document
from mintmark.wire.http import Headers, HttpResponse

#: Seconds for which a key set holds that could not be held against the database.
DOUBTFUL_MAX_AGE = 60


def refused(view: EnvironmentView, method: str) -> HttpResponse | None:
    """The answer where there is no document, whichever is asked for; else None."""
    if method not in ("GET", "HEAD"):
        return method_not_allowed(("GET", "HEAD"))
    return None if view.environment.enabled and view.tenant.enabled else not_found()


def document_answer(
    document: Document,
    view: EnvironmentView,
    method: str,
    headers: Sequence[tuple[bytes, bytes]],
    now: float,
    resources: Sequence[Described] = (),
    max_age: int = KEY_SET_MAX_AGE,
) -> HttpResponse:
    """The document, 304 when the caller has it already, 404 for an environment that is switched off."""
    if (refusal := refused(view, method)) is not None:
        return refusal
    if document == "openapi":
        body = environment_document(view, resources, now)
    else:
        body = (server_metadata if document == "metadata" else key_set)(view, int(now))
    etag = b'"' + hashlib.sha256(body).hexdigest()[:24].encode("ascii") + b'"'
    common: Headers = (
        (b"cache-control", b"public, max-age=%d" % max_age),
        (b"etag", etag),
    )
    known = [tag.strip() for name, value in headers if name == b"if-none-match" for tag in value.split(b",")]
    if etag in known or b"W/" + etag in known or b"*" in known:
        return HttpResponse(304, common)
    kind = b"application/jwk-set+json" if document == "keys" else b"application/json"
    return HttpResponse(200, ((b"content-type", kind), *common), body)
