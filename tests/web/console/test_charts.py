"""Charts: bars stand on the axis, one above the other, below a round number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.web.console.charts import HEIGHT, WIDTH, Bar, draw

COUNT = st.integers(0, 10**9)


@given(st.lists(st.tuples(COUNT, COUNT), max_size=60))
def test_every_bar_is_inside_and_as_tall_as_its_share(counts: list[tuple[int, int]]) -> None:
    chart = draw([Bar("x", "", issued, refused) for issued, refused in counts])
    assert len(chart.rects) == sum((issued > 0) + (refused > 0) for issued, refused in counts)
    for rect in chart.rects:
        assert 0 <= rect.x <= WIDTH
        assert -4 <= rect.y < rect.y + rect.height <= HEIGHT
    assert len(chart.titles) == len(counts)


@pytest.mark.parametrize(
    ("most", "top"), [(0, "1"), (1, "1"), (3, "3"), (7, "8"), (99, "100"), (1234, "1,500")]
)
def test_the_scale_ends_at_a_round_number(most: int, top: str) -> None:
    assert draw([Bar("x", "", most, 0)]).lines[-1][1] == top
