"""What was learned from a few made-up films: two of the genres show, the third does not."""

from functools import cache

import numpy as np

from tigertag.genres.fitting import FitTable, Fitted, fit

GENRES = ("Action", "Drama", "Western")
ROWS = 80
WIDTH = 12


def table(rows: int = ROWS, *, seed: int = 0) -> FitTable:
    """Return films of one row. Three numbers tell their genres; the last is never known."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(rows, WIDTH)).astype(np.float32)
    targets = np.stack(
        [vectors[:, 0] > 0.3, vectors[:, 1] < 0.2, random.random(rows) < 0.2], axis=1
    )
    vectors[::3, 10] = np.nan
    vectors[:, 11] = np.nan
    return FitTable(vectors, targets, tuple(f"film {number}" for number in range(rows)), GENRES)


@cache
def fitted() -> Fitted:
    return fit(table())
