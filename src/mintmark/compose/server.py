"""The server: every part made once per worker, handed to the parts that need it, started and stopped with the loop."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from mintmark.authorization_server.administration.running import Administration
from mintmark.authorization_server.client_endpoint import FEED_QUERY, TOKEN_FORM, ClientEndpoint
from mintmark.authorization_server.introspection import Introspection
from mintmark.authorization_server.limits import Limits
from mintmark.authorization_server.ports import IssuedTokens, Ledger, Ports, Store
from mintmark.authorization_server.revocation import TokenRevocation
from mintmark.authorization_server.revocation_feed import RevocationFeed
from mintmark.authorization_server.status_lists import PublicEndpoint, StatusLists
from mintmark.authorization_server.token_endpoint import TokenEndpoint
from mintmark.authorization_server.token_status import TokenStatus
from mintmark.cli.services import UsageFault
from mintmark.compose import huge_pages
from mintmark.compose.background import Background
from mintmark.compose.cluster import Cluster
from mintmark.compose.entropy import Entropy
from mintmark.compose.faces import all_faces
from mintmark.compose.health import Health
from mintmark.compose.heartbeat import Heartbeat, Process
from mintmark.compose.installation import Keys, open_installation
from mintmark.compose.logs import set_level
from mintmark.compose.measuring import Measures, gauges
from mintmark.compose.notices import Notices, ways
from mintmark.compose.operator_listener import OperatorListener
from mintmark.compose.reloading import Source, reloaded
from mintmark.compose.sharing import Sharing
from mintmark.compose.signals import Signals
from mintmark.compose.slow_hash import OneAtATime
from mintmark.config import ConfigFault, Settings
from mintmark.crypto.seal import Unsealable
from mintmark.crypto.secret_hash import verify_password
from mintmark.jose.keyring import Keyring
from mintmark.storage.directory import CachedDirectory
from mintmark.storage.issued_tokens import SqlIssuedTokens
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.views import LoadKeyring
from mintmark.values.tenancy import SigningKey
from mintmark.web.answers import refusal
from mintmark.web.app import Application, IssuerEndpoint
from mintmark.web.callers import Callers
from mintmark.web.demo_apis import DemoApis
from mintmark.web.exchange import CLOSE
from mintmark.web.loopback import is_loopback
from mintmark.web.operations import Operations
from mintmark.web.refusal_log import Log, RefusalLog
from mintmark.web.routing import Endpoint, Routes, loopback_hosts
from mintmark.wire.http import HttpRequest, HttpResponse

#: Refused authentications are answered at a multiple of this many seconds after the request was read.
REFUSAL_GRID = 0.25
#: Seconds for which a request for the keys waits for the database.
KEYS_PATIENCE = 1.0


if TYPE_CHECKING:
    from mintmark.compose.tracing import Tracing

Message = MutableMapping[str, Any]
Respond = Callable[[HttpRequest, str], Awaitable[HttpResponse]]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def answer_late(now: float) -> None:
    """Wait for the next point of the grid, so that the time taken says nothing of what was wrong."""
    taken = max(0.0, time.time() - now)
    await asyncio.sleep(REFUSAL_GRID - taken % REFUSAL_GRID)


def issuer_endpoints(ports: Ports, store: Store, issued: IssuedTokens) -> dict[Endpoint, IssuerEndpoint]:
    """What an issuer has beside its token endpoints."""
    limits = Limits(ports.counters)
    feed = RevocationFeed(ports, limits, time.time)
    lists = StatusLists(ports, issued, time.time, asyncio.to_thread)
    return {
        "introspection": ClientEndpoint(
            "introspection", TOKEN_FORM, ports, Introspection(ports, limits).answer
        ),
        "revocation": ClientEndpoint(
            "revocation", TOKEN_FORM, ports, TokenRevocation(ports, limits, store).answer
        ),
        "revocations": ClientEndpoint("feed", FEED_QUERY, ports, feed.poll),
        "snapshot": ClientEndpoint("feed", FEED_QUERY, ports, feed.snapshot),
        "status_lists": PublicEndpoint(ports.directory, lists.aggregation),
        "status_list": PublicEndpoint(ports.directory, lists.one),
    }


async def _not_started(request: HttpRequest, peer: str) -> HttpResponse:  # noqa: ARG001 - as every handler
    return refusal(503, "temporarily_unavailable", "The server is starting.")


class Server:
    """One worker: opens everything at the lifespan's start, closes it at its end, and answers requests in between.

    `demo`: whether the sample APIs stand. `source`: where settings are read again at SIGHUP.
    """

    def __init__(
        self, settings: Settings, log: Log, *, demo: bool = False, source: Source | None = None
    ) -> None:
        self._settings = settings
        self._log = log
        self._demo = demo
        self._source = source
        self._health: Health | None = None
        self._application: Application | None = None
        self._tracing: Tracing | None = None
        self._parts = AsyncExitStack()
        self.respond: Respond = _not_started

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The life of the worker."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            application = self._application = await self._start()
            self.respond = self._answering(application)
            signals = Signals(self._drain, lambda: self._settings.drain_seconds, self._reload)
            signals.take()
            self._parts.callback(signals.give_back)
        except Exception as fault:
            self._log.error("start_failed", reason=str(fault))
            await self._parts.aclose()
            await send({"type": "lifespan.startup.failed", "message": str(fault)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._parts.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    def _drain(self) -> None:
        """From now on each connection ends with its answer, and load balancers are told to go elsewhere."""
        if self._health is None or self._application is None:
            return
        self._health.draining = True
        self._log.info("draining", seconds=self._settings.drain_seconds)
        answering = self._answering(self._application)

        async def last(request: HttpRequest, peer: str) -> HttpResponse:
            response = await answering(request, peer)
            return HttpResponse(response.status, (*response.headers, CLOSE), response.body)

        self.respond = last

    def _reload(self) -> None:
        """Read the settings again; what is bad leaves everything as it is."""
        if self._source is None or self._application is None:
            self._log.warning("reload_refused", reason="This server has no configuration file.")
            return
        try:
            settings, waiting = reloaded(self._settings, self._source)
        except (ConfigFault, UsageFault) as fault:
            self._log.error("reload_refused", reason=f"The settings stay as they were: {fault}")
            return
        self._settings = settings
        set_level(settings.log_level)
        callers = dataclasses.replace(self._application.callers, proxies=settings.proxies)
        self._application = dataclasses.replace(self._application, callers=callers)
        if self._health is None or not self._health.draining:
            self.respond = self._answering(self._application)
        self._log.info("reloaded", wait_for_restart=waiting)

    def _answering(self, application: Application) -> Respond:
        """How it answers: by itself, with nothing around it unless requests are traced."""
        return application.respond if self._tracing is None else self._tracing.around(application.respond)

    async def _start(self) -> Application:
        settings = self._settings
        if settings.otel_logs:
            # Imported here, as below: without it the server needs no OpenTelemetry.
            from mintmark.compose.log_export import exporting

            await self._parts.enter_async_context(exporting())
        installation = self._parts.enter_context(open_installation(settings))
        entropy = Entropy()
        measures = Measures()
        traced: Callable[[Ledger], Ledger] = lambda ledger: ledger  # noqa: E731
        log = self._log
        if settings.otel:
            from mintmark.compose.tracing import TracedLedger, TracedLog, Tracing

            self._tracing = Tracing(lambda: self._settings.proxies)
            self._parts.push_async_callback(self._tracing.stop)
            traced, log = TracedLedger, TracedLog(log)
        ledger = SqlLedger(installation.database, time.time, watcher=measures)
        self._parts.push_async_callback(ledger.close)
        sharing = Sharing.of(settings, self._log)
        if sharing.server is not None:
            self._parts.push_async_callback(sharing.server.close)
            await sharing.server.look()
            self._run(sharing.server.follow)
        directory = CachedDirectory(
            installation.store, self._keyrings(installation.keys), installation.dialects.get
        )
        background = Background(installation, lambda: self._settings, self._log, measures.trail)
        await background.rotate()
        await directory.start()
        slow_hash = OneAtATime(verify_password, time.monotonic, os.urandom(32))
        self._parts.callback(slow_hash.close)
        ports = Ports(
            directory=directory,
            ledger=traced(ledger),
            counters=sharing.counters,
            slow_hash=slow_hash,
            secret_key=installation.keys.secrets,
            unseal=installation.keys.seal.unseal,
            entropy=entropy,
            answer_late=answer_late,
        )
        wake = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._parts.enter_context(
            installation.database.following(lambda: loop.call_soon_threadsafe(wake.set))
        )
        self._run(lambda: directory.follow(wake=wake))
        if huge_pages.available():
            self._run(huge_pages.keep_collapsing)
        for work in (background.keep_rotating, background.keep_making_room, background.keep_trimming):
            self._run(work)
        administration = Administration(
            installation.store,
            installation.act,
            installation.dialects,
            settings.public_url,
            installation.schedule,
            asyncio.to_thread,
        )
        token_endpoint = TokenEndpoint(ports)
        if found := ways(settings, time.time):
            notices = Notices(administration, found, time.time)
            self._run(lambda: background.keep_noticing(notices))
        health = self._health = Health.of(installation, directory, ledger, sharing.server)
        heartbeat = Heartbeat(
            installation.database, directory, health, Process.of(settings), lambda: ledger.waiting, self._log
        )
        self._parts.push_async_callback(heartbeat.leave)
        self._run(heartbeat.keep_beating)
        measures.begin(gauges(directory, ledger, sharing, heartbeat))
        cluster = Cluster(installation.database, directory, heartbeat)
        faces = all_faces(
            installation,
            administration,
            ports,
            directory,
            token_endpoint,
            sharing.replays,
            cluster,
            demo=self._demo,
        )
        operations = Operations(health.checks, measures.text, cluster.view)
        if settings.operator_listen:
            operators_listener = OperatorListener(operations, settings.operator_listen, settings.workers)
            await operators_listener.start()
            self._parts.push_async_callback(operators_listener.stop)
            self._log.info("operators_listen", port=operators_listener.port)
        hosts = loopback_hosts(settings.port) if is_loopback(settings.host) else ()
        return Application(
            routes=Routes(directory, settings.public_url, hosts),
            callers=Callers(settings.proxies, entropy),
            token_endpoint=token_endpoint,
            refusals=RefusalLog(log),
            now=time.time,
            endpoints=issuer_endpoints(ports, installation.store, SqlIssuedTokens(installation.database)),
            resources=DemoApis(directory, lambda environment: TokenStatus(ports, environment))
            if self._demo
            else None,
            faces=faces,
            console=f"{settings.public_url}/console",
            operations=operations,
            settled=lambda: directory.settle(KEYS_PATIENCE),
        )

    def _keyrings(self, keys: Keys) -> LoadKeyring:
        """Loads keyrings; of one that cannot be opened it says so, and that issuer alone signs nothing."""

        def load(records: Sequence[SigningKey]) -> Keyring:
            try:
                return keys.keyring(records)
            except (Unsealable, ValueError) as fault:
                self._log.error(
                    "signing_keys_unusable", environment=records[0].environment, reason=str(fault)
                )
                return Keyring(())

        return load

    def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until the worker stops; if it fails, say so and run it again."""

        async def forever() -> None:
            while True:
                try:
                    await work()
                except Exception:
                    self._log.error("background_work_failed", exc_info=True)
                    await asyncio.sleep(1)

        task = asyncio.ensure_future(forever())

        async def stop() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._parts.push_async_callback(stop)
