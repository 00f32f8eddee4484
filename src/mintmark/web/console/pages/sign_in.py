"""Signing in and out by user name and password, with a one-time code where the person has set that up.

A wrong password takes as long as an unknown name and says no more; the code is asked for after the password was right.
"""

from __future__ import annotations

from mintmark.authorization_server.administration import second_factors, sessions
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.ports import Busy, Take, Transaction
from mintmark.values.audit_event import AuditEvent
from mintmark.values.errors import OAuthError
from mintmark.values.person import Person
from mintmark.values.tenancy import Tenant
from mintmark.web.console import one_time_codes
from mintmark.web.console.cookies import Cookie, new_value
from mintmark.web.console.passkeys import Site
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit

LONGEST_NAME, LONGEST_PASSWORD = 255, 1024
#: Seconds within which the code must follow the password.
WITHIN = 300
#: Wrong codes of one person in an hour, from everywhere: who gets there knows the password, so nobody else is locked
#: out, and a million codes are not tried from a thousand addresses.
MOST_CODES, CODE_WINDOW = 30, 3600
_NO = "That user name and password do not belong together, or you have been locked out."


@page("GET", "/sign-in", open=True)
async def form(visit: Visit) -> Answer:
    """The form; who is signed in goes on."""
    after = after_of(visit.query.one("next"))
    if visit.session is not None:
        return SeeOther(after)
    return _again(visit, "", after, "", 200)


@page("POST", "/sign-in", open=True)
async def sign_in(visit: Visit) -> Answer:
    """Check the password and begin a session."""
    services, now = visit.services, visit.now
    username = visit.form.one("username")[:LONGEST_NAME]
    password = (visit.form.all("password") or [""])[0]
    after = after_of(visit.form.one("next"))
    try:
        await services.limits.admit("console", username, visit.caller.peer, now)
        person, right = await _check(visit, username, password)
    except OAuthError as fault:
        return _again(
            visit, username, after, f"Too many attempts: try again in {fault.retry_after} seconds.", 429
        )
    except Busy:
        return _again(visit, username, after, "Too many people sign in at this moment: try again.", 503)
    if person is None or not right:
        await services.limits.failed("console", username, visit.caller.peer, now)
        note_refused(visit, person)
        await services.answer_late(now)
        return _again(visit, username, after, _NO, 401)
    if person.totp:
        return _code_form(visit, person, after)
    return await begin(visit, person, after)


def _code_form(visit: Visit, person: Person, after: str, fault: str = "", status: int = 200) -> Page:
    values = {"username": person.username, "mark": sessions.mark(person), "next": after}
    ticket = visit.services.tickets.write("code", values, visit.now + WITHIN)
    return Page("sign_in_code.html", {"ticket": ticket, "fault": fault}, status)


@page("POST", "/sign-in/code", open=True)
async def code(visit: Visit) -> Answer:
    """The second step: the code of the person's app, which works once."""
    services, now, peer = visit.services, visit.now, visit.caller.peer
    told = services.tickets.read("code", visit.form.one("ticket"), now)
    if told is None:
        return _again(visit, "", "/console", "That took too long: begin again.", 401)
    username = told["username"]
    person = await services.administration.store.read(lambda tx: tx.get(Person, username))
    if person is None or not person.enabled or not person.totp or sessions.mark(person) != told["mark"]:
        return _again(visit, "", "/console", _NO, 401)
    try:
        await services.limits.admit("console-code", username, peer, now)
    except OAuthError as fault:
        return _code_form(
            visit, person, told["next"], f"Too many attempts: try again in {fault.retry_after} seconds.", 429
        )
    # Taken before the code is looked at: of many at once, no more than these are.
    (free,) = await services.limits.counters.take((Take(f"codes:{username}", MOST_CODES, CODE_WINDOW),), now)
    if not free.allowed:
        return _code_form(
            visit, person, told["next"], "Too many codes were tried: try again in an hour.", 429
        )
    act = services.administration.act(f"person:{username}", visit.caller.request_id, peer)
    if not await use_code(visit, person, act):
        await services.limits.failed("console-code", username, peer, now)
        note_refused(visit, person)
        await services.answer_late(now)
        return _code_form(
            visit, person, told["next"], "That is not the code of this moment, or it was used already.", 401
        )
    return await begin(visit, person, told["next"])


