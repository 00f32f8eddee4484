"""Signing in without a password: by a passkey, or through the company's OpenID provider."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from mintmark.authorization_server.administration import second_factors
from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.ports import ReplayUnknown
from mintmark.jose import base64url
from mintmark.values.openid import OpenIdFault
from mintmark.values.passkey import Passkey
from mintmark.values.person import Person
from mintmark.values.secret import Secret
from mintmark.values.tenancy import Tenant
from mintmark.web.answers import NO_STORE, json_answer
from mintmark.web.console import openid, passkeys
from mintmark.web.console.cookies import Cookie
from mintmark.web.console.pages.sign_in import after_of, again, begin, note_refused
from mintmark.web.console.passkeys import PasskeyFault, Site
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, SeeOther, Visit
from mintmark.wire.http import HttpResponse

#: Seconds within which the browser must answer, and come back from the provider.
WITHIN = 600
#: Seconds that an answer is remembered: longer than its ticket holds, wherever clocks are behind by a minute at most.
REMEMBERED = WITHIN + 60
RETRY_AFTER = (b"retry-after", b"5")
_UNKNOWN = (
    "The server cannot tell at this moment whether this was used before: try again, or use your password."
)
_NO = "This passkey does not sign in here: use another way, or ask those who administer your organization."


@page("POST", "/sign-in/passkey/options", open=True)
async def options(visit: Visit) -> Answer:
    """What the browser asks its passkeys."""
    site = _site(visit)
    challenge = visit.services.entropy(32)
    return json_answer(
        200,
        {
            "options": passkeys.authentication(site, challenge),
            "ticket": challenge_ticket(visit, "passkey-in", challenge),
        },
    )


def challenge_ticket(visit: Visit, purpose: str, challenge: bytes) -> str:
    """A ticket for the answer to a challenge."""
    values = {"challenge": base64url.encode(challenge).decode("ascii")}
    return visit.services.tickets.write(purpose, values, visit.now + WITHIN)


def challenge_of(visit: Visit, purpose: str) -> bytes | None:
    """The challenge of the ticket that came."""
    told = visit.services.tickets.read(purpose, visit.form.one("ticket"), visit.now)
    return None if told is None else base64url.decode(told["challenge"].encode("ascii"))


async def accept_once(visit: Visit, challenge: bytes) -> bool:
    """Whether a right answer to a challenge is the first one; wrong ones fill no memory. Raises ReplayUnknown."""
    return await visit.services.replays.accept_once(f"challenge:{challenge.hex()}", REMEMBERED)


def unknown() -> HttpResponse:
    """503 for who asks by a script: whether the challenge was answered before cannot be told."""
    return json_answer(503, {"sentence": _UNKNOWN}, (*NO_STORE, RETRY_AFTER))


def _site(visit: Visit) -> Site:
    site = Site.of(visit.services.public_url)
    if site is None:
        raise AdministrationFault(
            "Browsers have no passkeys for a bare address: reach the console by its name."
        )
    return site


@page("POST", "/sign-in/passkey", open=True)
async def by_passkey(visit: Visit) -> Answer:
    """Check the browser's answer and begin a session."""
    services, site = visit.services, _site(visit)
    challenge = challenge_of(visit, "passkey-in")
    credential = visit.form.one("credential")
    named = passkeys.named_in(credential)

    def read(tx: Any) -> tuple[Passkey | None, Person | None]:
        known = tx.get(Passkey, named)
        return known, None if known is None else _usable(tx, tx.get(Person, known.username))

    passkey, person = await services.administration.store.read(read)
    if challenge is None or passkey is None or person is None:
        await services.answer_late(visit.now)
        return json_answer(401, {"sentence": _NO})
    try:
        uses = passkeys.authenticated(site, passkey, credential, challenge)
        first = await accept_once(visit, challenge)
    except ReplayUnknown:
        return unknown()
    except PasskeyFault:
        first = False
    if not first:
        note_refused(visit, person)
        return json_answer(401, {"sentence": _NO})
    act = services.administration.act(f"person:{person.username}", visit.caller.request_id, visit.caller.peer)
    await services.administration.store.write(
        lambda tx: second_factors.used_passkey(tx, act, passkey.id, uses)
    )
    begun = await begin(visit, person, after_of(visit.form.one("next")))
    answer = json_answer(200, {"next": begun.path})
    return answer._replace(headers=(*answer.headers, *begun.headers))


