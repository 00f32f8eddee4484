"""Who calls the admin API: a client with an access token of one of our environments, or a person with a session.

A token counts for the environment whose keys have signed it, whatever it says of itself. Only JWTs that a client
obtained for itself are taken: none that a machine user, a storefront's customer or an API token stands behind.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from mintmark.authorization_server.administration.access import Principal, admin_audience
from mintmark.authorization_server.ports import Busy, Directory, EnvironmentView, StorageUnavailable
from mintmark.jose import base64url, json_object
from mintmark.jose.jwk import PublicKey
from mintmark.resource_server.profile import RFC9068
from mintmark.resource_server.verifier import TokenStatus, Verifier
from mintmark.values.errors import OAuthError, invalid_token
from mintmark.web.admin_api.problems import Problem, of_error
from mintmark.web.callers import Caller
from mintmark.web.routing import Environments
from mintmark.wire.bearer import no_token, read_bearer
from mintmark.wire.http import HttpRequest, Malformed

CSRF_HEADER = b"x-csrf-token"
SAFE = ("GET", "HEAD", "OPTIONS")
_LONGEST_TOKEN = 16 * 1024


@dataclass(frozen=True, slots=True)
class Session:
    """A person who has signed in. `csrf`: what the header X-CSRF-Token must repeat on whatever changes something."""

    principal: Principal
    csrf: str = field(repr=False)


People = Callable[[HttpRequest, Caller, float], Awaitable[Session | None]]
"""The session that a request bears, or None."""


async def nobody(request: HttpRequest, caller: Caller, now: float) -> Session | None:
    """No sessions at all."""
    del request, caller, now
    return None


class Authentication:
    """`environments`: all of them. `directory`: clients. `status`: what an environment says of its tokens."""

    def __init__(
        self,
        environments: Environments,
        directory: Directory,
        status: Callable[[str], TokenStatus],
        public_url: str,
        people: People = nobody,
    ) -> None:
        self._environments = environments
        self._directory = directory
        self._status = status
        self._audience = admin_audience(public_url)
        self._people = people
        self._verifiers: dict[tuple[str, str], Verifier] = {}
        self._issuers: dict[str, str] = {}
        self._generation = -1

    async def principal(self, request: HttpRequest, caller: Caller, now: float) -> Principal:
        """Who calls. Raises Problem: 401 or 503 (RFC 6750 §3), or 403 for a session without its CSRF token."""
        try:
            sent = request.values(b"authorization")
            if sent:
                return await self._client(sent, caller, now)
            session = await self._people(request, caller, now)
            if session is None:
                raise no_token()
        except OAuthError as error:
            raise of_error(error) from None
        if request.method not in SAFE:
            repeated = request.values(CSRF_HEADER)
            if len(repeated) != 1 or not hmac.compare_digest(repeated[0], session.csrf.encode()):
                raise Problem(
                    403,
                    "forbidden",
                    "Send the session's token in the header X-CSRF-Token with what changes something.",
                )
        return session.principal

    async def _client(self, sent: list[bytes], caller: Caller, now: float) -> Principal:
        token = read_bearer(sent)
        view = self._issued_by(token)
        proven = await self._verifier(view).verify(sent, now, caller.peer)
        credential = proven.claims.get("mm_cred")
        if (
            not proven.claims
            or proven.user_id is not None
            or proven.subject != proven.client_id
            or credential in (None, proven.client_id)
        ):
            raise invalid_token(
                "The admin API takes tokens that a client obtained for itself by the client credentials grant.",
                reason="wrong_type",
            )
        found = await self._directory.registration(view.environment.id, proven.client_id)
        if found is None:
            raise invalid_token("The client of this token is not known here.", reason="not_active")
        return Principal.client(found.client, proven.scopes)

    def _issued_by(self, token: str) -> EnvironmentView:
        """The environment that the token claims to be from; its keys decide whether that is true."""
        unknown = invalid_token("The token is from no issuer of this server.", reason="wrong_issuer")
        parts = token.split(".")
        if len(parts) != 3 or len(token) > _LONGEST_TOKEN:
            raise unknown
        try:
            claims = json_object.parse_object(base64url.decode(parts[1].encode("ascii")))
        except (ValueError, Malformed):
            raise unknown from None
        issuer = claims.get("iss")
        if self._generation != self._environments.generation:
            self._generation = self._environments.generation
            self._issuers = {
                view.environment.issuer: each for each, view in self._environments.environments().items()
            }
        environment = self._issuers.get(issuer) if isinstance(issuer, str) else None
        view = None if environment is None else self._environments.environment(environment)
        if view is None:
            raise unknown
        return view

    def _verifier(self, view: EnvironmentView) -> Verifier:
        environment, issuer = view.environment.id, view.environment.issuer
        verifier = self._verifiers.get((environment, issuer))
        if verifier is None:

            def key(kid: str | None, now: float) -> PublicKey | None:
                current = self._environments.environment(environment)
                return None if current is None else current.keyring.public_key(kid, now)

            verifier = Verifier(
                issuer=issuer,
                audiences=[self._audience],
                profile=RFC9068,
                keys=key,
                status=self._status(environment),
                outages=(OSError, StorageUnavailable, Busy),
            )
            self._verifiers[environment, issuer] = verifier
        return verifier
