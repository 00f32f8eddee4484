"""`mintmark serve`, several times, on one database; asked for tokens by many at once, and read back."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from mintmark.authorization_server.administration import client_secrets, clients, signing_keys
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.administration.key_schedule import KeySchedule
from mintmark.authorization_server.ports import Transaction
from mintmark.compose.guard import Guard
from mintmark.resource_server.health import IssuerHealth
from mintmark.resource_server.issuer import Issuer
from mintmark.values.errors import OAuthError
from mintmark.values.tenancy import SigningKey
from tests.cluster.relay import Relay
from tests.crash import site as sites
from tests.crash.askers import Askers, Received, Refused
from tests.crash.site import Holder, Site, kill
from tests.end_to_end.server import Running, call, free_port, mintmark, until
from tests.postgres import Postgres, conninfo
from tests.valkeys import Valkey

PATIENCE = 60
#: An address of its own, so that what fails there is nobody else's failure.
ELSEWHERE = "127.0.0.9"
#: What a node says of its keys when it has just held them against the database, and when it could not.
KNOWN, DOUBTFUL = "public, max-age=300", "public, max-age=60"


class Cluster:
    """`sites`: one for each node; the first is where the installation was made. `relay`: the way of node 1 to the
    database.
    """

    def __init__(self, server: Postgres, shared: Valkey, directory: Path, count: int) -> None:
        self.server, self.shared = server, shared
        assert server.port is not None
        self.relay = Relay(server.port)
        first = directory / "node0"
        first.mkdir()
        self.sites = [sites.make(first, conninfo(server.url()), shared.url)]
        for number in range(1, count):
            place = conninfo(server.url().set(port=self.relay.port)) if number == 1 else None
            self.sites.append(sites.further_node(self.sites[0], directory / f"node{number}", place))
        self._operators = [free_port() for _ in self.sites]
        for site, port in zip(self.sites, self._operators, strict=True):
            site.config.write_text(f'{site.config.read_text()}operator_listen = "127.0.0.1:{port}"\n')
        guard = self.new_client(protects=(sites.AUDIENCE,))
        self.guards = [_guard(site, guard) for site in self.sites]
        self._running: dict[int, Running] = {}
        #: Tokens that this object itself has obtained, by client.
        self.tried: Counter[str] = Counter()

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
        for guard in self.guards:
            guard.close()
        while self._running:
            self._running.popitem()[1].stop()
        self.relay.close()

    @property
    def first(self) -> Site:
        return self.sites[0]

    def ready(self, number: int) -> bool:
        """What the node says of itself to a load balancer."""
        try:
            return call("GET", f"http://127.0.0.1:{self.sites[number].port}/readyz").status == 200
        except OSError:
            return False

    def told_by(self, number: int) -> dict[str, Any]:
        """What that node tells operators of all of them."""
        told: dict[str, Any] = call("GET", f"http://127.0.0.1:{self._operators[number]}/cluster").json
        return told

    def is_healthy(self) -> None:
        """Wait until each node says that all are well."""
        for number in range(len(self.sites)):
            until(
                lambda number=number: self.told_by(number)["status"] == "healthy",  # type: ignore[misc]
                "an operator does not see that the cluster is healthy",
            )

    def long_unheard(self, number: int) -> None:
        """As if the node's last beat was a minute earlier."""
        with psycopg.connect(self.sites[0].place, connect_timeout=10) as served:
            served.execute(
                "UPDATE node SET seen = seen - 60 WHERE id LIKE %s", [f"%:{self.sites[number].port}/%"]
            )

    def new_client(self, daily_limit: int | None = None, protects: Sequence[str] = ()) -> Holder:
        def made(tx: Transaction, act: Act) -> Holder:
            new = clients.create(
                tx,
                act,
                environment=sites.ENVIRONMENT,
                name="another",
                allowed={sites.AUDIENCE: ("read",)},
                daily_token_limit=daily_limit,
                protects=protects,
            )
            assert new.secret is not None
            return Holder(new.client.client_id, new.secret.reveal())

        return self.first.administer(made)

    def new_secret(self, holder: Holder) -> Holder:
        """A further secret of that client, once every node has heard of it; the others live on."""

        def added(tx: Transaction, act: Act) -> str:
            return client_secrets.add(
                tx, act, environment=sites.ENVIRONMENT, client_id=holder.client_id, keep_others=True
            ).secret.reveal()

        new = Holder(holder.client_id, self.first.administer(added))
        for site in self.sites:
            until(lambda site=site: site.ask(new, ELSEWHERE).status == 200, "a new secret does not work")  # type: ignore[misc]
            self.tried[new.client_id] += 1
        return new

    def revoke(self, client_id: str, secret_id: str) -> None:
        """Revoke a secret; acknowledged when this returns."""
        where = {"environment": sites.ENVIRONMENT, "client_id": client_id, "secret_id": secret_id}
        self.first.administer(lambda tx, act: client_secrets.revoke(tx, act, **where))

    def delete(self, holder: Holder) -> None:
        """Delete a client; acknowledged when this returns."""
        self.first.administer(lambda tx, act: clients.delete(tx, act, sites.ENVIRONMENT, holder.client_id))

    def rotate(self, schedule: KeySchedule) -> SigningKey:
        """Publish another signing key."""
        return self.first.administer(
            lambda tx, act: signing_keys.rotate(
                tx, act, environment=sites.ENVIRONMENT, algorithm="ES256", schedule=schedule
            )
        )

    def withdraw(self, kid: str) -> SigningKey:
        """Have another signing key sign at once."""
        return self.first.administer(
            lambda tx, act: signing_keys.withdraw(tx, act, environment=sites.ENVIRONMENT, kid=kid)
        )

    def published(self, number: int) -> tuple[set[str], str]:
        """The ids of the keys that the node publishes now, and how long it says that they may be kept."""
        answer = call("GET", f"http://127.0.0.1:{self.sites[number].port}{sites.KEYS_PATH}")
        assert answer.status == 200, f"node {number} publishes no keys"
        return {key["kid"] for key in answer.json["keys"]}, answer.headers["cache-control"]

    def lists(self, number: int, kid: str) -> bool:
        """Whether the node publishes that key, when it says that it knows."""
        published: list[set[str]] = []

        def known() -> bool:
            keys, kept = self.published(number)
            published[:] = [keys]
            return kept == KNOWN

        until(known, "a node does not know its keys")
        return kid in published[0]

    def guards_follow(self) -> None:
        """Wait until each node's guard hears what that node knows."""
        for guard in self.guards:
            guard.start()
        until(
            lambda: all(not issuer.feed_fault and issuer.feed == "following" for issuer in self._heard()),
            "a guard does not follow its feed",
        )

    def _heard(self) -> list[IssuerHealth]:
        return [issuer for guard in self.guards for issuer in guard.health().issuers]

    def refusal_takes(self, token: str, ended: Callable[[], object]) -> float:
        """Seconds from the return of `ended`, which ends the token, until the last of the guards refuses it."""
        for guard in self.guards:
            assert accepted(guard, token), "a guard refuses a good token"
        ended()
        acknowledged = time.monotonic()
        for guard in self.guards:
            until(lambda guard=guard: not accepted(guard, token), "a guard lets a dead token in")  # type: ignore[misc]
        return time.monotonic() - acknowledged

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


