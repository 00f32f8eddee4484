"""The grants that this server knows: canonical name -> function. A table look-up, no asking around."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from mintmark.authorization_server.grants import client_credentials, signed_subject, user_login
from mintmark.authorization_server.grants.judgement import Asked, Judgement

Judge = Callable[[Asked], Awaitable[Judgement]]

GRANTS: Mapping[str, Judge] = {
    "client_credentials": client_credentials.judge,
    "user_login": user_login.judge,
    "signed_subject": signed_subject.judge,
}
