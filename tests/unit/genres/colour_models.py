"""Genre models that nobody has learned: what they say of a colour can be told."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tests.unit.inference import tiny
from tigertag.contracts import Sampling
from tigertag.genres.manifest import (
    BACKBONE,
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
from tigertag.inference import backbone
from tigertag.inference.preprocessing import TILES_VERSION, Scaling

GENRES = {"Horror": 0.6, "Western": 0.3, "War": None}
"""Red makes horror, green a western, blue war; each genre's threshold."""

SLOPE = 0.06
"""A genre's logit: so much for each level that its colour is above or below 128."""


def model(home: Path, *, name: str = "default", videos: int = 200, **changed: Any) -> GenreModel:
    """Keep a model in a home: its embedding is the mean colour of a frame."""
    home.mkdir(parents=True, exist_ok=True)
    network = backbone.OnnxBackbone(tiny.network(home / "tiny.onnx"), Scaling(), None)
    fields: dict[str, Any] = {
        "name": name,
        "made_at": datetime(2026, 5, 1, tzinfo=UTC),
        "backbone": BackboneInfo(
            name="tiny", fingerprint=network.fingerprint(), side_px=tiny.SIDE_PX, own=True
        ),
        "sampling": Sampling(max_frames=60),
        "view": TILES_VERSION,
        "pooling": "mean",
        "dimensions": 3,
        "genres": tuple(genres(GENRES)),
        "data": DataInfo(
            source=SourceInfo(csv="films.csv"),
            films=210,
            tested=40,
            examples=210,
            videos=videos,
            pictures=210 - videos,
            split="time",
        ),
        "settings": FitSettings(c=1e-3, folds=5, precision=0.7, min_examples=50),
        "metrics": {},
        "program": "0",
    }
    manifest = Manifest(**(fields | changed))
    files = {HEAD: head(manifest.width), BASELINES: b"PK\x03\x04", EXAMPLES: b"[]"}
    if manifest.backbone.own:
        files[BACKBONE] = network.onnx() or b""
    return Models(home / "models" / "genres").save(manifest, files)


def genres(thresholds: Mapping[str, float | None]) -> Iterator[GenreInfo]:
    for genre, threshold in thresholds.items():
        yield GenreInfo(name=genre, canonical=genre, films=70, threshold=threshold)


def head(width: int = 3) -> bytes:
    """Return the head: the logistic function of the slopes.

    Where it gets more than colours, the last number, the share of short shots, makes war.
    """
    slopes = np.zeros((width, len(GENRES)))
    np.fill_diagonal(slopes, SLOPE)
    if width > len(GENRES):
        slopes[-1, 2] = 20.0
    bias = np.full(len(GENRES), -SLOPE * 128)
    return Head(np.zeros(width), np.ones(width), slopes, bias).to_npz()
