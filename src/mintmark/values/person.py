"""A person who signs in: an operator of the service, or one of a tenant's people.

What a person may do follows from role and tenant alone (`authorization_server.administration.access`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Role = Literal["operator", "admin", "developer", "auditor"]


@dataclass(frozen=True, slots=True)
class Person:
    """`tenant`: the handle of the one tenant that this person sees; empty for operators, and for an auditor of all.

    `username` is unique in the installation; those of a tenant's people end in ``@`` and its handle, so that a
    tenant learns nothing of others' names. `digest`: argon2id of the password; empty: there is none, and the
    person signs in otherwise. `totp`: the sealed secret of one-time codes; empty: none are asked for; `totp_used`: the
    time step of the last one, which no other sign-in may use. `openid`: how the company's OpenID provider knows this
    person (`sub`, or the address it vouches for). `created_at`: whole seconds since the epoch, UTC.
    """

    username: str
    name: str
    role: Role
    tenant: str = ""
    digest: str = field(default="", repr=False)
    enabled: bool = True
    created_at: int = 0
    totp: str = field(default="", repr=False)
    openid: str = ""
    totp_used: int = 0
