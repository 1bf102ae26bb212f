"""Batches, and fewer of many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigertag.sequences import batched, evenly


@pytest.mark.parametrize(
    ("count", "most", "places"),
    [
        (3, 5, [0, 1, 2]),
        (10, 2, [2, 7]),
        (10, 4, [1, 3, 6, 8]),
        (4, 1, [2]),
        (5, 1, [2]),
        (0, 3, []),
    ],
)
def test_they_are_the_middles_of_equal_parts(count: int, most: int, places: list[int]) -> None:
    assert list(evenly(range(count), most)) == places


@given(st.integers(0, 50), st.integers(1, 60))
def test_none_comes_twice_and_their_order_stays(number: int, most: int) -> None:
    chosen = evenly(range(number), most)
    assert len(chosen) == min(number, most)
    assert list(chosen) == sorted(set(chosen))


def test_a_batch_is_taken_only_when_it_is_asked_for() -> None:
    values = iter(range(5))
    batches = batched(values, 2)
    assert next(batches) == [0, 1]
    assert next(values) == 2
    assert list(batches) == [[3, 4]]
