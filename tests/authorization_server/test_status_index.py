"""Where tokens stand in the lists: each in a place of its own, which tells nobody when it was issued or of how many."""

from __future__ import annotations

import pytest

from mintmark.authorization_server.status_index import SIZE, StatusIndex, shuffled, status_index

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
ISSUER = "https://auth.example/t/acme/production"


def test_a_list_gives_each_number_an_index_of_its_own() -> None:
    rounds = StatusIndex(KEY, ISSUER).rounds(3)
    taken = bytearray(SIZE)
    for within in range(SIZE):
        taken[shuffled(within, rounds)] += 1
    assert taken == bytes([1]) * SIZE


def test_the_next_list_begins_where_one_is_full() -> None:
    index = StatusIndex(KEY, ISSUER)
    full, begun = index.place(2 * SIZE - 1), index.place(2 * SIZE)
    assert full.uri != begun.uri
    assert {index.place(number).uri for number in (SIZE, 2 * SIZE - 1)} == {full.uri}
    assert full.uri == f"{ISSUER}/status-lists/{index.name(1)}"


def test_indexes_are_in_no_order_and_differ_from_list_to_list() -> None:
    index = StatusIndex(KEY, ISSUER)
    found = [index.place(number).idx for number in range(64)]
    assert found != sorted(found)
    assert max(found) - min(found) > SIZE // 2, "neighbours lie all over the list"
    assert found != [index.place(SIZE + number).idx for number in range(64)]
    assert found != [StatusIndex(OTHER_KEY, ISSUER).place(number).idx for number in range(64)]
    assert found != [StatusIndex(KEY, f"{ISSUER}2").place(number).idx for number in range(64)]


def test_every_worker_finds_the_same_places() -> None:
    numbers = (1, SIZE - 1, SIZE, 77 * SIZE + 5)
    assert [StatusIndex(KEY, ISSUER).place(n) for n in numbers] == [
        status_index(KEY, ISSUER).place(n) for n in numbers
    ]
    assert status_index(KEY, ISSUER) is status_index(KEY, ISSUER)


@pytest.mark.parametrize("order", [0, 1, 2, 255, 256, 2**40])
def test_a_name_leads_back_to_its_list_and_no_other_name_does(order: int) -> None:
    index = StatusIndex(KEY, ISSUER)
    name = index.name(order)
    assert index.order(name) == order
    assert StatusIndex(OTHER_KEY, ISSUER).order(name) is None
    assert StatusIndex(KEY, f"{ISSUER}2").order(name) is None
    for place in range(len(name)):
        other = "A" if name[place] != "A" else "B"
        assert index.order(f"{name[:place]}{other}{name[place + 1 :]}") is None


@pytest.mark.parametrize(
    "name", ["", "1", "A" * 19, "A" * 20, "A" * 21, "=" * 20, "ä" * 20, "../../jwks.json"]
)
def test_what_is_no_name_leads_nowhere(name: str) -> None:
    assert StatusIndex(KEY, ISSUER).order(name) is None


def test_only_so_many_shuffles_are_kept() -> None:
    index = StatusIndex(KEY, ISSUER)
    before = index.place(5)
    for order in range(40):
        index.place(order * SIZE)
    assert index.place(5) == before
