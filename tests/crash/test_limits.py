"""Limits of a server that runs: changed beside it, seen in its answers, its metrics and its audit trail."""

from __future__ import annotations

import json
import re
import time

from tests.crash.site import ENVIRONMENT, Site
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
        events = json.loads(admin("audit", "search", "--outcome", "watched", "--json"))
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
