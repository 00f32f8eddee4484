"""Tokens that were issued lately and may be given out again, where an environment wants that: the same token for the
same request, as long as enough of its time is left.

A token is kept beside the judgement that it was issued by, and found by that very object: the directory drops what it
was made of at every change, and with it goes the token. What is left to look at is time, the key, and whether it was
revoked; the ledger re-checks that when it audits the token once more. In memory, each worker for itself.
"""

from __future__ import annotations

from typing import NamedTuple

from mintmark.authorization_server.grants.judgement import Judgement
from mintmark.authorization_server.issuance import token_response
from mintmark.authorization_server.ports import EnvironmentView, RevocationLog
from mintmark.authorization_server.recent import Recent
from mintmark.values.secret import Secret
from mintmark.values.token import TokenResponse

#: Tokens that are kept, at least; at most twice as many. Each costs one to two kilobytes.
CAPACITY = 10_000
#: The reason of an event that says that a token was given out again; its outcome is that of a token that is issued.
REISSUED = "reissued"


class Given(NamedTuple):
    """A token that has left, and by which judgement. Times are whole seconds."""

    judged: Judgement
    token: Secret
    jti: str
    issued_at: int
    expires_at: int

    @classmethod
    def of(cls, judged: Judgement, token: Secret, jti: str, issued_at: int) -> Given:
        """A token of this judgement's grant."""
        return cls(judged, token, jti, issued_at, issued_at + judged.grant.lifetime)

    def claims(self) -> dict[str, object]:
        """What revocations are compared with."""
        grant = self.judged.grant
        return {
            "iat": self.issued_at,
            "jti": self.jti,
            "client_id": grant.client_id,
            "aud": grant.api.audience,
            "mm_tenant": grant.tenant,
            "mm_cred": grant.credential_id,
        }

    def response(self, view: EnvironmentView, now: int) -> TokenResponse:
        """The answer that gives it out again, with the time that is left."""
        scope = self.judged.scope
        response = token_response(self.token, self.issued_at, self.expires_at, self.jti, scope, view)
        return response._replace(issued_at=now)


class Reissues:
    """By the name of the request (`Lately.name`)."""

    __slots__ = ("_given",)

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._given: Recent[Given] = Recent(capacity)

    def keep(self, name: bytes, given: Given) -> None:
        """Remember a token that was committed; only a judgement that may be remembered finds it again."""
        if given.judged.rests_on is not None and given.judged.grant.api.token_format == "jwt":
            self._given.keep(name, given)

    def find(
        self, name: bytes, judged: Judgement, view: EnvironmentView, now: int, log: RevocationLog | None
    ) -> Given | None:
        """The token of before, if it is as good as a new one. `log`: what was revoked in the environment."""
        found = self._given.find(name)
        if found is None or found.judged is not judged or log is None:
            return None
        left = found.expires_at - now
        if now < found.issued_at or left < max(1, view.environment.reissue_seconds):
            return None
        algorithm = judged.grant.api.algorithm
        try:
            if view.keyring.signer(algorithm, now) is not view.keyring.signer(algorithm, found.issued_at):
                return None
        except LookupError:
            return None
        return None if log.revoked(found.claims()) else found

    def __len__(self) -> int:
        return len(self._given)
