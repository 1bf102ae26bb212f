"""Genre models that nobody has learned: what they say of a colour can be told."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tests.unit.inference import tiny
from tigertag.contracts import Sampling
from tigertag.genres.genre_model import GenreModel
from tigertag.genres.manifest import (
    ARCHIVE,
    BACKBONE,
    EXAMPLES,
    HEAD,
    BackboneOf,
    DataOf,
    GenreOf,
    Manifest,
    SamplingOf,
    SettingsOf,
    SourceOf,
)
from tigertag.genres.models import Models
from tigertag.inference import backbone
from tigertag.inference.preprocessing import Scaling
from tigertag.inference.tiles import TILES_VERSION

GENRES = {"Horror": 0.6, "Western": 0.3, "War": None}
"""Red makes horror, green a western, blue war; each genre's threshold."""

SLOPE = 0.06
"""A genre's logit: so much for each level that its colour is above or below 128."""


def model(home: Path, *, name: str = "default", videos: int = 200, **changed: Any) -> GenreModel:
    """Keep a model in a home: its embedding is the mean colour of a frame."""
    home.mkdir(parents=True, exist_ok=True)
    network = backbone.own(tiny.network(home / "tiny.onnx"), Scaling(), None)
    fields: dict[str, Any] = {
        "name": name,
        "made_at": datetime(2026, 5, 1, tzinfo=UTC),
        "backbone": BackboneOf(
            name="tiny", fingerprint=network.fingerprint(), side_px=tiny.SIDE_PX, own=True
        ),
        "sampling": SamplingOf.noted(Sampling(max_frames=60)),
        "view": TILES_VERSION,
        "pooling": "mean",
        "dimensions": 3,
        "genres": tuple(genres(GENRES)),
        "data": DataOf(
            source=SourceOf(csv="films.csv"),
            films=210,
            tested=40,
            examples=210,
            videos=videos,
            pictures=210 - videos,
            split="time",
        ),
        "settings": SettingsOf(c=1e-3, folds=5, precision=0.7, min_examples=50),
        "metrics": {},
        "program": "0",
    }
    manifest = Manifest(**(fields | changed))
    files = {HEAD: head(manifest.width), ARCHIVE: b"PK\x03\x04", EXAMPLES: b"[]"}
    if manifest.backbone.own:
        files[BACKBONE] = network.onnx() or b""
    return Models(home / "models" / "genres").save(manifest, files)


def genres(thresholds: Mapping[str, float | None]) -> Iterator[GenreOf]:
    for genre, threshold in thresholds.items():
        yield GenreOf(name=genre, canonical=genre, films=70, threshold=threshold)


def head(width: int = 3) -> bytes:
    """Return the graph: the logistic function of the slopes.

    Where it gets more than colours, the last number, the share of short shots, makes war.
    """
    slopes = np.zeros((len(GENRES), width))
    np.fill_diagonal(slopes, SLOPE)
    if width > len(GENRES):
        slopes[2, -1] = 20.0
    node = helper.make_node(
        "LinearClassifier",
        ["pooled"],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        classlabels_ints=list(range(len(GENRES))),
        coefficients=slopes.ravel().tolist(),
        intercepts=[-SLOPE * 128] * len(GENRES),
        post_transform="LOGISTIC",
    )
    graph = helper.make_graph(
        [node],
        "taught",
        [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, len(GENRES)])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(graph, ir_version=8, opset_imports=opsets)
    return bytes(made.SerializeToString(deterministic=True))
