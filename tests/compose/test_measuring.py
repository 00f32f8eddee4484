"""What is counted: each token by what became of it, refusals with their weight, and labels that stay few."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mintmark.authorization_server.ports import Committed, Issuance, OverQuota, Stale
from mintmark.compose import measuring
from mintmark.compose.measuring import Measures
from mintmark.values.audit_event import AuditEvent


def event(environment: str = "acme/production", count: int = 1, reason: str = "") -> AuditEvent:
    return AuditEvent(1.0, "token", "issued", environment, dialect="standard", reason=reason, count=count)


def issuance(environment: str = "acme/production") -> Issuance:
    return Issuance(1, (), 0, (), event(environment))


def exposed(work: Callable[[Measures], object]) -> str:
    measures = Measures()
    measures.begin({"things": ("Things.", lambda: 7)})
    work(measures)
    return measures.text()[1].decode()


def test_tokens_are_counted_by_what_became_of_them() -> None:
    def work(measures: Measures) -> None:
        measures.group([issuance()] * 4, [Committed((1,)), Committed((2,)), Stale(), OverQuota(0)], 0.004)
        measures.group([issuance()] * 2, None, 0.004)

    text = exposed(work)
    counted = dict(re.findall(r'mintmark_tokens_total\{.*outcome="(\w+)".*\} (\S+)', text))
    assert counted == {"issued": "2.0", "judged_again": "1.0", "over_quota": "1.0", "unavailable": "2.0"}
    assert 'tenant="acme"' in text
    assert "mintmark_things 7.0" in text
    assert "mintmark_group_size_sum 4.0" in text


def test_what_retention_removes_is_counted_by_the_limit_that_let_it_go() -> None:
    def work(measures: Measures) -> None:
        measures.trail.tended(900, 5, by_bytes=False)
        measures.trail.tended(700, 7, by_bytes=True)

    text = exposed(work)
    rows = dict(re.findall(r'mintmark_audit_removed_total\{limit="(\w+)"\} (\S+)', text))
    assert rows == {"age_or_number": "5.0", "bytes": "7.0"}
    assert "mintmark_audit_bytes 700.0" in text


def test_a_refusal_that_stands_for_many_counts_as_many() -> None:
    text = exposed(lambda measures: measures.refusal(event(count=40, reason="wrong_secret")))
    assert re.search(r'mintmark_refusals_total\{.*reason="wrong_secret".*\} 40.0', text)


def test_what_limits_refuse_is_counted_apart_from_what_they_only_watch() -> None:
    def work(measures: Measures) -> None:
        for reason in ("rate_tenant", "rate_tenant", "daily_limit", "wrong_secret"):
            measures.refusal(event(reason=reason)._replace(outcome="refused"))
        measures.refusal(event(reason="rate_tenant", count=3)._replace(outcome="watched"))

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

    def work(measures: Measures) -> None:
        for number in range(10):
            measures.refusal(event(f"tenant{number}/production"))

    text = exposed(work)
    rows = re.findall(r'mintmark_refusals_total\{.*tenant="(\w+)"\} (\S+)', text)
    assert {tenant for tenant, _ in rows} == {"other", "tenant0"}
    assert sum(float(count) for _, count in rows) == 10
