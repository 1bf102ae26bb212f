"""Films that were tested, and what was said of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tigertag.genres.metrics import Evaluation, Predictions

GENRES = ("Drama", "Comedy", "Western")
_RANDOM = np.random.default_rng(3)
BEARS: NDArray[np.bool_] = _RANDOM.random((80, 3)) < [0.6, 0.4, 0.2]
SAID: NDArray[np.float64] = np.clip(0.6 * BEARS + 0.5 * _RANDOM.random((80, 3)), 0, 1)
FOREST: NDArray[np.float64] = np.clip(0.2 * BEARS + 0.8 * _RANDOM.random((80, 3)), 0, 1)
FILMS = [f"film {number // 2}" for number in range(80)]


def evaluated(targets: NDArray[np.bool_] = BEARS, said: NDArray[Any] = SAID) -> Evaluation:
    """Evaluate a model that does better than its baselines."""
    predicted = {
        "own": said,
        "prevalence": np.tile(targets.mean(axis=0), (len(targets), 1)),
        "random_forest": FOREST,
    }
    own, *baselines = (Predictions.of(targets, one, FILMS) for one in predicted.values())
    names = ("prevalence", "random_forest")
    return Evaluation(
        "default",
        "time",
        FILMS,
        GENRES,
        (0.5, 0.7, None),
        targets,
        own,
        dict(zip(names, baselines, strict=True)),
    )
