"""Many at once, as many as one request takes."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

MOST = 100

T = TypeVar("T")


def batches(values: Sequence[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while batch := list(islice(rest, MOST)):
        yield batch
