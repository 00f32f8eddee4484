"""What a process counts for Prometheus: tokens, refusals, group commits, and how full its memories are.

Tokens and refusals are counted where they become true, at the ledger, by plain additions; everything else is read
when somebody asks. Labels are bounded: the first tenants by name, and `other`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mintmark.authorization_server.ports import Committed, Issuance, OverQuota, Stale
from mintmark.compose.heartbeat import Heartbeat
from mintmark.compose.sharing import Sharing
from mintmark.storage.batch import Outcome
from mintmark.storage.directory import CachedDirectory
from mintmark.storage.ledger import SqlLedger
from mintmark.values.audit_event import AuditEvent

#: Tenants that have a label of their own, and different sets of labels that are counted at all.
MOST_TENANTS, MOST_LABELS = 200, 20_000
OTHER = "other"
#: Each limit by the reason of what it refuses.
LIMITS = {
    "rate_client": "client",
    "rate_subject": "subject",
    "rate_tenant": "tenant",
    "rate_address": "address",
    "failed_attempts": "failures",
    "daily_limit": "client_day",
    "tenant_daily_limit": "tenant_day",
}


Gauges = Mapping[str, tuple[str, Callable[[], float]]]


#: What becomes of a token, in a word; of None, that nothing could be written.
OUTCOMES = {Committed: "issued", Stale: "judged_again", OverQuota: "over_quota", type(None): "unavailable"}


def _bounded(counted: Mapping[tuple[str, ...], int], labels: tuple[str, ...]) -> tuple[str, ...]:
    return labels if labels in counted or len(counted) < MOST_LABELS else (OTHER,) * len(labels)


class TrailMeasures:
    """What retention has found and done in this process. `bytes`: of the events, when they were last looked at."""

    def __init__(self) -> None:
        self.bytes = 0
        self.removed: Counter[str] = Counter()

    def tended(self, size: int, removed: int, *, by_bytes: bool) -> None:
        """So many events went, whether because of the limit in bytes or by the others; `size` bytes are left."""
        self.bytes = size
        self.removed["bytes" if by_bytes else "age_or_number"] += removed


class Measures(Collector):
    """Everything that is counted; the ledger's `Watcher`. `gauges`: name after ``mintmark_``, what it says, its present
    value.
    """

    def __init__(self) -> None:
        self._outcomes: Counter[tuple[str, ...]] = Counter()
        self._refusals: Counter[tuple[str, ...]] = Counter()
        self._limited: Counter[tuple[str, str]] = Counter()
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self.trail = TrailMeasures()
        self._registry = CollectorRegistry()
        self._groups = Histogram(
            "mintmark_group_size",
            "Tokens in one group commit.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "mintmark_commit_seconds",
            "Duration of a group commit.",
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            registry=self._registry,
        )

    def begin(self, gauges: Gauges) -> None:
        """What to read when somebody asks; called once all parts stand."""
        self._gauges = dict(gauges)
        self._registry.register(self)

    def group(
        self, issuances: Sequence[Issuance], outcomes: Sequence[Outcome] | None, seconds: float
    ) -> None:
        """As `storage.ledger.Watcher` has it."""
        counted = self._outcomes
        for issuance, outcome in zip(issuances, outcomes or repeat(None), strict=False):
            event = issuance.event
            word = OUTCOMES[type(outcome)]
            if event.reason and word == "issued":
                word = event.reason
            counted[_bounded(counted, (event.environment, event.dialect, word))] += 1
        if outcomes is not None:
            self._groups.observe(len(issuances))
            self._seconds.observe(seconds)

    def refusal(self, event: AuditEvent) -> None:
        """As `storage.ledger.Watcher` has it."""
        if event.reason in LIMITS:
            mode = "watched" if event.outcome == "watched" else "enforced"
            self._limited[LIMITS[event.reason], mode] += event.count
        if event.outcome == "watched":
            return
        labels = (event.environment, event.kind, event.dialect, event.reason)
        self._refusals[_bounded(self._refusals, labels)] += event.count

    def text(self) -> tuple[str, bytes]:
        """Content type and exposition text."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """What Prometheus is told beside the histograms."""
        tokens = CounterMetricFamily(
            "mintmark_tokens", "Tokens by what became of them.", labels=("tenant", "dialect", "outcome")
        )
        for labels, count in _by_tenant(self._outcomes).items():
            tokens.add_metric(labels, count)
        yield tokens
        refusals = CounterMetricFamily(
            "mintmark_refusals",
            "Refused requests by endpoint and reason.",
            labels=("tenant", "kind", "dialect", "reason"),
        )
        for labels, count in _by_tenant(self._refusals).items():
            refusals.add_metric(labels, count)
        yield refusals
        limited = CounterMetricFamily(
            "mintmark_limited",
            "Requests beyond a limit: refused where it is enforced, let through where it is watched.",
            labels=("limit", "mode"),
        )
        for each, count in list(self._limited.items()):
            limited.add_metric(each, count)
        yield limited
        removed = CounterMetricFamily(
            "mintmark_audit_removed",
            "Audit events that retention removed, by the limit that let most of them go.",
            labels=("limit",),
        )
        for limit, count in list(self.trail.removed.items()):
            removed.add_metric((limit,), count)
        yield removed
        yield GaugeMetricFamily(
            "mintmark_audit_bytes",
            "Bytes of the audit events when retention last looked.",
            value=self.trail.bytes,
        )
        for name, (about, value) in self._gauges.items():
            yield GaugeMetricFamily(f"mintmark_{name}", about, value=value())


def _by_tenant(counted: Mapping[tuple[str, ...], int]) -> Mapping[tuple[str, ...], int]:
    """Counts with the environment replaced by its tenant, of so many tenants at most."""
    tenants = sorted({labels[0].partition("/")[0] for labels in counted})
    named = frozenset(tenants[:MOST_TENANTS])
    summed: Counter[tuple[str, ...]] = Counter()
    for (environment, *rest), count in list(counted.items()):
        tenant = environment.partition("/")[0]
        summed[tenant if tenant in named else OTHER, *rest] += count
    return summed


def gauges(directory: CachedDirectory, ledger: SqlLedger, sharing: Sharing, heartbeat: Heartbeat) -> Gauges:
    """What is read from the parts themselves."""

    def entries(kind: str) -> Callable[[], float]:
        return lambda: directory.sizes()[kind]

    server = sharing.server
    shared: Gauges = {}
    if server is not None:
        shared = {
            "valkey_there": ("1 while limits hold over all nodes.", lambda: float(server.there)),
            "valkey_losses": ("How often Valkey went away.", lambda: server.losses),
        }
    return {
        **shared,
        **{
            f"cached_{kind}": (f"Entries of the kind {kind} in memory.", entries(kind))
            for kind in directory.sizes()
        },
        "ledger_waiting": ("Tokens that wait for their commit.", lambda: ledger.waiting),
        "environments": ("Environments that are served.", lambda: len(directory.environments())),
        "limiter_keys": ("Short-window limits that are in use.", lambda: len(sharing.alone)),
        "audit_verified_at_seconds": (
            "When `mintmark audit verify` last found the trail whole, in seconds since the epoch; 0: never.",
            lambda: heartbeat.checked.whole_at or 0.0,
        ),
        "audit_verify_failed": (
            "1 when the last `mintmark audit verify` found the trail not whole.",
            lambda: float(heartbeat.checked.failed),
        ),
        "draining": ("1 while the process is about to stop.", lambda: float(heartbeat.health.draining)),
    }