def _guard(site: Site, credentials: Holder) -> Guard:
    """A resource server's guard that hears of keys and revocations from one node alone."""
    base = f"http://127.0.0.1:{site.port}/t/{sites.ENVIRONMENT}"
    issuer = Issuer(
        sites.ISSUER,
        jwks_uri=f"{base}/jwks.json",
        revocations_endpoint=f"{base}/revocations",
        credentials=lambda: (credentials.client_id, credentials.secret),
        follow_revocations=True,
    )
    return Guard(issuer, sites.AUDIENCE)


def accepted(guard: Guard, token: str) -> bool:
    """Whether the guard lets the token in; False when it knows that it was revoked."""
    try:
        guard.verify({"Authorization": f"Bearer {token}"})
    except OAuthError as error:
        assert error.reason == "not_active", error.reason
        return False
    return True


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

    def wait_until_refused(self, status: int, nodes: Sequence[int] | None = None) -> None:
        """Until each of these nodes has refused one with that status."""
        chosen = [each for number, each in enumerate(self.askers) if nodes is None or number in nodes]
        ends = time.monotonic() + PATIENCE
        while any(status not in {refusal.status for refusal in each.refused} for each in chosen):
            assert time.monotonic() < ends, f"nobody was refused with {status}: {self.statuses}"
            time.sleep(0.005)

    def join(self) -> None:
        for each in self.askers:
            each.join()
