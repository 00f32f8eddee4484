"""One's own account: the password, and the sessions with the power to end them."""

from __future__ import annotations

from mintmark.authorization_server.administration import second_factors, sessions
from mintmark.values.session import Session
from mintmark.web.console.passkeys import Site
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, SeeOther, Visit


@page("GET", "/account")
async def show(visit: Visit) -> Answer:
    """Who one is here, and where one is signed in."""
    person, now = visit.person, visit.now
    assert person is not None  # noqa: S101 - the page is not open
    found = await visit.services.administration.store.read(lambda tx: sessions.listing(tx, person, now))
    keys = await visit.services.administration.store.read(
        lambda tx: second_factors.passkeys(tx, person.username)
    )
    values = {
        "person": person,
        "sessions": [_shown(each, visit) for each in found],
        "passkeys": keys,
        "site": Site.of(visit.services.public_url) is not None,
    }
    return Page("account.html", values)


@page("POST", "/account/sessions/{session_id}/end", again=show)
async def end(visit: Visit) -> Answer:
    """End one of one's sessions."""
    administration = visit.services.administration
    username = visit.principal.username
    act = administration.act(visit.principal.actor, visit.caller.request_id, visit.caller.peer)
    await administration.store.write(lambda tx: sessions.end(tx, act, username, visit.where["session_id"]))
    return SeeOther("/console/account", "session_ended")


@page("POST", "/account/sessions/end-others")
async def end_others(visit: Visit) -> Answer:
    """End all but this one."""
    administration = visit.services.administration
    username, this = visit.principal.username, visit.session
    assert this is not None  # noqa: S101 - the page is not open
    act = administration.act(visit.principal.actor, visit.caller.request_id, visit.caller.peer)
    await administration.store.write(lambda tx: sessions.end_others(tx, act, username, this.id))
    return SeeOther("/console/account", "sessions_ended")


def _shown(session: Session, visit: Visit) -> dict[str, object]:
    return {
        "id": session.id,
        "created_at": session.created_at,
        "seen_at": session.seen_at,
        "peer": session.peer,
        "agent": session.agent,
        "this": visit.session is not None and session.id == visit.session.id,
    }
