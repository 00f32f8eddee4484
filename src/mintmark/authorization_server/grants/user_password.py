"""A machine user's password: one argon2id run whether the user exists or not, and one public sentence."""

from __future__ import annotations

from mintmark.authorization_server.grants.judgement import Asked
from mintmark.crypto.secret_hash import dummy_digest
from mintmark.values.credential import MachineUser
from mintmark.values.errors import OAuthError, invalid_grant
from mintmark.values.secret import Secret

_NOBODY = dummy_digest()


async def check_password(asked: Asked, username: str, password: Secret) -> MachineUser:
    """The enabled machine user with that name and password. Raises OAuthError 400 ``invalid_grant``."""
    user = await asked.ports.directory.machine_user(asked.view.environment.id, username)
    digest = user.digest if user is not None else _NOBODY
    right = await asked.ports.slow_hash.verify(digest, password.reveal(), asked.peer)
    if user is None:
        raise _wrong("unknown_user")
    if not right:
        raise _wrong("wrong_password")
    if not user.enabled:
        raise _wrong("user_disabled")
    return user


def _wrong(reason: str) -> OAuthError:
    return invalid_grant("The user name or password is wrong.", reason=reason)
