"""Grant -> token and its answer. Nothing is issued until the ledger has committed it, and nothing is signed that it
refuses: the signature is made while the disk is busy, or at the latest when the answer is written.

JWTs carry ``iss sub aud client_id iat nbf exp jti scope`` (RFC 9068 §2.2) plus ``mm_tenant``, ``mm_cred`` (what
obtained it) and, where one acted, ``mm_user``; introspection and revocation key on these. Where the API has it so, they
say where they stand in the issuer's status lists, which is known once the ledger has numbered them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from weakref import ref

from mintmark.authorization_server.grants.judgement import Judgement
from mintmark.authorization_server.ports import EnvironmentView
from mintmark.authorization_server.status_index import StatusIndex, status_index
from mintmark.crypto.secret_hash import digest_secret
from mintmark.dialect import Dialect, prepare_response, write_response
from mintmark.jose.access_token import build_of_members, members
from mintmark.jose.jwk import PrivateKey
from mintmark.values.credential import ApiToken
from mintmark.values.permission import format_scope
from mintmark.values.secret import API_TOKEN, Secret, new_identifier, new_secret
from mintmark.values.token import TokenResponse
from mintmark.wire.http import Headers, HttpResponse

_OF_ONE_TOKEN = frozenset({"iat", "nbf", "exp", "jti"})


class Issued:
    """A token that is decided; its answer may leave once it is committed. `opaque`: the record of an opaque token.

    `make` gives the token's text and is called once; with the number that the ledger gave it when it is `numbered`.
    """

    __slots__ = ("_make", "_text", "expires_at", "issued_at", "jti", "numbered", "opaque")

    def __init__(
        self,
        make: Callable[..., str],
        issued_at: int,
        expires_at: int,
        jti: str,
        opaque: ApiToken | None = None,
        *,
        numbered: bool = False,
    ) -> None:
        self._make = make
        self._text: Secret | None = None
        self.issued_at = issued_at
        self.expires_at = expires_at
        self.jti = jti
        self.opaque = opaque
        self.numbered = numbered

    def sign(self, number: int = 0) -> Secret:
        """The token. Most of the work of a token is in here, and the first call does it."""
        if self._text is None:
            self._text = Secret(self._make(number) if self.numbered else self._make())
        return self._text


def uuid4(entropy: Callable[[int], bytes]) -> str:
    """A random UUID (RFC 9562 §5.4) from 16 bytes of `entropy`."""
    digits = entropy(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def standing(judged: Judgement, view: EnvironmentView, dialect: Dialect) -> Judgement:
    """The judgement with all that its tokens share; `issue` adds the times and the id."""
    grant, api = judged.grant, judged.grant.api
    scope = sys.intern(format_scope(grant.scopes))
    shared: dict[str, object] = {
        **{name: value for name, value in api.claims.items() if name not in _OF_ONE_TOKEN},
        "iss": view.environment.issuer,
        "aud": api.audience,
        "scope": scope,
        "mm_tenant": grant.tenant,
    }
    own = {"sub": grant.subject, "client_id": grant.client_id, "mm_cred": grant.credential_id}
    if grant.user_id is not None:
        own["mm_user"] = grant.user_id
    for name in own:
        shared.pop(name, None)
    prepared = prepare_response(dialect, token_response(Secret(""), 0, grant.lifetime, "", scope, view))
    return judged._replace(
        view=ref(view),
        shared_claims=sys.intern(members(shared)),
        claims=members(own),
        scope=scope,
        answer=prepared,
    )


def answer(
    judged: Judgement, view: EnvironmentView, dialect: Dialect, issued: Issued, number: int, more: Headers
) -> HttpResponse:
    """The answer that hands over the token, with `more` headers. `number`: as `Committed` has it."""
    token = issued.sign(number)
    if judged.answer is not None:
        return judged.answer.with_token(token, more)
    response = token_response(token, issued.issued_at, issued.expires_at, issued.jti, judged.scope, view)
    status, headers, body = write_response(dialect, response)
    return HttpResponse(status, headers + more, body)


def token_response(
    token: Secret, issued_at: int, expires_at: int, jti: str, scope: str, view: EnvironmentView
) -> TokenResponse:
    """What an answer says of a token. `view`: of the environment that issues it. Times are whole seconds."""
    environment = view.environment
    extras = {**environment.variables, "iss": environment.issuer, "jti": jti, "nbf": issued_at}
    return TokenResponse(token, "Bearer", issued_at, expires_at, scope, extras)


def issue(
    judged: Judgement,
    view: EnvironmentView,
    now: int,
    entropy: Callable[[int], bytes],
    secret_key: bytes,
) -> Issued:
    """Decide all of the token but its signature. `judged`: as `standing` returned it.

    Raises LookupError when no key of the API's algorithm signs at `now`.
    """
    grant = judged.grant
    api = grant.api
    expires_at = now + grant.lifetime
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
        claims = (
            f'{judged.shared_claims},{judged.claims},"iat":{now},"nbf":{now},"exp":{expires_at},"jti":"{jti}"'
        )
        key = view.keyring.signer(api.algorithm, now)
        make = partial(build_of_members, claims, key, api.token_type_header)
        if api.status_list:
            numbered = True
            make = partial(
                _listed, claims, key, api.token_type_header, status_index(secret_key, view.environment.issuer)
            )
    return Issued(make, now, expires_at, jti, opaque, numbered=numbered)


def _listed(claims: str, key: PrivateKey, typ: str, index: StatusIndex, number: int) -> str:
    place = index.place(number)
    status = members({"status": {"status_list": {"idx": place.idx, "uri": place.uri}}})
    return build_of_members(f"{claims},{status}", key, typ)
