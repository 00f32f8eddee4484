"""How a fake vendor answers: token requests by its dialect, its key set, and an API that tells who called.

One function from request to answer; what it was asked goes into a journal before anything can go wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate

from mintmark.dialect import Dialect, read_request, write_error, write_response
from mintmark.testing.asked import Asked, Endpoint, Journal
from mintmark.testing.credentials import FakeCredentials
from mintmark.testing.faults import Faults
from mintmark.testing.minting import Mint
from mintmark.testing.presented import presented
from mintmark.values.errors import OAuthError
from mintmark.wire.http import Headers, HttpRequest, HttpResponse
from mintmark.wire.jsonobject import write_json

KEYS, METADATA = "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"
_JSON: Headers = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


class Endpoints:
    """`answers`: path -> what a call of it gets. `skew`: seconds by which the vendor's clock is wrong."""

    def __init__(
        self,
        dialect: Dialect,
        clock: Callable[[], float],
        credentials: FakeCredentials,
        mint: Mint,
        faults: Faults,
        journal: Journal,
    ) -> None:
        self._dialect, self._clock, self._credentials = dialect, clock, credentials
        self._mint, self._faults, self._journal = mint, faults, journal
        self.answers: dict[str, object] = {}
        self.skew = 0.0

    def respond(self, request: HttpRequest) -> HttpResponse:
        """The answer to any request. Raises ConnectionDropped where there is to be none."""
        keys = request.method == "GET" and request.path in (KEYS, METADATA)
        endpoint: Endpoint = "keys" if keys else "token" if request.path == self._dialect.path else "api"
        asked = Asked(endpoint, request, self._clock())
        number = self._journal.add(asked)
        answer = None if endpoint == "keys" else self._faults.happen(endpoint)
        if answer is None:
            answer = {"keys": self._published, "token": self._issue, "api": self._call}[endpoint](asked)
        asked.status = answer.status
        date = formatdate(self._clock() + self.skew, usegmt=True).encode()
        return answer._replace(
            headers=((b"date", date), (b"x-request-id", b"fake-%d" % number), *answer.headers)
        )

    def _issue(self, asked: Asked) -> HttpResponse:
        try:
            asked.request = read_request(self._dialect, asked.http)
            self._credentials.check(asked.request)
            answer = write_response(self._dialect, self._mint.issue(asked.request, self.skew))
        except OAuthError as error:
            answer = write_error(self._dialect, error, "fake vendor")
        return answer._replace(headers=answer.headers + self._mint.quota_headers())

    def _call(self, asked: Asked) -> HttpResponse:
        token = presented(self._dialect, asked.http)
        try:
            claims = self._mint.judge(token)
        except OAuthError as error:
            told = f', error="invalid_token", error_description="{error.description}"' if token else ""
            headers = (*_JSON, (b"www-authenticate", f'Bearer realm="fake vendor"{told}'.encode()))
            return HttpResponse(
                self._dialect.errors.token_dead[0], headers, write_json({"error": error.code})
            )
        if asked.path in self.answers:
            answer = self.answers[asked.path]
            return HttpResponse(200, _JSON, write_json(answer(asked) if callable(answer) else answer))
        who = {name: claims[name] for name in ("sub", "client_id", "aud", "scope") if name in claims}
        call = {"method": asked.method, "path": asked.path, "bytes": len(asked.body)}
        return HttpResponse(200, _JSON, write_json({**who, **call}))

    def _published(self, asked: Asked) -> HttpResponse:
        keys = {"keys": [self._mint.key.public().jwk()]}
        metadata = {
            "issuer": self._mint.issuer,
            "token_endpoint": self._mint.issuer + self._dialect.path,
            "jwks_uri": self._mint.issuer + KEYS,
            "response_types_supported": [],
            "grant_types_supported": [self._dialect.grant_type],
        }
        return HttpResponse(200, _JSON, write_json(keys if asked.path == KEYS else metadata))
