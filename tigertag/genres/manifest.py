"""What a genre model says of itself: its manifest.json."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import PurePath
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
)

from tigertag.contracts import Sampling
from tigertag.errors import ModelError
from tigertag.genres.pooling import Pooling
from tigertag.genres.pooling import width as pooled_width
from tigertag.text import tidy

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
HEAD: Final = "head.onnx"
ARCHIVE: Final = "archive.skops"
EXAMPLES: Final = "examples.json"
BACKBONE: Final = "backbone.onnx"
"""There only where the backbone is the user's own."""
SEAL: Final = "manifest.json.sha256"
"""The fingerprint of the manifest, so that one that was changed is noticed: see `sha256sum -c`."""
_ANSWERING: Final = {"fingerprint", "side_px", "mean", "deviation"}
"""What answers depend on of a backbone; an own one may be called anything."""
_OTHER_FORMAT: Final = f"has a format that this version does not know; format {FORMAT} is known"


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    return at.astimezone(UTC)


def _tidied(name: str) -> str:
    if not (found := tidy(name)):
        raise ValueError("a name is missing")
    return found


Named = Annotated[str, AfterValidator(_tidied)]
"""What may be shown and written: see `text.tidy`."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Colours = tuple[float, float, float]


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=()
    )


class BackboneOf(_Part):
    """The network whose embeddings were learned from.

    `mean`, `deviation`: what an own one takes, (p / 255 - mean) / deviation; a known one knows.
    """

    name: Named
    fingerprint: str
    side_px: int = Field(gt=0, le=4096)
    own: bool = False
    mean: Colours | None = None
    deviation: Colours | None = None


class SamplingOf(_Part):
    """`contracts.Sampling`, as it is written down."""

    by: Literal["scenes", "interval", "keyframes"]
    interval_s: float
    max_frames: int
    scene_threshold: float
    exact: bool

    @classmethod
    def noted(cls, sampling: Sampling) -> "SamplingOf":
        return cls.model_validate(sampling, from_attributes=True)

    @property
    def taken(self) -> Sampling:
        return Sampling(**self.model_dump())


class GenreOf(_Part):
    """One genre: as servers spell it, and its canonical name. `films` were learned from.

    `threshold`: the probability from which on it is told; None: too weak to be told.
    """

    name: Named
    canonical: Named
    films: Count
    threshold: Probability | None


class SourceOf(_Part):
    """Where examples came from: a CSV, perhaps with its matrix, or a section of a library.

    `section` is its id, `title` what people know it by.
    """

    csv: str | None = None
    matrix: str | None = None
    library: str | None = None
    section: str | None = None
    title: str | None = None

    @property
    def called(self) -> str:
        """What people know it by: of a CSV the last part of its path."""
        return (
            PurePath(self.csv).name if self.csv else f"{self.library}/{self.title or self.section}"
        )


class LeftOut(_Part):
    """Words that are no genre, and genres with too few examples; how many examples had them."""

    words: dict[str, Count] = {}
    genres: dict[str, Count] = {}


class DataOf(_Part):
    """What there was, in numbers. `tested` of the films were held out, chosen as `split` says.

    `years`: the first and the last, where they are known. `footage`: what was looked at of videos,
    as `Library.footage` has it; None: that is not known.
    """

    source: SourceOf
    films: Count
    tested: Count
    examples: Count
    videos: Count
    pictures: Count
    years: tuple[int, int] | None = None
    left_out: LeftOut = LeftOut()
    footage: str | None = None
    split: Literal["time", "time and film", "film"]


class SettingsOf(_Part):
    """How it was learned. `words`: the file that told more words for genres."""

    c: float = Field(gt=0)
    folds: int = Field(ge=2)
    precision: Probability
    min_examples: Count
    words: str | None = None


def _unlike(genres: tuple[GenreOf, ...]) -> tuple[GenreOf, ...]:
    if len({genre.name.casefold() for genre in genres}) < len(genres):
        raise ValueError("a genre is there twice")
    return genres


class Manifest(_Part):
    """All of it. `files`: the SHA-256 of every other file; `program`: the version that learned.

    `view`: the version of the tiles that frames are seen as; `dimensions`: of an embedding.
    """

    format: Literal[1] = FORMAT
    name: str
    made_at: Annotated[datetime, AfterValidator(_in_utc)]
    backbone: BackboneOf
    sampling: SamplingOf
    view: int
    pooling: Pooling
    dimensions: int = Field(gt=0, le=65_536)
    genres: Annotated[
        tuple[GenreOf, ...], Field(min_length=1, max_length=1000), AfterValidator(_unlike)
    ]
    data: DataOf
    settings: SettingsOf
    metrics: dict[str, JsonValue]
    program: str
    files: dict[str, Sha256] = {}

    @property
    def width(self) -> int:
        """How long a pooled vector is."""
        return pooled_width(self.pooling, self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """The genres, in the head's order."""
        return tuple(genre.name for genre in self.genres)

    @property
    def thresholds(self) -> dict[str, float | None]:
        return {genre.name: genre.threshold for genre in self.genres}

    @property
    def identity(self) -> str:
        """What its answers depend on, in one SHA-256.

        That is the head, the backbone, how frames are chosen, seen and pooled, and the genres'
        names; not thresholds or figures, nor when and by which version it was learned.
        """
        facts = self.model_dump_json(
            include={"sampling": True, "view": True, "pooling": True, "backbone": _ANSWERING}
        )
        told = [self.files.get(HEAD, ""), facts, *self.names]
        return sha256(json.dumps(told).encode()).hexdigest()

    def written(self) -> bytes:
        return self.model_dump_json(indent=1).encode() + b"\n"


def fingerprint(data: bytes) -> str:
    """Return what tells a model from every other: the SHA-256 of its manifest."""
    return sha256(data).hexdigest()


def seal(data: bytes) -> bytes:
    """Return the seal of a manifest."""
    return f"{fingerprint(data)}  {MANIFEST}\n".encode()


def read(data: bytes) -> Manifest:
    """Return the manifest. Raises `ModelError`, one line that says what is wrong with it."""
    try:
        found = Manifest.model_validate_json(data)
    except ValidationError as exc:
        raise ModelError(f"its {MANIFEST} {_fault(exc)}") from exc
    if "format" not in found.model_fields_set:
        raise ModelError(f"its {MANIFEST} {_OTHER_FORMAT}")
    return found


def _fault(exc: ValidationError) -> str:
    errors = exc.errors(include_url=False, include_context=False)
    for error in errors:
        if error["loc"] == ("format",):
            return _OTHER_FORMAT
    first = errors[0]
    if first["type"] == "json_invalid":
        return "is no JSON"
    where = ".".join(str(part) for part in first["loc"]) or "it"
    message = first["msg"].removeprefix("Value error, ")
    return f"does not fit: {where}: {message[:1].lower()}{message[1:]}"
