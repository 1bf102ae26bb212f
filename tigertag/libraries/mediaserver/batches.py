"""Many at once, as many as one request takes."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from tigertag.sequences import batched

MOST = 100

T = TypeVar("T")


def batches(values: Sequence[T]) -> Iterator[list[T]]:
    return batched(values, MOST)
