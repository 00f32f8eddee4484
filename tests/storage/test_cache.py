"""The cache in two generations: bounded, and what is used stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mintmark.storage.cache import Generations


@given(
    st.lists(st.tuples(st.sampled_from("gpde"), st.sampled_from("AB"), st.integers(0, 12))), st.integers(1, 8)
)
def test_it_never_holds_more_than_its_capacity_nor_anything_dropped(steps, capacity) -> None:
    cache: Generations[str] = Generations(capacity)
    truth: dict[tuple[str, str], str] = {}
    for number, (step, environment, entry) in enumerate(steps):
        key = str(entry)
        if step == "p":
            cache.put(environment, key, str(number))
            truth[environment, key] = str(number)
        elif step == "d":
            cache.drop(environment, key)
            truth.pop((environment, key), None)
        elif step == "e":
            cache.drop_environment(environment)
            truth = {known: value for known, value in truth.items() if known[0] != environment}
        else:
            found = cache.get(environment, key)
            assert found is None or found == truth[environment, key]
        assert 0 <= len(cache) <= max(2, capacity)


def test_what_is_used_stays() -> None:
    cache: Generations[int] = Generations(20)
    for n in range(1000):
        cache.put("e", str(n), n)
        cache.put("e", "favourite", -1) if n == 0 else None
        assert cache.get("e", "favourite") == -1
    assert cache.get("e", "0") is None
    assert cache.get("e", "999") == 999
