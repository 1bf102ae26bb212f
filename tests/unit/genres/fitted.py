"""What was learned from a few made-up films: two of the genres show, the third does not."""

from functools import cache

import numpy as np

from tigertag.genres.archive import dump
from tigertag.genres.conversion import to_onnx
from tigertag.genres.fitting import Fitted, Table, fit

GENRES = ("Action", "Drama", "Western")
ROWS = 80
WIDTH = 12


def table(rows: int = ROWS, *, seed: int = 0) -> Table:
    """Return films of one row. Three numbers tell their genres; the last is never known."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(rows, WIDTH)).astype(np.float32)
    bears = np.stack([vectors[:, 0] > 0.3, vectors[:, 1] < 0.2, random.random(rows) < 0.2], axis=1)
    vectors[::3, 10] = np.nan
    vectors[:, 11] = np.nan
    return Table(vectors, bears, tuple(f"film {number}" for number in range(rows)), GENRES)


@cache
def fitted() -> Fitted:
    return fit(table())


@cache
def graph() -> bytes:
    return to_onnx(fitted(), table().vectors)


@cache
def archived() -> bytes:
    return dump(fitted())
