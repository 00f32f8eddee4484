"""Grant -> signed token and its answer. Nothing is issued until the ledger has committed it.

JWTs carry ``iss sub aud client_id iat nbf exp jti scope`` (RFC 9068 §2.2) plus ``mm_tenant``, ``mm_cred`` (what
obtained it) and, where one acted, ``mm_user``; introspection and revocation key on these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.crypto.secret_hash import digest_secret
from mintmark.jose.access_token import build_of_members, members
from mintmark.values.credential import ApiToken
from mintmark.values.permission import format_scope
from mintmark.values.secret import API_TOKEN, Secret, new_identifier, new_secret
from mintmark.values.token import Grant, TokenResponse

_OF_ONE_TOKEN = frozenset({"iat", "nbf", "exp", "jti"})


class Issued(NamedTuple):
    """An answer that may leave once it is committed. `opaque`: the record of an opaque token."""

    response: TokenResponse
    jti: str
    scope: str
    opaque: ApiToken | None = None


def uuid4(entropy: Callable[[int], bytes]) -> str:
    """A random UUID (RFC 9562 §5.4) from 16 bytes of `entropy`."""
    digits = entropy(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def standing_claims(grant: Grant, view: EnvironmentView) -> str:
    """The claims that every token of this grant has, encoded; `issue` adds the times and the id."""
    api = grant.api
    claims: dict[str, object] = {
        **{name: value for name, value in api.claims.items() if name not in _OF_ONE_TOKEN},
        "iss": view.environment.issuer,
        "sub": grant.subject,
        "aud": api.audience,
        "client_id": grant.client_id,
        "scope": format_scope(grant.scopes),
        "mm_tenant": grant.tenant,
        "mm_cred": grant.credential_id,
    }
    if grant.user_id is not None:
        claims["mm_user"] = grant.user_id
    return members(claims)


def issue(
    grant: Grant,
    standing: str,
    view: EnvironmentView,
    now: int,
    entropy: Callable[[int], bytes],
    secret_key: bytes,
) -> Issued:
    """Sign or make the token. `standing`: the grant's `standing_claims`.

    Raises LookupError when no key of the API's algorithm signs at `now`.
    """
    api, environment = grant.api, view.environment
    expires_at = now + grant.lifetime
    scope = format_scope(grant.scopes)
    opaque = None
    if api.token_format == "opaque":
        token_id = new_identifier(entropy, 6)
        text = new_secret(API_TOKEN, token_id, entropy)
        jti = token_id
        opaque = ApiToken(
            environment=grant.environment,
            id=token_id,
            digest=digest_secret(secret_key, text.reveal()),
            audience=api.audience,
            scopes=grant.scopes,
            label="issued",
            user_id=grant.user_id,
            client_id=grant.client_id,
            credential_id=grant.credential_id,
            subject=grant.subject,
            created_at=now,
            expires_at=expires_at,
        )
    else:
        jti = uuid4(entropy)
        claims = f'{standing},"iat":{now},"nbf":{now},"exp":{expires_at},"jti":"{jti}"'
        key = view.keyring.signer(api.algorithm, now)
        text = Secret(build_of_members(claims, key, api.token_type_header))
    extras: dict[str, object] = {**environment.variables, "iss": environment.issuer, "jti": jti, "nbf": now}
    return Issued(TokenResponse(text, "Bearer", now, expires_at, scope, extras), jti, scope, opaque)
