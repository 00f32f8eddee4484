"""A customer id with an HMAC-SHA-256 signature, for a token of that customer only (Omneo method 3, Shopify).

The signature is hex over the decimal text of the id under one of the environment's signature keys. It carries no
time and no nonce, so whoever has seen it can use it again for as long as the key lives: replay is inherent in
the scheme; narrow scopes, an hour at most, and limits per customer and address bound what that is worth. It takes
nothing of the tenant's minute, which others need.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from mintmark.authorization_server.grants.judgement import Asked, Judgement, ensure_served, pick_api
from mintmark.authorization_server.limits import allowances_of, subject_take
from mintmark.authorization_server.wider_limits import address_limit
from mintmark.values.credential import SignatureKey
from mintmark.values.errors import invalid_grant, invalid_request
from mintmark.values.token import Grant

LONGEST = 3600
#: A Shopify customer id: a positive 64-bit integer in decimal.
_SUBJECT = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)


async def judge(asked: Asked) -> Judgement:
    """Check the signature under every live key. Raises OAuthError 400 ``invalid_request`` or ``invalid_grant``."""
    request, view, environment = asked.request, asked.view, asked.view.environment
    if request.subject is None or _SUBJECT.fullmatch(request.subject) is None:
        raise invalid_request("The id must be a customer id in decimal.", reason="subject_malformed")
    if request.signature is None or _SIGNATURE.fullmatch(request.signature.reveal().lower()) is None:
        raise invalid_request(
            "The signature must be an HMAC-SHA-256 in hexadecimal.", reason="signature_malformed"
        )
    ensure_served(view)
    key = await _signer(asked, request.subject, request.signature.reveal().lower())
    if key is None:
        raise invalid_grant("The signature does not match.", reason="wrong_signature")
    take = subject_take(environment.id, request.subject, asked.peer)
    verdict = None
    if asked.first:
        wider = address_limit(view, asked.peer)
        verdict = await asked.limits.pace_token(take, wider, asked.now, "rate_subject")
    api = pick_api(view, request.audience, (key.audience,))
    grant = Grant(
        tenant=environment.tenant,
        environment=environment.id,
        api=api,
        subject=request.subject,
        client_id=key.id,
        credential_id=key.id,
        scopes=tuple(scope for scope in key.scopes if scope in api.scopes),
        lifetime=min(key.lifetime, LONGEST),
    )
    subject = f"signature_key:{environment.id}/{key.id}"
    subjects = (f"tenant:{environment.tenant}", f"environment:{environment.id}", subject)
    return Judgement(grant, subjects, allowances_of(view, subject, None), take, verdict)


async def _signer(asked: Asked, subject: str, signature: str) -> SignatureKey | None:
    """The live key under which the signature holds; each live key is tried, whichever matched."""
    found = None
    environment = asked.view.environment.id
    for key in await asked.ports.directory.signature_keys(environment):
        if key.state(asked.now) not in ("active", "retiring"):
            continue
        secret = asked.ports.unseal(key.sealed, f"signature_key:{environment}/{key.id}")
        expected = hmac.new(secret, subject.encode("ascii"), hashlib.sha256).hexdigest()
        if hmac.compare_digest(expected, signature):
            found = key
    return found
