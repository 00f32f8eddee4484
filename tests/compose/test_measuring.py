"""What is counted: each token by what became of it, refusals with their weight, and labels that stay few."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest

from mintmark.authorization_server.ports import (
    Committed,
    Issuance,
    OverQuota,
    Stale,
    StorageUnavailable,
)
from mintmark.compose import measuring
from mintmark.compose.measuring import MeasuredLedger, Measures
from mintmark.values.audit_event import AuditEvent

Outcome = Committed | Stale | OverQuota


class Ledger:
    """Answers with what it was given, and remembers what it was told."""

    def __init__(self, outcomes: list[Outcome | Exception]) -> None:
        self.outcomes = outcomes
        self.noted: list[AuditEvent] = []

    async def commit(self, issuance: Issuance) -> Outcome:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def note(self, event: AuditEvent) -> None:
        self.noted.append(event)

    def use(self, environment: str, credential_id: str, at: float, peer: str) -> None: ...


def event(environment: str = "acme/production", count: int = 1, reason: str = "") -> AuditEvent:
    return AuditEvent(1.0, "token", "issued", environment, dialect="standard", reason=reason, count=count)


def issuance(environment: str = "acme/production") -> Issuance:
    return Issuance(1, (), 0, (), event(environment))


def exposed(work: Callable[[MeasuredLedger], object], *outcomes: Outcome | Exception) -> str:
    ledger, measures = MeasuredLedger(Ledger(list(outcomes))), Measures()
    measures.begin(ledger, {"things": ("Things.", lambda: 7)})
    work(ledger)
    measures.committed(3, 0.004)
    return measures.text()[1].decode()


def test_tokens_are_counted_by_what_became_of_them() -> None:
    def work(ledger: MeasuredLedger) -> None:
        for _ in range(4):
            asyncio.run(ledger.commit(issuance()))
        with pytest.raises(StorageUnavailable):
            asyncio.run(ledger.commit(issuance()))
        assert ledger.waiting == 0

    text = exposed(work, Committed((1,)), Committed((2,)), Stale(), OverQuota(0), StorageUnavailable("away"))
    counted = dict(re.findall(r'mintmark_tokens_total\{.*outcome="(\w+)".*\} (\S+)', text))
    assert counted == {"issued": "2.0", "judged_again": "1.0", "over_quota": "1.0", "unavailable": "1.0"}
    assert 'tenant="acme"' in text
    assert "mintmark_things 7.0" in text
    assert "mintmark_group_size_sum 3.0" in text


def test_a_refusal_that_stands_for_many_counts_as_many() -> None:
    text = exposed(lambda ledger: ledger.note(event(count=40, reason="wrong_secret")))
    assert re.search(r'mintmark_refusals_total\{.*reason="wrong_secret".*\} 40.0', text)


def test_what_limits_refuse_is_counted_apart_from_what_they_only_watch() -> None:
    def work(ledger: MeasuredLedger) -> None:
        for reason in ("rate_tenant", "rate_tenant", "daily_limit", "wrong_secret"):
            ledger.note(event(reason=reason)._replace(outcome="refused"))
        ledger.note(event(reason="rate_tenant", count=3)._replace(outcome="watched"))

    text = exposed(work)
    rows = re.findall(r'mintmark_limited_total\{limit="(\w+)",mode="(\w+)"\} (\S+)', text)
    assert sorted(rows) == [
        ("client_day", "enforced", "1.0"),
        ("tenant", "enforced", "2.0"),
        ("tenant", "watched", "3.0"),
    ]
    assert sum(float(n) for n in re.findall(r"mintmark_refusals_total\{.*\} (\S+)", text)) == 4


def test_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST_TENANTS", 2)
    monkeypatch.setattr(measuring, "MOST_LABELS", 4)

    def work(ledger: MeasuredLedger) -> None:
        for number in range(10):
            ledger.note(event(f"tenant{number}/production"))

    text = exposed(work)
    rows = re.findall(r'mintmark_refusals_total\{.*tenant="(\w+)"\} (\S+)', text)
    assert {tenant for tenant, _ in rows} == {"other", "tenant0"}
    assert sum(float(count) for _, count in rows) == 10
