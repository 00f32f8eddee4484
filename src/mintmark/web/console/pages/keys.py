"""Operate → Keys: those that sign tokens (rotated, published, withdrawn), and those that storefronts sign with."""

from __future__ import annotations

from typing import Any, cast

from mintmark.authorization_server.administration.operations import api as apis
from mintmark.authorization_server.administration.operations import key as keys
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.values.tenancy import Algorithm
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit

SIGNING = "/e/{tenant}/{name}/signing-keys"
SIGNATURE = "/e/{tenant}/{name}/signature-keys"


@page("GET", SIGNING)
async def signing(visit: Visit) -> Answer:
    """What is published, what signs, and until when."""
    rows = await visit.rows(keys.list_signing, OfEnvironment(visit.environment))
    algorithms = sorted({each["algorithm"] for each in rows} | {"ES256"})
    values = {
        "view": visit.view(),
        "rows": rows,
        "algorithms": algorithms,
        "may": visit.may("signing_key.rotate"),
    }
    return Page("signing_keys.html", values)


@page("POST", f"{SIGNING}/rotate", again=signing)
async def rotate(visit: Visit) -> Answer:
    """Publish the next key now; it signs when everybody can know it."""
    algorithm = cast(Algorithm, visit.form.one("algorithm", "ES256"))
    await visit.run(keys.rotate, keys.SigningKeyRotation(visit.environment, algorithm))
    return SeeOther(f"{visit.home}/signing-keys", "key_published")


@page("POST", SIGNING + "/{kid}/withdraw", again=signing)
async def withdraw(visit: Visit) -> Answer:
    """Stop trusting a leaked key now."""
    await visit.run(keys.withdraw, keys.OfSigningKey(visit.environment, visit.where["kid"]))
    return SeeOther(f"{visit.home}/signing-keys", "key_withdrawn")


@page("GET", SIGNATURE)
async def signature(visit: Visit) -> Answer:
    """The keys with which storefronts sign customer ids."""
    return await _signature(visit)


async def _signature(visit: Visit, **more: Any) -> Page:
    place = OfEnvironment(visit.environment)
    values = {
        "view": visit.view(),
        "rows": await visit.rows(keys.listing, place),
        "apis": [each for each in await visit.run(apis.listing, place) if each.enabled],
        "may": visit.may("signature_key.create"),
        "new_key": None,
        **more,
    }
    return Page("signature_keys.html", values)


@page("POST", SIGNATURE, again=signature)
async def create(visit: Visit) -> Answer:
    """A further key, shown once; two may live while a storefront changes over."""
    form = visit.form
    audience = form.one("api")
    made = await visit.run(
        keys.create,
        keys.SignatureKeyToMake(
            visit.environment, audience, tuple(form.all(f"scope:{audience}")), label=form.one("label")
        ),
    )
    return await _signature(visit, new_key=made.key, then=f"{visit.home}/signature-keys")


@page("POST", SIGNATURE + "/{key_id}/retire", again=signature)
async def retire(visit: Visit) -> Answer:
    """End a key as planned; tokens it obtained live on."""
    await visit.run(keys.retire, keys.SignatureKeyEnd(visit.environment, visit.where["key_id"]))
    return SeeOther(f"{visit.home}/signature-keys", "key_retired")


@page("POST", SIGNATURE + "/{key_id}/revoke", again=signature)
async def revoke(visit: Visit) -> Answer:
    """End a key that has leaked, with the tokens it obtained."""
    await visit.run(keys.revoke, keys.OfSignatureKey(visit.environment, visit.where["key_id"]))
    return SeeOther(f"{visit.home}/signature-keys", "key_revoked")
