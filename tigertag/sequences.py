"""Cutting sequences into batches, gathering what belongs together, choosing evenly."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` values, the last one shorter, as they come.

    Python's own, from 3.12 on, yields tuples.
    """
    left = iter(values)
    while batch := list(islice(left, size)):
        yield batch


def evenly(values: Sequence[T], most: int) -> tuple[T, ...]:
    """Return at most so many of them, in order: the middle one of each of as many equal parts."""
    parts = min(most, len(values))
    return tuple(values[(2 * part + 1) * len(values) // (2 * parts)] for part in range(parts))


def grouped(pairs: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    """Gather what belongs to the same key, in the order in which it comes."""
    groups: dict[K, list[T]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
