"""A small model as it is kept: three genres, whose logits are the embedding itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tigertag.contracts import Sampling
from tigertag.genres.manifest import (
    BASELINES,
    EXAMPLES,
    HEAD,
    BackboneInfo,
    DataInfo,
    FitSettings,
    GenreInfo,
    Manifest,
    SourceInfo,
)
from tigertag.genres.model import GenreModel, Head
from tigertag.genres.models import Models


def head(width: int = 3, **changed: NDArray[Any]) -> bytes:
    """Return a head whose logits are the vector itself."""
    arrays = {
        "mean": np.zeros(width),
        "scale": np.ones(width),
        "weights": np.eye(width),
        "bias": np.zeros(width),
    }
    return Head(**{**arrays, **changed}).to_npz()


FILES: Mapping[str, bytes] = {HEAD: head(), BASELINES: b"PK\x03\x04 and so on", EXAMPLES: b"[]"}


def manifest(**changed: Any) -> Manifest:
    told: dict[str, Any] = {
        "name": "mine",
        "made_at": datetime(2026, 5, 1, tzinfo=UTC),
        "backbone": BackboneInfo(name="efficientnet-lite0", fingerprint="57934424", side_px=224),
        "sampling": Sampling(max_frames=60),
        "view": 1,
        "pooling": "mean",
        "dimensions": 3,
        "genres": tuple(
            GenreInfo(name=name, canonical=name, films=60, threshold=threshold)
            for name, threshold in (("Action", 0.5), ("Drama", 0.6), ("Western", None))
        ),
        "data": DataInfo(
            source=SourceInfo(csv="films.csv"),
            films=100,
            tested=20,
            examples=100,
            videos=0,
            pictures=100,
            split="time",
        ),
        "settings": FitSettings(c=1e-3, folds=5, precision=0.7, min_examples=50),
        "metrics": {"macro_ap": 0.33},
        "program": "0.6",
    }
    return Manifest(**{**told, **changed})


def kept(folder: Path, files: Mapping[str, bytes] = FILES, **changed: Any) -> GenreModel:
    """Keep a model in the folder and return it."""
    return Models(folder).save(manifest(**changed), files)
