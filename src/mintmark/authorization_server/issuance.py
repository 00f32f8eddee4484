"""Grant -> token and its answer. Nothing is issued until the ledger has committed it, and nothing is signed that it
refuses: the signature is made while the disk is busy, or at the latest when the answer is written.

JWTs carry ``iss sub aud client_id iat nbf exp jti scope`` (RFC 9068 §2.2) plus ``mm_tenant``, ``mm_cred`` (what
obtained it) and, where one acted, ``mm_user``; introspection and revocation key on these. Where the API has it so, they
say where they stand in the issuer's status lists, which is known once the ledger has numbered them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.authorization_server.status_index import StatusIndex, status_index
from mintmark.crypto.secret_hash import digest_secret
from mintmark.jose.access_token import build_of_members, members
from mintmark.jose.jwk import PrivateKey
from mintmark.values.credential import ApiToken
from mintmark.values.permission import format_scope
from mintmark.values.secret import API_TOKEN, Secret, new_identifier, new_secret
from mintmark.values.token import Grant, TokenResponse

_OF_ONE_TOKEN = frozenset({"iat", "nbf", "exp", "jti"})


class Issued:
    """A token that is decided; its answer may leave once it is committed. `opaque`: the record of an opaque token.

    `make` gives the token's text and is called once; with the number that the ledger gave it when it is `numbered`.
    """

    __slots__ = (
        "_expires_at",
        "_extras",
        "_issued_at",
        "_make",
        "_text",
        "jti",
        "numbered",
        "opaque",
        "scope",
    )

    def __init__(
        self,
        make: Callable[..., str],
        times: tuple[int, int],
        jti: str,
        scope: str,
        extras: Mapping[str, object],
        opaque: ApiToken | None = None,
        *,
        numbered: bool = False,
    ) -> None:
        self._make = make
        self._text: Secret | None = None
        self._issued_at, self._expires_at = times
        self._extras = extras
        self.jti = jti
        self.scope = scope
        self.opaque = opaque
        self.numbered = numbered

    def sign(self, number: int = 0) -> Secret:
        """The token. Most of the work of a token is in here, and the first call does it."""
        if self._text is None:
            self._text = Secret(self._make(number) if self.numbered else self._make())
        return self._text

    def response(self, number: int = 0) -> TokenResponse:
        """The answer. `number`: as `Committed` has it."""
        extras = {**self._extras, "jti": self.jti, "nbf": self._issued_at}
        return TokenResponse(
            self.sign(number), "Bearer", self._issued_at, self._expires_at, self.scope, extras
        )


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
    """Decide all of the token but its signature. `standing`: the grant's `standing_claims`.

    Raises LookupError when no key of the API's algorithm signs at `now`.
    """
    api, environment = grant.api, view.environment
    expires_at = now + grant.lifetime
    scope = format_scope(grant.scopes)
    opaque = None
    numbered = False
    make: Callable[..., str]
    if api.token_format == "opaque":
        token_id = new_identifier(entropy, 6)
        jti = token_id
        make = new_secret(API_TOKEN, token_id, entropy).reveal
        opaque = ApiToken(
            environment=grant.environment,
            id=token_id,
            digest=digest_secret(secret_key, make()),
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
        make = partial(build_of_members, claims, key, api.token_type_header)
        if api.status_list:
            numbered = True
            make = partial(
                _listed, claims, key, api.token_type_header, status_index(secret_key, environment.issuer)
            )
    extras = {**environment.variables, "iss": environment.issuer}
    return Issued(make, (now, expires_at), jti, scope, extras, opaque, numbered=numbered)


def _listed(claims: str, key: PrivateKey, typ: str, index: StatusIndex, number: int) -> str:
    place = index.place(number)
    status = members({"status": {"status_list": {"idx": place.idx, "uri": place.uri}}})
    return build_of_members(f"{claims},{status}", key, typ)
