"""Limits of a server that runs: changed beside it, seen in its answers, its metrics and its audit trail."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

from mintmark.authorization_server.administration import environments
from tests.crash.site import ENVIRONMENT, Site, claims
from tests.crash.test_operating import configure
from tests.end_to_end.server import call, free_port, mintmark, until

TENANT = ENVIRONMENT.partition("/")[0]


def limited(operators: str) -> dict[tuple[str, str], float]:
    """(limit, mode) -> how many requests went beyond it."""
    text = call("GET", f"http://{operators}/metrics").body.decode()
    found = re.findall(r'mintmark_limited_total\{limit="(\w+)",mode="(\w+)"\} (\S+)', text)
    return {(limit, mode): float(count) for limit, mode, count in found}


def test_a_limit_is_watched_then_enforced(site: Site) -> None:
    operators = f"127.0.0.1:{free_port()}"
    configure(site, operator_listen=operators)

    def admin(*arguments: object) -> str:
        done = mintmark("admin", *arguments, "--config", site.config)
        assert done.returncode == 0, done.stderr
        return done.stdout

    # Times are far apart: whatever a busy machine needs, no unit of one a minute comes back by chance.
    server = site.serve()
    try:
        admin("tenant", "change", TENANT, "--rate-limit", 1, "--rate-watched")
        until(
            lambda: (
                all(site.ask(holder).status == 200 for holder in site.holders[:2])
                and ("tenant", "watched") in limited(operators)
            ),
            "what a watched limit would refuse is not counted",
        )
        events: list[dict[str, str]] = []

        def audited() -> bool:
            events[:] = json.loads(admin("audit", "search", "--outcome", "watched", "--json"))
            return bool(events)

        until(audited, "what a watched limit would refuse is not in the audit trail")
        assert {(event["reason"], event["environment"]) for event in events} == {("rate_tenant", ENVIRONMENT)}
        assert ("tenant", "enforced") not in limited(operators)

        admin("tenant", "change", TENANT, "--rate-enforced")
        until(lambda: site.ask(site.holders[0]).status == 429, "an enforced limit refuses nothing")
        refused = site.ask(site.holders[2])
        assert (refused.status, refused.headers["ratelimit-policy"]) == (429, '"tenant";q=1;w=60')
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert limited(operators)["tenant", "enforced"] >= 2

        admin("tenant", "change", TENANT, "--rate-limit", 0)
        admin("environment", "change", ENVIRONMENT, "--address-rate-limit", 1)
        until(lambda: site.ask(site.holders[0]).status == 200, "a limit that was lifted still refuses")
        until(lambda: site.ask(site.holders[1]).status == 429, "an address has no limit")
        began = time.monotonic()
        elsewhere = site.ask(site.holders[1], "127.0.0.2")
        assert elsewhere.status == 200 or time.monotonic() - began > 60
        assert limited(operators)["address", "enforced"] >= 1
    finally:
        server.stop()


def test_a_token_that_is_given_out_again_is_audited_each_time_and_never_once_it_is_revoked(
    site: Site,
) -> None:
    site.administer(
        lambda tx, act: tx.put(replace(environments.show(tx, ENVIRONMENT), reissue_seconds=600), now=act.now)
    )
    server = site.serve()
    try:
        holder = site.holders[0]
        answers = [site.ask(holder).json for _ in range(6)]
        assert len({answer["access_token"] for answer in answers}) == 1
        assert site.accepts(answers[-1]["access_token"])
        first = claims(answers[0]["access_token"])
        assert all(0 < answer["expires_in"] <= first["exp"] - first["iat"] for answer in answers)
        books = site.books()
        assert list(books.events) == [first["jti"]] * len(answers)  # tokens received are events
        assert books.counted[holder.client_id] == 1  # and one of them is counted

        done = mintmark(
            "admin", "token", "revoke", ENVIRONMENT, "--id", first["jti"], "--config", site.config
        )
        assert done.returncode == 0, done.stderr
        again = claims(site.ask(holder).json["access_token"])
        assert again["jti"] != first["jti"]  # at once: the ledger looks
        assert mintmark("audit", "verify", "--config", site.config).returncode == 0
    finally:
        server.stop()
