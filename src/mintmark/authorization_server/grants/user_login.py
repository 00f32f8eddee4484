"""A user's login without a client: Basic user name and password for a short token (Omneo method 4, a proxy's login).

The user is a machine user that is marked for it, and brings its own API and scopes.
"""

from __future__ import annotations

from mintmark.authorization_server.grants.judgement import (
    Asked,
    Judgement,
    ensure_served,
    pick_api,
    pick_scopes,
)
from mintmark.authorization_server.grants.user_password import check_password
from mintmark.authorization_server.limits import allowances_of, subject_take
from mintmark.authorization_server.wider_limits import wider_limits
from mintmark.values.errors import OAuthError
from mintmark.values.permission import EVERYTHING
from mintmark.values.token import Grant

#: Seconds that a token from a login lives at most.
LONGEST = 3600


async def judge(asked: Asked) -> Judgement:
    """Check the password, narrow. Raises OAuthError: 401 ``invalid_grant``, as Basic failed (RFC 9110 §15.5.2)."""
    request, view, environment = asked.request, asked.view, asked.view.environment
    if request.username is None or request.password is None:
        raise _refused("no_credentials")
    ensure_served(view)
    try:
        user = await check_password(asked, request.username, request.password)
    except OAuthError as error:
        raise _refused(error.reason) from None
    if not user.proxy_login or user.proxy_audience is None:
        raise _refused("login_not_allowed")
    subject = f"user:{environment.id}/{user.id}"
    take = subject_take(environment.id, user.id, asked.peer)
    verdict = None
    if asked.first:
        wider = wider_limits(view, asked.peer)
        verdict = await asked.limits.pace_token(take, wider, asked.now, "rate_subject")
    api = pick_api(view, request.audience, (user.proxy_audience,))
    may = tuple(api.scopes) if EVERYTHING in user.scopes else user.scopes
    grant = Grant(
        tenant=environment.tenant,
        environment=environment.id,
        api=api,
        subject=user.id,
        client_id=user.id,
        credential_id=user.id,
        scopes=pick_scopes(asked, api, may),
        lifetime=min(api.token_lifetime, LONGEST),
        user_id=user.id,
    )
    subjects = (f"tenant:{environment.tenant}", f"environment:{environment.id}", subject)
    return Judgement(grant, subjects, allowances_of(view, subject, None), take, verdict)


def _refused(reason: str) -> OAuthError:
    return OAuthError("invalid_grant", 401, "The user name or password is wrong.", reason=reason)
