"""Tokens from the host's agent while it answers, and from an exchange of our own when it does not.

So that any number of processes ask a vendor once. What is left of a token's life is counted from when it was handed
over.
"""

from __future__ import annotations

from collections.abc import Callable

from mintmark.client.agent_protocol import Ask, Handed
from mintmark.client.allowance import Allowance
from mintmark.client.exchange import Steps
from mintmark.client.token import Token
from mintmark.client.token_source import Obtains
from mintmark.dialect.presentation import Presentation


class ThroughAgent:
    """`ask`: the agent's answer, or None to go on alone; it raises NoToken. `alone`: our own exchange."""

    def __init__(
        self, ask: Callable[[Ask], Handed | None], profile: Ask, alone: Obtains, clock: Callable[[], float]
    ) -> None:
        self.dialect = alone.dialect
        self.renew_before = alone.renew_before
        self.token_dead = alone.token_dead
        self._ask = ask
        self._profile = profile
        self._alone = alone
        self._clock = clock
        self._handed: Handed | None = None
        self._refused = ""

    def allowances(self) -> tuple[Allowance, ...]:
        """What is left, as far as the vendor said."""
        return self._alone.allowances()

    def refused(self, token: Token) -> None:
        """An API refused `token`: the agent is told with the next question."""
        handed = self._handed
        if handed is not None and handed.secret == token.secret:
            self._refused = handed.id

    def steps(self, *, patient: bool) -> Steps:
        """The agent's token, or an exchange."""
        refused, self._refused = self._refused, ""
        self._handed = handed = self._ask(self._profile._replace(refused=refused))
        if handed is None:
            return (yield from self._alone.steps(patient=patient))
        return token_of(handed, self._clock())


def token_of(handed: Handed, now: float) -> Token:
    """The token as a program holds it."""
    return Token(
        handed.secret,
        handed.token_type,
        now,
        handed.expires_at,
        handed.scope,
        Presentation(handed.headers, handed.query, handed.cookies),
        handed.request_id,
        handed.lifetime,
    )


def handed_over(token: Token, id: str, now: float) -> Handed:
    """The token as the agent hands it out at `now`, with what is left of its life."""
    left = token.lifetime
    if left:
        left = max(1.0, left - (now - token.obtained_at))
    shown = token.presentation
    return Handed(
        *(token.secret, token.token_type, id, token.expires_at, left, token.scope, token.request_id),
        *(shown.headers, shown.query, shown.cookies),
    )
