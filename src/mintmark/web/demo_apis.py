"""One small protected API for each sample tenant, checked by the project's own verifier.

They show what a token is good for: no token or a malformed header is 401, a missing permission 403, each with the
challenge of RFC 6750 §3. They keep no state and stand only in a demo.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mintmark.authorization_server.ports import Busy, EnvironmentView, StorageUnavailable
from mintmark.jose.jwk import PublicKey
from mintmark.resource_server import profile
from mintmark.resource_server.challenge import challenge
from mintmark.resource_server.profile import Profile
from mintmark.resource_server.verifier import Caller, TokenStatus, Verifier, require
from mintmark.values.errors import OAuthError
from mintmark.web.answers import json_answer, method_not_allowed, not_found, refusal
from mintmark.web.environment_document import Described
from mintmark.web.routing import Environments
from mintmark.wire.http import HttpRequest, HttpResponse

OLERIA_SCOPE = "ClientCredentialsResourceServer/client_credentials_base_scope"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may be made. `argument`: what stands in the path at the operation's group."""

    caller: Caller
    argument: str
    body: bytes


Handler = Callable[[Call], HttpResponse]


@dataclass(frozen=True, slots=True)
class Operation:
    """`path`: a pattern over the whole path, whose group is handed to the handler. `scope`: what it needs."""

    method: str
    path: re.Pattern[str]
    scope: str
    handler: Handler


@dataclass(frozen=True, slots=True)
class SampleApi:
    """`audience`: what its tokens are for. `scopes`: every scope it knows, with its meaning."""

    audience: str
    profile: Profile
    scopes: Mapping[str, str]
    operations: tuple[Operation, ...]


def _booking(call: Call) -> HttpResponse:
    return json_answer(200, {"id": call.argument, "status": "confirmed", "starts_at": "2031-05-04T09:30:00Z"})


def _cancelled(call: Call) -> HttpResponse:
    return json_answer(200, {"id": call.argument, "status": "cancelled"})


def _download(call: Call) -> HttpResponse:
    try:
        context = json.loads(call.body)["context"]
    except (ValueError, TypeError, KeyError):
        context = None
    if context == "accessInventoryIdentitiesV2":
        return json_answer(200, {"context": context, "status": "ready", "rows": 2})
    if context == "accessInventoryGroupsV2":
        require(call.caller, "ClientCredentialsResourceServer/groups")
    return refusal(400, "invalid_request", 'The body must be {"context": "accessInventoryIdentitiesV2"}.')


def _projects(_: Call) -> HttpResponse:
    return json_answer(200, {"projects": [{"id": "p-1", "name": "Harbour crossing"}]})


def _profiles(_: Call) -> HttpResponse:
    people = [{"id": "1001", "first_name": "Ada"}, {"id": "1002", "first_name": "Grace"}]
    return json_answer(200, {"data": people})


def _own_profile(call: Call) -> HttpResponse:
    return json_answer(200, {"data": {"id": call.caller.subject}})


def _reports(_: Call) -> HttpResponse:
    return json_answer(200, {"reports": [{"id": "r-1", "name": "Devices by platform"}]})


def _things(call: Call) -> HttpResponse:
    return json_answer(200, {"things": ["anvil", "die", "planchet"], "client_id": call.caller.client_id})


def _operation(method: str, path: str, scope: str, handler: Handler) -> Operation:
    return Operation(method, re.compile(path, re.ASCII), scope, handler)


