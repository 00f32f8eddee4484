"""A source whose tokens may come from the host's agent: it tells the agent which token an API refused."""

from __future__ import annotations

from mintmark.client.through_agent import ThroughAgent
from mintmark.client.token import Token
from mintmark.transport.source import Source


class AgentSource(Source):
    """A `Source` made on `ThroughAgent`."""

    def invalidate(self, token: Token) -> bool:
        """As `TokenSource.invalidate`; the next question to the agent names the token."""
        again = super().invalidate(token)
        if again and isinstance(self.obtains, ThroughAgent):
            self.obtains.refused(token)
        return again
