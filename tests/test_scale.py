"""The simulation behind docs/scale.md: the same for the same seed, and a quota that holds on any number of nodes."""

from __future__ import annotations

import pytest

from benchmarks.cluster import IMAGE, Costs, CountsNowAndThen, ExactCount, Line, picture, plot, simulate

COSTS = Costs()


@pytest.mark.parametrize("nodes", [1, 7, 100])
def test_a_quota_gives_exactly_itself_on_any_number_of_nodes(nodes: int) -> None:
    count = ExactCount(200)
    outcome = simulate(nodes, 4000, 1.0, COSTS, 3, share=0.2, grant=count.grant)
    assert outcome.issued == 200


def test_counts_that_are_compared_now_and_then_do_not_hold_it() -> None:
    count = CountsNowAndThen(200, 1.0)
    assert simulate(50, 4000, 1.0, COSTS, 3, share=0.2, grant=count.grant).issued > 200


def test_a_seed_gives_the_same_figures_and_every_token_is_committed() -> None:
    one, again, other = (simulate(10, 5000, 1.0, COSTS, seed) for seed in (1, 1, 2))
    assert (one.waits, one.sizes) == (again.waits, again.sizes)
    assert one.waits != other.waits
    assert sum(one.sizes) == len(one.waits)
    assert max(one.sizes) <= 512


def test_beyond_the_ceiling_groups_are_full_and_waits_grow() -> None:
    beyond = simulate(1, 2 * COSTS.ceiling, 1.0, COSTS, 1)
    assert beyond.sizes.count(512) > len(beyond.sizes) / 2
    assert beyond.quantile(0.99) > 10 * simulate(1, 0.5 * COSTS.ceiling, 1.0, COSTS, 1).quantile(0.99)


def test_the_picture_is_one_that_the_script_makes() -> None:
    made = picture([plot("title", "below", [Line("a", "#000", [(1, 2), (2, 3)])], 60, 4)])
    assert made.splitlines()[0] == IMAGE.read_text().splitlines()[0]
    assert IMAGE.read_text().count("<polyline") == 5