async def use_code(visit: Visit, person: Person, act: Act) -> bool:
    """Whether the form has the person's code of this moment, which from now on is used."""
    secret = visit.services.unseal(person.totp, second_factors.totp_context(person.username))
    step = one_time_codes.matching_step(secret, visit.form.one("code"), visit.now)
    return step is not None and await visit.services.administration.store.write(
        lambda tx: second_factors.use_code(tx, act, person.username, step)
    )


async def begin(visit: Visit, person: Person, after: str) -> SeeOther:
    """A session for a person who has proven who they are."""
    administration = visit.services.administration
    value = new_value(visit.services.entropy(32))
    act = administration.act(f"person:{person.username}", visit.caller.request_id, visit.caller.peer)
    agents = visit.request.values(b"user-agent")
    agent = agents[0].decode("latin-1") if agents else ""
    await administration.store.write(lambda tx: sessions.begin(tx, act, person, value, agent))
    return SeeOther(after, headers=(session_cookie(visit).set(value, sessions.LONGEST),))


@page("POST", "/sign-out")
async def sign_out(visit: Visit) -> Answer:
    """End this session."""
    session = visit.session
    if session is not None:
        administration = visit.services.administration
        act = administration.act(visit.principal.actor, visit.caller.request_id, visit.caller.peer)
        await administration.store.write(lambda tx: sessions.end(tx, act, session.username, session.id))
    return SeeOther("/console/sign-in", "signed_out", (session_cookie(visit).clear(),))


async def _check(visit: Visit, username: str, password: str) -> tuple[Person | None, bool]:
    """The person of that name, if there is one, and whether they may come in; always one slow check."""
    services = visit.services

    def read(tx: Transaction) -> tuple[Person | None, bool]:
        found = tx.get(Person, username)
        if found is None or not found.tenant:
            return found, True
        tenant = tx.get(Tenant, found.tenant)
        return found, tenant is not None and tenant.enabled

    person, place = await services.administration.store.read(read)
    digest = person.digest if person is not None and person.digest else services.unknown_digest
    right = len(password) <= LONGEST_PASSWORD and await services.slow_hash.verify(
        digest, password, visit.caller.peer
    )
    return person, bool(right and person is not None and person.digest and person.enabled and place)


def note_refused(visit: Visit, person: Person | None) -> None:
    """Audit that somebody was not let in."""
    visit.services.note(_refused(visit, person))


def _refused(visit: Visit, person: Person | None) -> AuditEvent:
    return AuditEvent(
        at=visit.now,
        kind="sign_in",
        outcome="refused",
        request_id=visit.caller.request_id,
        subject="" if person is None else f"person:{person.username}",
        peer=visit.caller.peer,
        reason="sign_in_unknown_person" if person is None else "sign_in_failed",
    )


def again(visit: Visit, sentence: str, status: int) -> Page:
    """The form, with why somebody was not let in."""
    return _again(visit, "", "/console", sentence, status)


def _again(visit: Visit, username: str, after: str, fault: str, status: int) -> Page:
    provider = visit.services.openid
    shown = {
        "next": after,
        "username": username,
        "fault": fault,
        "passkeys": Site.of(visit.services.public_url) is not None,
        "provider": "" if provider is None else provider.title,
    }
    return Page("sign_in.html", shown, status)


def after_of(text: str) -> str:
    """Where to go on: a path of the console, whatever the link has said."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and (text == "/console" or text.startswith("/console/")) else "/console"


def session_cookie(visit: Visit) -> Cookie:
    return Cookie(visit.services.public_url.startswith("https:"))
