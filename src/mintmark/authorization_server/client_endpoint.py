"""An endpoint for authenticated clients beside the token endpoint: who asks is established once, here.

The request is read as the RFC mount reads its own (Basic in both readings, or the body), under the same limits on
guessing, at the same cost for known and unknown ids; then `answer` is called. A refusal is caught once, audited with
its private detail, answered without it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mintmark.authorization_server.client_authentication import (
    as_found,
    authenticate,
    identity_of,
    is_authentication_failure,
)
from mintmark.authorization_server.limits import Limits, refusal_fields
from mintmark.authorization_server.ports import Busy, EnvironmentView, Ports, StorageUnavailable
from mintmark.dialect import Dialect, load_dialect, read_request, write_error
from mintmark.values.audit_event import AuditEvent
from mintmark.values.client import Client
from mintmark.values.errors import OAuthError, temporarily_unavailable
from mintmark.values.secret import Secret, shape_of
from mintmark.values.tenancy import Mount
from mintmark.values.token import NOTHING, TokenRequest
from mintmark.wire.http import Headers, HttpRequest, HttpResponse

#: Seconds after which to try again when nothing can be read or made durable.
RETRY_AFTER = 5
NO_STORE: Headers = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))

_CLIENT = """
name = "{name}"
title = "{title}"
documentation = "{documentation}"
method = "{method}"
path = "/endpoint"
url = "${{token_url}}"
parameters.client_id = {{ missing = "invalid_client" }}
parameters.client_secret = {{ missing = "invalid_client" }}
response.body = {{ access_token = "${{access_token}}" }}
"""
#: POST of a form with a token (RFC 7662 §2.1, RFC 7009 §2.1).
TOKEN_FORM: Dialect = load_dialect(
    _CLIENT.format(
        name="token-form",
        title="A token, by an authenticated client",
        documentation="https://www.rfc-editor.org/rfc/rfc7662",
        method="POST",
    )
    + """
parameters.token = { secret = true, required = true }
parameters.token_type_hint = { required = false }

[[forms]]
name = "basic"
encoding = "form"
basic = { user = "${client_id}", password = "${client_secret}", codec = "either" }
may_repeat = { client_id = "client_id" }
body = { token = "${token}", token_type_hint = "${token_type_hint}" }

[[forms]]
name = "post"
encoding = "form"

[forms.body]
client_id = "${client_id}"
client_secret = "${client_secret}"
token = "${token}"
token_type_hint = "${token_type_hint}"
""",
    "token-form",
)
#: GET by an authenticated client, Basic only.
FEED_QUERY: Dialect = load_dialect(
    _CLIENT.format(
        name="feed-query",
        title="Reading on, by an authenticated client",
        documentation="https://www.rfc-editor.org/rfc/rfc6749",
        method="GET",
    )
    + """
parameters.after = { required = false }
parameters.wait = { required = false }

[[forms]]
name = "basic"
encoding = "none"
basic = { user = "${client_id}", password = "${client_secret}", codec = "either" }
query = { after = "${after}", wait = "${wait}" }
""",
    "feed-query",
)


class Inquiry(NamedTuple):
    """What an authenticated client asks. `token` is empty, and `hint` and `parameters` are, where none belong."""

    view: EnvironmentView
    client: Client
    credential_id: str
    token: Secret
    hint: str
    parameters: Mapping[str, str]
    accept: str
    peer: str
    request_id: str
    now: float


@dataclass(frozen=True, slots=True)
class ClientEndpoint:
    """`kind`: of its audit events. `dialect`: how its requests are read."""

    kind: str
    dialect: Dialect
    ports: Ports
    answer: Callable[[Inquiry], Awaitable[HttpResponse]]
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "limits", Limits(self.ports.counters))

    async def respond(
        self, request: HttpRequest, environment: str, peer: str, request_id: str, now: float
    ) -> HttpResponse:
        """Answer a request to this endpoint of `environment` (``tenant/name``), disabled or not.

        `peer`: the caller's address. `now`: seconds since the epoch. Never raises for anything a caller does; an
        unknown environment is KeyError, the router's fault.
        """
        view = self.ports.directory.environment(environment)
        if view is None:
            raise KeyError(environment)
        asked: TokenRequest | None = None
        try:
            read = read_request(self.dialect, request)
            # A token in plain text goes no further than this line.
            token, parameters = Secret(read.parameters.get("token", "")), read.parameters
            asked = read._replace(parameters=NOTHING)
            asked = await as_found(asked, environment, self.ports)
            await self.limits.admit(environment, identity_of(asked), peer, now)
            mount = Mount(
                request.path,
                self.dialect.name,
                slow_secrets=any(mount.slow_secrets for mount, _ in view.mounts.values()),
            )
            who = await authenticate(asked, environment, mount, self.ports, peer, now)
            return await self.answer(
                Inquiry(
                    view,
                    who.client,
                    who.credential_id,
                    token,
                    parameters.get("token_type_hint", ""),
                    parameters,
                    ",".join(value.decode("latin-1") for value in request.values(b"accept")),
                    peer,
                    request_id,
                    now,
                )
            )
        except OAuthError as error:
            refusal = error
        except StorageUnavailable as fault:
            refusal = temporarily_unavailable(RETRY_AFTER, reason="storage_unavailable", detail=str(fault))
        except Busy:
            refusal = temporarily_unavailable(1, reason="slow_checks_busy")
        identity = identity_of(asked) if asked is not None else ""
        self.ports.ledger.note(
            AuditEvent(
                at=now,
                kind=self.kind,
                outcome="refused",
                environment=environment,
                request_id=request_id,
                client_id="***" if shape_of(identity) is not None else identity[:200],
                peer=peer,
                reason=refusal.reason,
                detail=refusal.detail or refusal.description,
            )
        )
        if is_authentication_failure(refusal):
            await self.limits.failed(environment, identity, peer, now)
            await self.ports.answer_late(now)
        response = write_error(self.dialect, refusal, view.environment.issuer)
        return HttpResponse(response.status, response.headers + refusal_fields(refusal), response.body)
