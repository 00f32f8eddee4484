"""The client credentials grant (RFC 6749 §4.4), alone or with a machine user beside the client (Omneo method 1)."""

from __future__ import annotations

import sys
from math import inf

from mintmark.authorization_server.client_authentication import authenticate
from mintmark.authorization_server.grants.judgement import (
    Asked,
    Judgement,
    ensure_served,
    pick_api,
    pick_scopes,
)
from mintmark.authorization_server.grants.user_password import check_password
from mintmark.authorization_server.limits import allowances_of, token_take
from mintmark.authorization_server.wider_limits import wider_limits
from mintmark.values.client import CLIENT_CREDENTIALS, Client
from mintmark.values.credential import MachineUser, SecretVersion
from mintmark.values.errors import invalid_request, unauthorized_client
from mintmark.values.permission import EVERYTHING
from mintmark.values.token import Grant


async def judge(asked: Asked) -> Judgement:
    """Authenticate, check the grant, narrow. Raises OAuthError."""
    view, environment = asked.view, asked.view.environment
    # What is the same for many clients is one text in memory: a hundred thousand judgements may be remembered.
    place = sys.intern(environment.id)
    proved = await authenticate(asked.request, place, asked.mount, asked.ports, asked.peer, asked.now)
    ensure_served(view)
    client, version = proved.client, proved.version
    if CLIENT_CREDENTIALS not in client.grant_types:
        raise unauthorized_client("This client may not use this grant.", reason="grant_not_allowed")
    client_subject = f"client:{place}/{client.client_id}"
    take = token_take(client_subject, client, view)
    verdict = None
    if asked.first:
        verdict = await asked.limits.pace_token(take, wider_limits(view, asked.peer), asked.now)
    user = await _user(asked, client)
    api = pick_api(view, asked.request.audience, client.allowed)
    may = client.allowed[api.audience]
    scopes = (
        pick_scopes(asked, api, may) if user is None else pick_scopes(asked, api, may, _scopes(user, may))
    )
    above = sys.intern(f"tenant:{environment.tenant}"), sys.intern(f"environment:{place}")
    subjects: tuple[str, ...] = (*above, client_subject)
    grant = Grant(
        tenant=environment.tenant,
        environment=place,
        api=api,
        subject=client.client_id if user is None else user.id,
        client_id=client.client_id,
        credential_id=proved.credential_id,
        scopes=scopes,
        lifetime=api.token_lifetime,
        user_id=None if user is None else user.id,
    )
    if user is not None:
        subjects = (*subjects, f"user:{place}/{user.id}")
    allowances = allowances_of(view, client_subject, client.daily_token_limit)
    rests_on = proved.registration if user is None and version.hash_kind == "hmac" else None
    return Judgement(grant, subjects, allowances, take, verdict, rests_on, _end(version))


def _end(version: SecretVersion) -> float:
    """The first second at which the secret no longer authenticates."""
    ends = (version.retires_at, version.expires_at, version.revoked_at)
    return min((at for at in ends if at is not None), default=inf)


def _scopes(user: MachineUser, may: tuple[str, ...]) -> tuple[str, ...]:
    return may if EVERYTHING in user.scopes else user.scopes


async def _user(asked: Asked, client: Client) -> MachineUser | None:
    """The machine user that acts, when one must or does."""
    request = asked.request
    if request.username is None and request.password is None:
        if client.needs_user:
            raise invalid_request("username and password are missing.", reason="user_missing")
        return None
    if request.username is None or request.password is None:
        raise invalid_request("username and password go together.", reason="user_missing")
    return await check_password(asked, request.username, request.password)
