"""What the console is handed: the operations, the environments in memory, sign-in's checks, and the token endpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mintmark.authorization_server.administration.running import Administration
from mintmark.authorization_server.limits import Limits
from mintmark.authorization_server.ports import Directory, EnvironmentView, ReplayCache, SlowHash
from mintmark.values.audit_event import AuditEvent
from mintmark.web.console.openid import OpenIdProvider
from mintmark.web.console.tickets import Tickets
from mintmark.wire.http import HttpRequest, HttpResponse


class AskForToken(Protocol):
    """The token endpoint, as `app.TokenEndpoint.respond`: the console's own try of a token request."""

    def __call__(
        self, request: HttpRequest, environment: str, path: str, peer: str, request_id: str, now: float
    ) -> Awaitable[HttpResponse]:
        """The answer to a POST to a mount."""
        ...


@dataclass(frozen=True, slots=True)
class SampleCall:
    """A call of an API that is known to work. `path`: below the API's URL, beginning with a slash."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Services:
    """`environments()`: all of them by id. `note`: audits a refusal, bounded. `answer_late(now)`: waits until a fixed
    moment after `now`. `entropy(n)`: n random bytes. `unknown_digest`: costs as much to check as a person's, and no
    password matches it. `unseal(sealed, context)`: opens what an act has sealed. `cluster()`: how all nodes are, as the
    operators' listener says it. `access_requests`: whether strangers may ask for access. `sample(tenant)`: a call of
    the tenant's API that is known to work.
    """

    administration: Administration
    directory: Directory
    environments: Callable[[], Mapping[str, EnvironmentView]]
    limits: Limits
    replays: ReplayCache
    slow_hash: SlowHash
    token: AskForToken
    note: Callable[[AuditEvent], None]
    answer_late: Callable[[float], Awaitable[None]]
    entropy: Callable[[int], bytes] = field(repr=False)
    public_url: str
    unknown_digest: str = field(repr=False)
    unseal: Callable[[str, str], bytes] = field(repr=False)
    tickets: Tickets
    cluster: Callable[[], Awaitable[Mapping[str, Any]]]
    access_requests: bool = False
    openid: OpenIdProvider | None = None
    sample: Callable[[str], SampleCall | None] = lambda _: None
