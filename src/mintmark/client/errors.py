"""Why there is no token, as types that a program can tell apart; none of them ever holds a secret.

`Refused`: the vendor said no. `Unreachable`: the network failed. `NoSense`: the answer made no sense.
`Misconfigured`: our own side is wrong. `HeldBack`: asking now would burn the last of the allowance.
"""

from __future__ import annotations

from typing import Self


class NoToken(Exception):
    """No token could be had.

    `sentence`: what went wrong, for people. `retry_at`: when it makes sense to ask again (seconds since the epoch,
    or None). `request_id`: the vendor's id of the exchange, or empty. `dialect`: whose token it would have been.
    """

    def __init__(
        self, sentence: str, *, dialect: str = "", request_id: str = "", retry_at: float | None = None
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.dialect = dialect
        self.request_id = request_id
        self.retry_at = retry_at

    def again(self) -> Self:
        """The same error without a traceback: each of many waiters raises its own."""
        twin = type(self).__new__(type(self), *self.args)
        twin.args = self.args
        twin.__dict__.update(self.__dict__)
        return twin

    def __str__(self) -> str:
        parts = [self.sentence]
        if self.dialect:
            parts.append(f"dialect {self.dialect}")
        if self.request_id:
            parts.append(f"request id {self.request_id}")
        return parts[0] if len(parts) == 1 else f"{parts[0]} ({', '.join(parts[1:])})"


class Refused(NoToken):
    """The vendor refused: `status`, `code` (RFC 6749 §5.2, or ``rate_limited``, ``quota_exceeded``) and its public
    `description`. `permanent`: asking again with the same secret makes no sense.
    """

    def __init__(
        self,
        status: int,
        code: str,
        description: str,
        *,
        permanent: bool,
        dialect: str = "",
        request_id: str = "",
        retry_at: float | None = None,
    ) -> None:
        super().__init__(
            f"the vendor refused a token: {status} {code}: {description}",
            dialect=dialect,
            request_id=request_id,
            retry_at=retry_at,
        )
        self.status = status
        self.code = code
        self.description = description
        self.permanent = permanent


class Unreachable(NoToken):
    """The token endpoint could not be reached, or did not answer in time."""


class NoSense(NoToken):
    """The token endpoint answered, but not with a token or a refusal."""


class Misconfigured(NoToken):
    """Our own configuration is wrong: a value is missing, an address is not allowed, a secret cannot be read."""


class HeldBack(NoToken):
    """Too little of the vendor's allowance is left to ask now; `retry_at` says when we ask again."""
