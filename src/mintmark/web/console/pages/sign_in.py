"""Signing in and out: a user name and a password; a wrong one takes as long as an unknown name and says no more."""

from __future__ import annotations

from mintmark.authorization_server.administration import sessions
from mintmark.authorization_server.ports import Busy, Transaction
from mintmark.values.audit_event import AuditEvent
from mintmark.values.errors import OAuthError
from mintmark.values.person import Person
from mintmark.values.tenancy import Tenant
from mintmark.web.console.cookies import Cookie, new_value
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit

LONGEST_NAME, LONGEST_PASSWORD = 255, 1024
_NO = "That user name and password do not belong together, or you have been locked out."


@page("GET", "/sign-in", open=True)
async def form(visit: Visit) -> Answer:
    """The form; who is signed in goes on."""
    after = _after(visit.query.one("next"))
    if visit.session is not None:
        return SeeOther(after)
    return Page("sign_in.html", {"next": after, "username": "", "fault": ""})


@page("POST", "/sign-in", open=True)
async def sign_in(visit: Visit) -> Answer:
    """Check the password and begin a session."""
    services, now = visit.services, visit.now
    username = visit.form.one("username")[:LONGEST_NAME]
    password = (visit.form.all("password") or [""])[0]
    after = _after(visit.form.one("next"))
    try:
        services.limits.admit("console", username, visit.caller.peer, now)
        person, right = await _check(visit, username, password)
    except OAuthError as fault:
        return _again(username, after, f"Too many attempts: try again in {fault.retry_after} seconds.", 429)
    except Busy:
        return _again(username, after, "Too many people sign in at this moment: try again.", 503)
    if person is None or not right:
        services.limits.failed("console", username, visit.caller.peer, now)
        services.note(_refused(visit, person))
        await services.answer_late(now)
        return _again(username, after, _NO, 401)
    return await begin(visit, person, after)


async def begin(visit: Visit, person: Person, after: str) -> Answer:
    """A session for a person who has proven who they are."""
    administration = visit.services.administration
    value = new_value(visit.services.entropy(32))
    act = administration.act(f"person:{person.username}", visit.caller.request_id, visit.caller.peer)
    agents = visit.request.values(b"user-agent")
    agent = agents[0].decode("latin-1") if agents else ""
    await administration.store.write(lambda tx: sessions.begin(tx, act, person, value, agent))
    return SeeOther(after, headers=(_cookie(visit).set(value, sessions.LONGEST),))


@page("POST", "/sign-out")
async def sign_out(visit: Visit) -> Answer:
    """End this session."""
    session = visit.session
    if session is not None:
        administration = visit.services.administration
        act = administration.act(visit.principal.actor, visit.caller.request_id, visit.caller.peer)
        await administration.store.write(lambda tx: sessions.end(tx, act, session.username, session.id))
    return SeeOther("/console/sign-in", "signed_out", (_cookie(visit).clear(),))


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


def _again(username: str, after: str, fault: str, status: int) -> Page:
    return Page("sign_in.html", {"next": after, "username": username, "fault": fault}, status)


def _after(text: str) -> str:
    """Where to go on: a path of the console, whatever the link has said."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and (text == "/console" or text.startswith("/console/")) else "/console"


def _cookie(visit: Visit) -> Cookie:
    return Cookie(visit.services.public_url.startswith("https:"))