def _usable(tx: Any, person: Person | None) -> Person | None:
    """The person, when they may come in."""
    if person is None or not person.enabled:
        return None
    if person.tenant:
        tenant = tx.get(Tenant, person.tenant)
        return person if tenant is not None and tenant.enabled else None
    return person


def _kept(visit: Visit) -> Cookie:
    return Cookie(urlsplit(visit.services.public_url).scheme == "https", "mintmark_openid", ticket=True)


def _redirect_uri(visit: Visit) -> str:
    return f"{visit.services.public_url}/console/sign-in/openid/callback"


@page("GET", "/sign-in/openid", open=True)
async def to_provider(visit: Visit) -> Answer:
    """To the provider, and remember why."""
    services = visit.services
    provider = services.openid
    if provider is None:
        raise AdministrationFault("No OpenID provider is set up here.", "not_found")
    state = {name: openid.random_text(services.entropy(32)) for name in ("state", "nonce", "verifier")}
    try:
        found = await asyncio.to_thread(provider.provider)
    except OpenIdFault as fault:
        return again(visit, str(fault), 503)
    ticket = services.tickets.write(
        "openid", {**state, "next": after_of(visit.query.one("next"))}, visit.now + WITHIN
    )
    url = openid.authorization_url(found, provider.client_id, _redirect_uri(visit), state)
    return SeeOther(url, headers=(_kept(visit).set(ticket, WITHIN),), elsewhere=True)


@page("GET", "/sign-in/openid/callback", open=True)
async def back(visit: Visit) -> Answer:
    """From the provider: the person that it vouches for, if there is one here."""
    services, query = visit.services, visit.query
    provider = services.openid
    ticket = _kept(visit).read(visit.request)
    told = None if ticket is None else services.tickets.read("openid", ticket, visit.now)
    if provider is None or told is None or not openid.same(query.one("state"), told["state"]):
        return again(visit, "This sign-in was not begun in this browser, or took too long: begin again.", 401)
    if not query.one("code"):
        return again(visit, "The OpenID provider did not sign you in.", 401)
    code, verifier = Secret(query.one("code")), Secret(told["verifier"])

    def exchange() -> list[str]:
        found = provider.provider()
        token = provider.exchange(found, code, verifier, _redirect_uri(visit))
        return openid.names_in(found, token, provider.client_id, told["nonce"], visit.now)

    try:
        names = await asyncio.to_thread(exchange)
    except OpenIdFault as fault:
        return again(visit, str(fault), 401)

    def read(tx: Any) -> Person | None:
        for name in names:
            for person in tx.find(Person, openid=name):
                return _usable(tx, person)
        return None

    person = await services.administration.store.read(read)
    if person is None:
        note_refused(visit, None)
        return again(
            visit, "The OpenID provider knows you, and nobody here has your name there: ask an operator.", 403
        )
    try:  # only now, as at a provider that is open to everybody strangers could fill the memory
        first = await services.replays.accept_once(f"openid:{told['state']}", REMEMBERED)
    except ReplayUnknown:
        return replace(again(visit, _UNKNOWN, 503), headers=(RETRY_AFTER,))
    if not first:
        return again(visit, "This sign-in was finished before: begin again.", 401)
    begun = await begin(visit, person, told["next"])
    return SeeOther(begun.path, headers=(*begun.headers, _kept(visit).clear()))