_ID = "([A-Za-z0-9-]{1,40})"
SAMPLES: Mapping[str, SampleApi] = {
    "omnilab": SampleApi(
        "https://api.omnilab.example",
        profile.OMNILAB,
        {"bookings:read": "look bookings up", "bookings:cancel": "cancel bookings"},
        (
            _operation("GET", f"/v1/bookings/{_ID}", "bookings:read", _booking),
            _operation("POST", f"/v1/bookings/{_ID}:cancel", "bookings:cancel", _cancelled),
        ),
    ),
    "oleria": SampleApi(
        "https://devx.oleria.example",
        profile.OLERIA,
        {OLERIA_SCOPE: "call the API"},
        (_operation("POST", "/v1/(downloads)", OLERIA_SCOPE, _download),),
    ),
    "fyma": SampleApi(
        "https://api.fyma.example",
        profile.FYMA,
        {"projects:read": "read projects"},
        (_operation("GET", "/v1/(projects)", "projects:read", _projects),),
    ),
    "omneo": SampleApi(
        "https://api.omneo.example",
        profile.OMNEO,
        {
            "profiles:read": "read all profiles",
            "profiles:write": "change profiles",
            "orders:read": "read orders",
            "profile:own": "read one's own profile",
        },
        (
            _operation("GET", "/api/v3/(profiles)", "profiles:read", _profiles),
            _operation("GET", "/api/v3/profiles/(me)", "profile:own", _own_profile),
        ),
    ),
    "omnissa": SampleApi(
        "api.data.workspaceone.com",
        profile.OMNISSA,
        {"dpa.example.scope.one": "read reports", "dpa.example.scope.two": "run reports"},
        (_operation("GET", "/v2/(reports)", "dpa.example.scope.one", _reports),),
    ),
    "standard": SampleApi(
        "https://api.standard.example",
        profile.RFC9068,
        {"things:read": "read things", "things:write": "change things"},
        (_operation("GET", "/v1/(things)", "things:read", _things),),
    ),
}


def _described(operation: Operation, sample: SampleApi) -> Described:
    path = operation.path.pattern.replace(_ID, "{id}").replace("(", "").replace(")", "")
    body = {"context": "accessInventoryIdentitiesV2"} if operation.handler is _download else None
    return Described(
        operation.method, path, operation.scope, sample.scopes[operation.scope].capitalize() + ".", body
    )


@dataclass(frozen=True, slots=True)
class DemoApis:
    """Implements `app.Resources`. `status(environment_id)`: what the issuer says of its tokens, by direct call."""

    environments: Environments
    status: Callable[[str], TokenStatus]
    _verifiers: dict[tuple[str, str], Verifier] = field(default_factory=dict, repr=False)

    def stands_at(self, view: EnvironmentView, path: str) -> bool:
        """Whether the tenant's sample API has something at this path."""
        sample = SAMPLES.get(view.tenant.handle)
        return sample is not None and any(one.path.fullmatch(path) for one in sample.operations)

    def described(self, view: EnvironmentView) -> list[Described]:
        """The operations of the tenant's sample API."""
        sample = SAMPLES.get(view.tenant.handle)
        return [] if sample is None else [_described(one, sample) for one in sample.operations]

    async def respond(
        self, request: HttpRequest, view: EnvironmentView, now: float, peer: str = ""
    ) -> HttpResponse:
        """Verify the token, then the permission, then do what was asked."""
        sample = SAMPLES[view.tenant.handle]
        found = [(one, match[1]) for one in sample.operations if (match := one.path.fullmatch(request.path))]
        if not found:
            return not_found()
        chosen = next((pair for pair in found if request.method == pair[0].method), None)
        if chosen is None:
            return method_not_allowed(sorted({one.method for one, _ in found}))
        operation, argument = chosen
        try:
            caller = await self._verifier(sample, view).verify(request.values(b"authorization"), now, peer)
            require(caller, operation.scope)
            return operation.handler(Call(caller, argument, request.body))
        except OAuthError as error:
            return challenge(error, view.tenant.handle, operation.scope)

    def _verifier(self, sample: SampleApi, view: EnvironmentView) -> Verifier:
        environment_id, issuer = view.environment.id, view.environment.issuer
        verifier = self._verifiers.get((environment_id, issuer))
        if verifier is None:

            def key(kid: str | None, now: float) -> PublicKey | None:
                current = self.environments.environment(environment_id)
                return None if current is None else current.keyring.public_key(kid, now)

            verifier = Verifier(
                issuer=issuer,
                audiences=[sample.audience],
                profile=sample.profile,
                keys=key,
                status=self.status(environment_id),
                outages=(OSError, StorageUnavailable, Busy),
            )
            self._verifiers[environment_id, issuer] = verifier
        return verifier
