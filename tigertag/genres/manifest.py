"""The manifest.json of a genre model: how it was learned, and what it is worth."""

import json
from collections.abc import Mapping
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
from tigertag.genres.features import Pooling, pooled_width
from tigertag.text import tidy

FORMAT: Final = 2
"""1: the head was an ONNX graph, and what it was compared with an archive of scikit-learn's."""
MANIFEST: Final = "manifest.json"
HEAD: Final = "head.npz"
BASELINES: Final = "baselines.npz"
EXAMPLES: Final = "examples.json"
BACKBONE: Final = "backbone.onnx"
"""There only where the backbone is the user's own."""
SEAL: Final = "manifest.json.sha256"
"""The SHA-256 of the manifest, so that one that was changed is noticed: see `sha256sum -c`."""
_OTHER_FORMAT: Final = f"has a format that this version does not know; format {FORMAT} is known"
_ANSWERS_DEPEND_ON: Final[Mapping[str, bool | set[str]]] = {
    "sampling": True,
    "view": True,
    "pooling": True,
    # An own backbone may be called anything.
    "backbone": {"fingerprint", "side_px", "mean", "deviation"},
}


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    return at.astimezone(UTC)


def _tidied(name: str) -> str:
    if not (tidied := tidy(name)):
        raise ValueError("a name is missing")
    return tidied


Name = Annotated[str, AfterValidator(_tidied)]
"""What may be shown and written: see `text.tidy`."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Rgb = tuple[float, float, float]


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=()
    )


class BackboneInfo(_Part):
    """The network whose embeddings were learned from.

    `mean`, `deviation`: what an own one takes, (p / 255 - mean) / deviation; a known one knows.
    """

    name: Name
    fingerprint: str
    side_px: int = Field(gt=0, le=4096)
    own: bool = False
    mean: Rgb | None = None
    deviation: Rgb | None = None


class GenreInfo(_Part):
    """One genre: as servers spell it, and its canonical name. `films` were learned from.

    `threshold`: the probability from which on it is sure; None: it never is.
    """

    name: Name
    canonical: Name
    films: Count
    threshold: Probability | None


class SourceInfo(_Part):
    """Where examples came from: a CSV, or a section (its id and title) of a library."""

    csv: str | None = None
    library: str | None = None
    section: str | None = None
    title: str | None = None

    @property
    def display_name(self) -> str:
        if self.csv:
            return PurePath(self.csv).name
        return f"{self.library}/{self.title or self.section}"


class LeftOutFilms(_Part):
    """Words that are no genre, and genres with too few examples; how many examples had them."""

    words: dict[str, Count] = {}
    genres: dict[str, Count] = {}


class DataInfo(_Part):
    """The examples in numbers. `tested` of the films were held out, chosen as `split` says.

    `years`: the first and the last, where they are known. `footage`: what was looked at of videos,
    as `Library.footage` has it; None: that is not known.
    """

    source: SourceInfo
    films: Count
    tested: Count
    examples: Count
    videos: Count
    pictures: Count
    years: tuple[int, int] | None = None
    left_out: LeftOutFilms = LeftOutFilms()
    footage: str | None = None
    split: Literal["time", "time and film", "film"]


class FitSettings(_Part):
    """How it was learned. `words`: the file with more words for genres."""

    c: float = Field(gt=0)
    folds: int = Field(ge=2)
    precision: Probability
    min_examples: Count
    words: str | None = None


def _all_different(genres: tuple[GenreInfo, ...]) -> tuple[GenreInfo, ...]:
    if len({genre.name.casefold() for genre in genres}) < len(genres):
        raise ValueError("a genre is there twice")
    return genres


class Manifest(_Part):
    """All of it. `files`: the SHA-256 of every other file; `program`: the version that learned.

    `view`: the version of the tiles that frames are seen as; `dimensions`: of an embedding.
    """

    format: Literal[2] = FORMAT
    name: str
    made_at: Annotated[datetime, AfterValidator(_in_utc)]
    backbone: BackboneInfo
    sampling: Sampling
    view: int
    pooling: Pooling
    dimensions: int = Field(gt=0, le=65_536)
    genres: Annotated[
        tuple[GenreInfo, ...], Field(min_length=1, max_length=1000), AfterValidator(_all_different)
    ]
    data: DataInfo
    settings: FitSettings
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
    def thresholds(self) -> dict[str, float]:
        """The threshold of each genre that has one."""
        thresholds = {genre.name: genre.threshold for genre in self.genres}
        return {name: least for name, least in thresholds.items() if least is not None}

    @property
    def identity(self) -> str:
        """All that its answers depend on, in one SHA-256.

        That is the head, the backbone, how frames are chosen, seen and pooled, and the genres'
        names; not thresholds or figures, nor when and by which version it was learned.
        """
        facts = self.model_dump_json(include=_ANSWERS_DEPEND_ON)
        parts = [self.files.get(HEAD, ""), facts, *self.names]
        return sha256(json.dumps(parts).encode()).hexdigest()

    def to_json(self) -> bytes:
        return self.model_dump_json(indent=1).encode() + b"\n"


def seal(data: bytes) -> bytes:
    return f"{sha256(data).hexdigest()}  {MANIFEST}\n".encode()


def read(data: bytes) -> Manifest:
    """Return the manifest. Raises `ModelError`, one line that says what is wrong with it."""
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as exc:
        raise ModelError(f"its {MANIFEST} {_fault(exc)}") from exc
    if "format" not in manifest.model_fields_set:
        raise ModelError(f"its {MANIFEST} {_OTHER_FORMAT}")
    return manifest


def _fault(exc: ValidationError) -> str:
    errors = exc.errors(include_url=False, include_context=False)
    if any(error["loc"] == ("format",) for error in errors):
        return _OTHER_FORMAT
    first = errors[0]
    if first["type"] == "json_invalid":
        return "is no JSON"
    where = ".".join(str(part) for part in first["loc"]) or "it"
    message = first["msg"].removeprefix("Value error, ")
    return f"does not fit: {where}: {message[:1].lower()}{message[1:]}"
