"""One line of the audit trail. It names identifiers, reasons and times; a secret or token cannot be put in it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Outcome = Literal["issued", "refused", "watched", "done"]


class AuditEvent(NamedTuple):
    """`at`: seconds since the epoch (with fraction). `kind`: ``token``, ``login``, ``admin.client.create`` ...

    `outcome`: ``issued`` (a token left), ``refused``, ``watched`` (a limit that is only watched would have
    refused), ``done`` (an act of administration). `reason`: stable word of a refusal. `detail`: private sentence.
    `actor`: who did an act of administration. `count`: how many alike refusals this one event stands for during a
    flood. Empty text means "does not apply".
    """

    at: float
    kind: str
    outcome: Outcome
    environment: str = ""
    request_id: str = ""
    client_id: str = ""
    credential_id: str = ""
    user_id: str = ""
    subject: str = ""
    jti: str = ""
    audience: str = ""
    scope: str = ""
    dialect: str = ""
    mount: str = ""
    peer: str = ""
    actor: str = ""
    reason: str = ""
    detail: str = ""
    count: int = 1  # type: ignore[assignment]  # hides the method of tuples, which nobody needs here
