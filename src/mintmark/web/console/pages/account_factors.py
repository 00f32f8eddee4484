"""One's own ways to sign in: the password changed, one-time codes and passkeys set up and taken away by oneself."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b32encode
from dataclasses import replace

from mintmark.authorization_server.administration import imported_secrets, people, second_factors
from mintmark.authorization_server.administration.act import Act, AdministrationFault
from mintmark.authorization_server.ports import Busy, ReplayUnknown
from mintmark.jose import base64url
from mintmark.values.errors import OAuthError
from mintmark.values.passkey import Passkey
from mintmark.values.person import Person
from mintmark.values.secret import Secret
from mintmark.web.answers import json_answer
from mintmark.web.console import one_time_codes, passkeys
from mintmark.web.console.pages.account import show
from mintmark.web.console.pages.sign_in import begin, use_code
from mintmark.web.console.pages.sign_in_otherwise import accept_once, challenge_of, challenge_ticket, unknown
from mintmark.web.console.passkeys import PasskeyFault, Site
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit

#: Seconds within which a code must confirm a new secret.
WITHIN = 900
_LATE = "That took too long: begin again."


def _person(visit: Visit) -> Person:
    assert visit.person is not None  # noqa: S101 - the page is not open
    return visit.person


def _act(visit: Visit) -> Act:
    return visit.services.administration.act(
        visit.principal.actor, visit.caller.request_id, visit.caller.peer
    )


@page("GET", "/account/one-time-codes")
async def new_codes(visit: Visit) -> Answer:
    """A fresh secret as a picture and as text; nothing is kept before a code has confirmed it."""
    secret = visit.services.entropy(one_time_codes.SECRET_BYTES)
    return _codes(visit, secret)


def _codes(visit: Visit, secret: bytes, fault: str = "") -> Page:
    person = _person(visit)
    issuer = visit.services.public_url.partition("://")[2].partition("/")[0].partition(":")[0]
    sealed = {"secret": base64url.encode(secret).decode("ascii"), "username": person.username}
    values = {
        "picture": one_time_codes.picture(one_time_codes.address(secret, person.username, issuer)),
        "text": b32encode(secret).decode("ascii"),
        "ticket": visit.services.tickets.write("codes", sealed, visit.now + WITHIN),
        "fault": fault,
    }
    return Page("one_time_codes.html", values, 422 if fault else 200)


@page("POST", "/account/one-time-codes", again=show)
async def confirm_codes(visit: Visit) -> Answer:
    """From now on a code is asked for, since this one was right."""
    person = _person(visit)
    told = visit.services.tickets.read("codes", visit.form.one("ticket"), visit.now)
    if told is None or told["username"] != person.username:
        raise AdministrationFault(_LATE)
    secret = base64url.decode(told["secret"].encode("ascii"))
    step = one_time_codes.matching_step(secret, visit.form.one("code"), visit.now)
    if step is None:
        return _codes(visit, secret, "That is not the code of this moment: look at the clock of your device.")
    act = _act(visit)
    await visit.services.administration.store.write(
        lambda tx: second_factors.enable_totp(tx, act, person.username, secret, step)
    )
    return SeeOther("/console/account", "codes_enabled")


@page("POST", "/account/one-time-codes/disable", again=show)
async def disable_codes(visit: Visit) -> Answer:
    """The password alone signs in again, for who still has the device: a session that was left open is not enough."""
    act, person = _act(visit), _person(visit)
    username = person.username
    services, peer = visit.services, visit.caller.peer
    try:
        await services.limits.admit("console-code", username, peer, visit.now)
    except OAuthError as fault:
        raise AdministrationFault(f"Too many attempts: try again in {fault.retry_after} seconds.") from None
    if person.totp and not await use_code(visit, person, act):
        await services.limits.failed("console-code", username, peer, visit.now)
        raise AdministrationFault("That is not the code of this moment, or it was used already.")
    await services.administration.store.write(lambda tx: second_factors.disable_totp(tx, act, username))
    return SeeOther("/console/account", "codes_disabled")


def _site(visit: Visit) -> Site:
    site = Site.of(visit.services.public_url)
    if site is None:
        raise AdministrationFault(
            "Browsers have no passkeys for a bare address: reach the console by its name."
        )
    return site


@page("POST", "/account/passkeys/options")
async def options(visit: Visit) -> Answer:
    """What the browser needs to make a passkey."""
    person, challenge = _person(visit), visit.services.entropy(32)
    known = await visit.services.administration.store.read(
        lambda tx: second_factors.passkeys(tx, person.username)
    )
    handle = hashlib.sha256(f"mintmark passkey\0{person.username}".encode()).digest()
    made = passkeys.registration(_site(visit), person.username, person.name, handle, known, challenge)
    return json_answer(200, {"options": made, "ticket": challenge_ticket(visit, "passkey-new", challenge)})


@page("POST", "/account/passkeys")
async def add(visit: Visit) -> Answer:
    """Keep the public half of what the browser made."""
    challenge = challenge_of(visit, "passkey-new")
    if challenge is None:
        return json_answer(422, {"sentence": _LATE})
    act = _act(visit)
    try:
        identifier, public_key, uses = passkeys.registered(
            _site(visit), visit.form.one("credential"), challenge
        )
        name = visit.form.one("name") or "Passkey"
        if not await accept_once(visit, challenge):
            return json_answer(422, {"sentence": _LATE})
        made = Passkey(identifier, _person(visit).username, public_key, uses, name, act.now)
        await visit.services.administration.store.write(lambda tx: second_factors.add_passkey(tx, act, made))
    except ReplayUnknown:
        return unknown()
    except (PasskeyFault, AdministrationFault) as fault:
        return json_answer(422, {"sentence": str(fault)})
    return json_answer(200, {"name": name})


@page("POST", "/account/passkeys/{passkey_id}/remove", again=show)
async def remove(visit: Visit) -> Answer:
    """Take one away."""
    act, username, passkey = _act(visit), _person(visit).username, visit.where["passkey_id"]
    await visit.services.administration.store.write(
        lambda tx: second_factors.remove_passkey(tx, act, username, passkey)
    )
    return SeeOther("/console/account", "passkey_removed")


@page("POST", "/account/password", again=show)
async def change_password(visit: Visit) -> Answer:
    """Another password, for who knows the present one; every other session ends, and this one goes on."""
    person, services = _person(visit), visit.services
    now, peer = visit.now, visit.caller.peer
    typed = {name: (visit.form.all(name) or [""])[0] for name in ("present", "password", "again")}
    if typed["password"] != typed["again"]:
        raise AdministrationFault("The new password was typed in two ways: type the same twice.")
    try:
        await services.limits.admit("console", person.username, peer, now)
        right = person.digest != "" and await services.slow_hash.verify(person.digest, typed["present"], peer)
    except OAuthError as fault:
        raise AdministrationFault(f"Too many attempts: try again in {fault.retry_after} seconds.") from None
    except Busy:
        raise AdministrationFault("Too many passwords are being checked at this moment: try again.") from None
    if not right:
        await services.limits.failed("console", person.username, peer, now)
        raise AdministrationFault("That is not your present password.")
    act = _act(visit)
    digest = await asyncio.to_thread(imported_secrets.password_digest, act, Secret(typed["password"]))
    changed = await services.administration.store.write(
        lambda tx: people.change_password(tx, act, person.username, digest=digest)
    )
    begun = await begin(visit, changed, "/console/account")
    return replace(begun, said="password_changed")
