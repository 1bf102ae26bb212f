"""Frames that are to be fewer."""

from hypothesis import given
from hypothesis import strategies as st

from tigertag.contracts import evenly


def test_of_one_the_middle_is_taken() -> None:
    assert evenly("abcde", 1) == ("c",)


def test_they_are_the_middles_of_equal_parts() -> None:
    assert evenly(range(10), 4) == (1, 3, 6, 8)


@given(st.integers(0, 50), st.integers(1, 60))
def test_none_comes_twice_and_their_order_stays(number: int, most: int) -> None:
    found = evenly(range(number), most)
    assert len(found) == min(number, most)
    assert list(found) == sorted(set(found))
