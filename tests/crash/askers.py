"""Programs that ask for tokens without pause, each on its keep-alive connection, and remember what they got."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from tests.crash.site import TOKEN_PATH, Holder, Site, claims
from tests.end_to_end.server import PATIENCE


@dataclass(frozen=True)
class Received:
    """A token that arrived. `asked_at`, `at`: monotonic seconds when it was asked for and when it was here."""

    client_id: str
    jti: str
    kid: str
    credential: str
    token: str
    asked_at: float
    at: float


@dataclass(frozen=True)
class Refused:
    """An answer other than a token; times as `Received` has them."""

    client_id: str
    status: int
    error: str
    retry_after: str
    asked_at: float
    at: float


class Askers:
    """Asks from several threads while its context lasts; a connection that breaks is opened again."""

    def __init__(
        self,
        site: Site,
        holders: Sequence[Holder],
        *,
        threads: int = 6,
        seed: int = 0,
        each: int | None = None,
    ) -> None:
        self.received: list[Received] = []
        self.refused: list[Refused] = []
        self.broken = 0
        self._site, self._holders, self._each = site, holders, each
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(random.Random(f"{seed}-{number}"),), daemon=True)
            for number in range(threads)
        ]

    def __enter__(self) -> Askers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.join()

    def join(self) -> None:
        """Wait until every thread has ended."""
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "an asker hangs: a request was never answered"

    def wait_for(self, count: int, patience: float = PATIENCE) -> None:
        """Wait until so many more tokens have arrived."""
        wanted, ends = len(self.received) + count, time.monotonic() + patience
        while len(self.received) < wanted:
            assert time.monotonic() < ends, f"no tokens any more: {self.refused[-1:]}, {self.broken} broken"
            time.sleep(0.005)

    @property
    def jtis(self) -> list[str]:
        return [token.jti for token in self.received]

    def _ask(self, chance: random.Random) -> None:
        connection = self._connect()
        left = self._each
        while not self._over.is_set() and left != 0:
            holder = chance.choice(self._holders)
            begun = time.monotonic()
            try:
                self._once(connection, holder, begun)
            except (OSError, http.client.HTTPException):
                self.broken += 1
                connection.close()
                connection = self._connect()
                self._over.wait(0.02)
            left = None if left is None else left - 1
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._site.port, timeout=PATIENCE)

    def _once(self, connection: http.client.HTTPConnection, holder: Holder, begun: float) -> None:
        body = f"grant_type=client_credentials&client_id={holder.client_id}&client_secret={holder.secret}"
        connection.request("POST", TOKEN_PATH, body, {"Content-Type": "application/x-www-form-urlencoded"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status == 200:
            said = claims(answer["access_token"])
            self.received.append(
                Received(
                    holder.client_id,
                    said["jti"],
                    said["kid"],
                    said["mm_cred"],
                    answer["access_token"],
                    begun,
                    time.monotonic(),
                )
            )
        else:
            wait = response.headers.get("Retry-After", "")
            self.refused.append(
                Refused(holder.client_id, response.status, answer["error"], wait, begun, time.monotonic())
            )
