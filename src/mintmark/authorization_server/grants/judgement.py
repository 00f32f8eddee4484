"""What a grant is handed and what it returns, and the narrowing of audience and scope that all of them share.

Narrowing is pure: the requested audience picks one API that the tenant has, the requested scope is checked
against what the client may have there (RFC 6749 §3.3, RFC 8707 §2).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from weakref import ReferenceType

from mintmark.authorization_server.limits import Limits
from mintmark.authorization_server.ports import Allowance, EnvironmentView, Ports, Take, Verdict
from mintmark.dialect import Dialect, PreparedResponse
from mintmark.values.client import Registration
from mintmark.values.errors import OAuthError, invalid_client, invalid_scope, invalid_target
from mintmark.values.permission import Scope, narrow, parse_scope
from mintmark.values.tenancy import Api, Mount
from mintmark.values.token import Grant, TokenRequest


class Asked(NamedTuple):
    """A request as a grant sees it. `first`: False when it is judged again after a change."""

    request: TokenRequest
    view: EnvironmentView
    mount: Mount
    dialect: Dialect
    peer: str
    now: float
    first: bool
    ports: Ports
    limits: Limits


class Judgement(NamedTuple):
    """A grant, the change-log subjects it rests on, what it is counted against, what it took of the
    minute and what was said of that.

    `rests_on`: the client that proved itself, when the same request may be judged the same way again; `holds_until`:
    the first second at which that is no longer so. The last five are set once it is judged (`issuance.standing`):
    `view`, by which it was, kept no longer than the directory keeps it, and what all its tokens have in common: their
    claims, encoded, those that others may share apart, their `scope` as text, and their `answer` where it can be
    prepared.
    """

    grant: Grant
    subjects: tuple[str, ...]
    allowances: tuple[Allowance, ...]
    take: Take
    verdict: Verdict | None = None
    rests_on: Registration | None = None
    holds_until: float = 0.0
    view: ReferenceType[EnvironmentView] | None = None
    shared_claims: str = ""
    claims: str = ""
    scope: str = ""
    answer: PreparedResponse | None = None


def ensure_served(view: EnvironmentView) -> None:
    """Refuse everything of a disabled tenant or environment. Raises OAuthError 401."""
    if not view.tenant.enabled:
        raise invalid_client(reason="tenant_disabled")
    if not view.environment.enabled:
        raise invalid_client(reason="environment_disabled")


def pick_api(view: EnvironmentView, audiences: tuple[str, ...], allowed: Collection[str]) -> Api:
    """The one API that the token will be for; without a requested audience, the only one allowed.

    Raises OAuthError 400 ``invalid_target``. Unknown, not allowed and not enabled look alike outside.
    """
    if not audiences:
        if len(allowed) != 1:
            raise invalid_target("The audience of the token must be named.", reason="audience_missing")
        audience = next(iter(allowed))
    elif len(set(audiences)) > 1:
        raise invalid_target("A token can be for one audience only.", reason="audience_ambiguous")
    else:
        audience = audiences[0]
    api = view.apis.get(audience)
    if api is None:
        raise _no_target("audience_unknown")
    if audience not in allowed:
        raise _no_target("audience_not_allowed")
    if not api.enabled:
        raise _no_target("api_disabled")
    return api


def _no_target(reason: str) -> OAuthError:
    return invalid_target("The audience is unknown or not allowed for this client.", reason=reason)


def pick_scopes(asked: Asked, api: Api, *limits: Collection[str]) -> Scope:
    """The granted scope: what was asked for within every limit and the API's own scopes.

    Without a requested scope, and for the dialect's word for everything (Omneo: ``*``), all within the limits. Where
    a machine user acts beside the client the scope is cut down to what both have (Omneo); else asking for more is
    refused. An API with a required scope (Oleria) wants exactly that one, and it stands for all that the client has.
    Raises OAuthError 400 ``invalid_scope``.
    """
    text = asked.request.scope
    everything = narrow(limits[0], api.scopes, *limits[1:])
    if api.required_scope is not None:
        if text is None:
            raise invalid_scope("The scope is missing.", reason="scope_missing")
        if text != api.required_scope:
            raise invalid_scope("The scope is not the one that this API asks for.", reason="scope_unknown")
    elif text is not None and text != asked.dialect.everything:
        try:
            wanted = parse_scope(text, asked.dialect.scope_delimiter)
        except ValueError as fault:
            raise invalid_scope(f"The {fault}", reason="scope_malformed") from None
        granted = narrow(wanted, everything)
        if not granted or (len(granted) < len(wanted) and len(limits) == 1):
            known = all(token in api.scopes for token in wanted)
            raise invalid_scope(
                "The scope is unknown, or more than is allowed here.",
                reason="scope_not_allowed" if known else "scope_unknown",
            )
        return granted
    if not everything and (limits[0] or text is not None):
        raise invalid_scope("No permission is left to grant.", reason="scope_not_allowed")
    return everything
