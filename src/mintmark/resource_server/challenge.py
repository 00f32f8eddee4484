"""The answer of an API to a request that it refuses: status, challenge and a JSON body (RFC 6750 §3).

401 and 403 carry the challenge; 503 says when to come back. None is cacheable, none repeats what was sent.
"""

from __future__ import annotations

import json

from mintmark.values.errors import OAuthError
from mintmark.wire.bearer import challenge_for, write_challenge
from mintmark.wire.http import HttpResponse


def challenge(error: OAuthError, realm: str, scope: str = "", metadata_url: str = "") -> HttpResponse:
    """The answer to `error`. `realm` names the API; `scope`: what the request needs, space-separated.

    `metadata_url`: where the API's metadata stands, for the challenge's ``resource_metadata`` (RFC 9728 §5.1).
    """
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if error.status in (401, 403):
        headers.append(
            (b"www-authenticate", write_challenge(challenge_for(error, realm, scope, metadata_url)))
        )
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after))
    body = json.dumps({"error": error.code, "error_description": error.description})
    return HttpResponse(error.status, tuple(headers), body.encode("ascii"))
