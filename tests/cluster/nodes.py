"""`mintmark serve`, several times, on one database; asked for tokens by many at once, and read back."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.crash import site as sites
from tests.crash.askers import Askers, Received, Refused
from tests.crash.site import Holder, Site, kill
from tests.end_to_end.server import Running, call, mintmark
from tests.postgres import Postgres, conninfo
from tests.valkeys import Valkey

PATIENCE = 60


class Cluster:
    """`sites`: one for each node; the first is where the installation was made. `places`: by which the nodes beyond the
    first reach the database, where that is another way.
    """

    def __init__(
        self, server: Postgres, shared: Valkey, directory: Path, count: int, places: Sequence[str] = ()
    ) -> None:
        self.server, self.shared = server, shared
        first = directory / "node0"
        first.mkdir()
        self.sites = [sites.make(first, conninfo(server.url()), shared.url)]
        for number in range(1, count):
            place = places[number - 1] if number <= len(places) else None
            self.sites.append(sites.further_node(self.sites[0], directory / f"node{number}", place))
        self._running: dict[int, Running] = {}

    def __enter__(self) -> Self:
        try:
            for number in range(len(self.sites)):
                self.start(number)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, number: int) -> None:
        self._running[number] = self.sites[number].serve()

    def kill(self, number: int) -> None:
        """SIGKILL to a node."""
        kill(self._running.pop(number))

    def stop(self) -> None:
        while self._running:
            self._running.popitem()[1].stop()

    @property
    def first(self) -> Site:
        return self.sites[0]

    def ready(self, number: int) -> bool:
        """What the node says of itself to a load balancer."""
        try:
            return call("GET", f"http://127.0.0.1:{self.sites[number].port}/readyz").status == 200
        except OSError:
            return False

    def delete(self, holder: Holder, number: int) -> None:
        """Delete a client as an operator of that node would; acknowledged when this returns."""
        command = ("admin", "client", "delete", sites.ENVIRONMENT, holder.client_id, "--yes")
        done = mintmark(*command, "--config", self.sites[number].config)
        assert done.returncode == 0, done.stderr

    def verify(self) -> None:
        """`mintmark audit verify` is content."""
        done = mintmark("audit", "verify", "--json", "--config", self.first.config)
        assert done.returncode == 0, done.stdout + done.stderr

    @contextlib.contextmanager
    def load(self, holders: Sequence[Holder], *, threads: int = 3, each: int | None = None) -> Iterator[Load]:
        """Ask every node while it lasts."""
        with contextlib.ExitStack() as stack:
            yield Load(
                [
                    stack.enter_context(Askers(site, holders, threads=threads, seed=number, each=each))
                    for number, site in enumerate(self.sites)
                ]
            )


class Load:
    """`askers`: one for each node."""

    def __init__(self, askers: Sequence[Askers]) -> None:
        self.askers = askers

    @property
    def received(self) -> list[Received]:
        return [token for each in self.askers for token in each.received]

    @property
    def jtis(self) -> list[str]:
        return [token.jti for token in self.received]

    @property
    def refused(self) -> list[Refused]:
        return [refusal for each in self.askers for refusal in each.refused]

    @property
    def broken(self) -> int:
        return sum(each.broken for each in self.askers)

    @property
    def statuses(self) -> Counter[int]:
        return Counter(refusal.status for refusal in self.refused)

    def wait_for(self, count: int, nodes: Sequence[int] | None = None) -> None:
        """Until each of these nodes has given so many more tokens."""
        chosen = [each for number, each in enumerate(self.askers) if nodes is None or number in nodes]
        wanted = [len(each.received) + count for each in chosen]
        ends = time.monotonic() + PATIENCE
        while any(len(each.received) < number for each, number in zip(chosen, wanted, strict=True)):
            assert time.monotonic() < ends, f"no tokens any more: {self.refused[-1:]}, {self.broken} broken"
            time.sleep(0.005)

    def wait_until_refused(self, status: int) -> None:
        """Until each node has refused one with that status."""
        ends = time.monotonic() + PATIENCE
        while any(status not in {refusal.status for refusal in each.refused} for each in self.askers):
            assert time.monotonic() < ends, f"nobody was refused with {status}: {self.statuses}"
            time.sleep(0.005)

    def join(self) -> None:
        for each in self.askers:
            each.join()
