"""What was judged lately: a request that comes again byte for byte is judged as before, as long as nothing it rests on
has changed.

Programs ask for their tokens with the same bytes each time. A judgement is remembered under a keyed hash of all that
the dialect reads of the request, and holds while the very objects that it was made of are still in the directory, which
drops them at every change, and until the first moment at which one of them ends. Only a secret of our own format proves
a client here; whoever needs a slow check is judged anew each time.
"""

from __future__ import annotations

import hashlib

from mintmark.authorization_server.grants.judgement import Judgement
from mintmark.authorization_server.ports import EnvironmentView
from mintmark.authorization_server.recent import Recent
from mintmark.dialect import Dialect
from mintmark.wire.http import HttpRequest

#: Judgements that are kept, at least; at most twice as many.
CAPACITY = 100_000


class Lately:
    """`key`: random bytes of this process."""

    __slots__ = ("_judgements", "_key")

    def __init__(self, key: bytes, capacity: int = CAPACITY) -> None:
        self._key = key
        self._judgements: Recent[Judgement] = Recent(capacity)

    def name(self, environment: str, path: str, dialect: Dialect, request: HttpRequest) -> bytes:
        """The keyed hash of a request, of which nothing can be read."""
        reads = dialect.reads
        parts: list[bytes] = [environment.encode(), path.encode(), request.query]
        for name, value in request.headers:
            if name in reads:
                parts += (name, value)
        # A line each, an empty name, then the body: no line break can stand in what comes before it (RFC 9112 §5), so
        # no two requests have the same bytes in other places.
        parts += (b"", request.body)
        return hashlib.blake2b(b"\n".join(parts), digest_size=16, key=self._key).digest()

    def find(self, name: bytes, view: EnvironmentView, now: float) -> Judgement | None:
        """What is remembered, if its environment is unchanged and nothing has ended. The caller compares the client."""
        found = self._judgements.find(name)
        if found is None or found.view is None or found.view() is not view or now >= found.holds_until:
            return None
        return found

    def remember(self, name: bytes, judgement: Judgement) -> None:
        """Keep a judgement that may be kept."""
        if judgement.rests_on is not None:
            self._judgements.keep(name, judgement)
