"""A small model as it is kept: three genres, of which it says the embedding itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.unit.genres.heads import head
from tigertag.contracts import Sampling
from tigertag.genres.genre_model import GenreModel
from tigertag.genres.manifest import (
    ARCHIVE,
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

FILES: Mapping[str, bytes] = {HEAD: head(), ARCHIVE: b"PK\x03\x04 and so on", EXAMPLES: b"[]"}


def manifest(**changed: Any) -> Manifest:
    told: dict[str, Any] = {
        "name": "mine",
        "made_at": datetime(2026, 5, 1, tzinfo=UTC),
        "backbone": BackboneOf(name="efficientnet-lite0", fingerprint="57934424", side_px=224),
        "sampling": SamplingOf.noted(Sampling(max_frames=60)),
        "view": 1,
        "pooling": "mean",
        "dimensions": 3,
        "genres": tuple(
            GenreOf(name=name, canonical=name, films=60, threshold=threshold)
            for name, threshold in (("Action", 0.5), ("Drama", 0.6), ("Western", None))
        ),
        "data": DataOf(
            source=SourceOf(csv="films.csv"),
            films=100,
            tested=20,
            examples=100,
            videos=0,
            pictures=100,
            split="time",
        ),
        "settings": SettingsOf(c=1e-3, folds=5, precision=0.7, min_examples=50),
        "metrics": {"macro_ap": 0.33},
        "program": "0.6",
    }
    return Manifest(**{**told, **changed})


def kept(folder: Path, files: Mapping[str, bytes] = FILES, **changed: Any) -> GenreModel:
    """Keep a model in the folder and return it."""
    return Models(folder).save(manifest(**changed), files)
