"""The words of TigerTag as frozen types. Standard library only.

Confidences are in [0, 1], times in seconds, boxes in fractions of the upright picture.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol, get_args
from unicodedata import normalize


class Media(StrEnum):
    """What an item is."""

    PHOTO = "photo"
    VIDEO = "video"
    GROUP = "group"
    """A season or a show: it has no picture of its own, its tags come from what is in it."""


Queue = Literal["default", "video", "paid", "gpu"]
QUEUES: tuple[Queue, ...] = get_args(Queue)
"""What kind of worker items need, where many machines work on a scan."""


class Kind(StrEnum):
    """What a label speaks of. Labels of different kinds never merge into one tag."""

    OBJECT = "object"
    SCENE = "scene"
    FACE = "face"
    GENRE = "genre"
    TEXT = "text"
    STYLE = "style"
    PLACE = "place"
    FACT = "fact"


class Field(StrEnum):
    """Where a tag goes on the server."""

    TAG = "tag"
    LABEL = "label"
    GENRE = "genre"
    COLLECTION = "collection"


class Pixels(Protocol):
    """Upright RGB, uint8, shape (height, width, 3): what numpy.asarray takes without a copy."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def __array_interface__(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a library that can be scanned."""

    library: str
    id: str
    title: str

    @property
    def path(self) -> str:
        """What names it among all sections of all libraries."""
        return f"{self.library}/{self.id}"

    @property
    def called(self) -> str:
        """What people know it by: an id is no name where there is a title."""
        return f"{self.library}/{self.title or self.id}"


@dataclass(frozen=True, slots=True)
class Item:
    """One photo or video, or a group of them (`Media.GROUP`).

    `revision` changes when the media changes and only then. `stamp` is what a listing tells, at no
    cost, of the item's metadata: another one hints that tags may have changed, the same one proves
    nothing; "" means there are no tags at all, None that the listing cannot tell. `within`: the
    keys of the groups that it is in, the nearest first. `file`: where keys are given by a server,
    which may give the same file another one, what names the file and its size (64 characters at
    most); "" where the listing does not tell, or the key itself is the file's place.
    """

    library: str
    section: str
    key: str
    revision: str
    media: Media = Media.PHOTO
    title: str = ""
    size_bytes: int | None = None
    stamp: str | None = None
    within: tuple[str, ...] = ()
    file: str = ""

    @property
    def called(self) -> str:
        """What people know it by: its key where that says more than the title."""
        return self.key if self.title in self.key else self.title


@dataclass(frozen=True, slots=True)
class Frame:
    """One still of an item: the photo itself, or a video at `at_s` seconds."""

    pixels: Pixels
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file, or the server that keeps it, says of itself; None or "" where it is silent.

    `taken_at` is aware where the offset from UTC is known, else the camera's local time. `size_px`:
    width and height, upright. `frames_per_s` is the rate of capture where the file tells it, else
    that of playback; `playback_frames_per_s` is always the latter. `marks`: what else stands there
    in a form that camera makers agree on, such as "motion photo"; see `media/metadata/marks.py`.
    `people`: the names that a server knows the faces by, where it was asked for them.
    """

    taken_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    size_px: tuple[int, int] | None = None
    make: str = ""
    camera: str = ""
    lens: str = ""
    software: str = ""
    comment: str = ""
    frames_per_s: float | None = None
    playback_frames_per_s: float | None = None
    marks: frozenset[str] = frozenset()
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """What an engine gets of an item: its frames, under a name that only the outcome repeats.

    `shots_s`: how long the shots of a video are; empty where that is not known, as where not every
    frame was looked at to find them. `metadata`: None where no engine needs it. There are no frames
    where no engine needs any.
    """

    id: str
    media: Media
    frames: tuple[Frame, ...]
    shots_s: tuple[float, ...] = ()
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the upright picture."""

    left: float
    top: float
    right: float
    bottom: float


NEVER = 2.0
"""The least confidence of a word that is never told: no label is as sure as that."""

UNKNOWN_FACE = "unknown face"
"""The name of a face of nobody known: it is shown, and never becomes a tag."""


@dataclass(frozen=True, slots=True)
class Label:
    """What an engine said. `concept` is a WordNet 3.0 id such as `n02121620`.

    `note` says in one line what it stands on where that is no picture: "GPS 48.2082, 16.3738".
    """

    name: str
    confidence: float
    concept: str | None = None
    kind: Kind = Kind.OBJECT
    box: Box | None = None
    at_s: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """All that an engine said of one item.

    `remainder` is the probability that the labels leave out when they are one distribution
    (labels + remainder = 1); None when each label is scored on its own. `frames`: the times of the
    frames of a video that were looked at one by one; each label then speaks of the frame at its
    `at_s`, and is of that frame's distribution. Without them the labels speak of the item, and
    `at_s` is a time that shows why.
    """

    engine: str
    fingerprint: str
    model: str
    labels: tuple[Label, ...]
    remainder: float | None = None
    cost_usd: float = 0.0
    took_s: float = 0.0
    frames: tuple[float, ...] = ()

    def without(self, kind: Kind) -> "Answer":
        """Return the answer without its labels of one kind."""
        return replace(self, labels=tuple(label for label in self.labels if label.kind is not kind))


@dataclass(frozen=True, slots=True)
class Evidence:
    """One label, and the engine whose it is, that speaks for a tag; "": the user said so."""

    engine: str
    model: str
    label: Label


@dataclass(frozen=True, slots=True)
class Tag:
    """What TigerTag decided, and why. `confidence` is that of the engine that is surest."""

    name: str
    confidence: float
    concept: str | None = None
    kind: Kind = Kind.OBJECT
    field: Field = Field.TAG
    because: tuple[Evidence, ...] = ()

    @property
    def ref(self) -> "TagRef":
        """The tag as it is to stand on a server."""
        return TagRef(self.field, self.name)


def fold(name: str) -> str:
    """Return what makes two spellings one tag: servers change case, trim and compose letters."""
    return normalize("NFC", name.strip()).casefold()


Word = tuple[Field, str]
"""What makes two tags of an item the same: where they are, and their folded name."""


@dataclass(frozen=True, slots=True)
class TagRef:
    """A tag as it stands on a server: its field and its exact spelling."""

    field: Field
    name: str

    @property
    def word(self) -> Word:
        return self.field, fold(self.name)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a library shows of one item now.

    `rest` is a digest of everything but the tags, `revision` that of its media where reading tags
    tells it, else None. `refreshed` is a mark that changes when the server rebuilds the item's
    metadata by itself; "" where a library has no such thing, or a loss of tags counts as the user's
    doing. `field` is where new tags go, `genre_field` where genres go, None: where all tags go.
    `paths`: the hierarchical tags in full, as "Places/Vienna"; `tags` has their last words.
    """

    key: str
    tags: tuple[TagRef, ...] = ()
    locked: frozenset[Field] = frozenset()
    rest: str = ""
    stamp: str | None = None
    refreshed: str = ""
    revision: str | None = None
    field: Field = Field.TAG
    genre_field: Field | None = None
    paths: tuple[str, ...] = ()

    def field_of(self, kind: Kind) -> Field:
        """Return where a new tag of this kind goes."""
        return (self.genre_field if kind is Kind.GENRE else None) or self.field


@dataclass(frozen=True, slots=True)
class Edit:
    """Adds and removes for one item. `locked`: the locks to leave behind; None: as they are."""

    item: Item
    adds: tuple[TagRef, ...] = ()
    removes: tuple[TagRef, ...] = ()
    locked: frozenset[Field] | None = None

    def __bool__(self) -> bool:
        return bool(self.adds or self.removes or self.locked is not None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the user said of a tag on an item: `yes`, it belongs there, or no, it never does.

    `revision`: that of the media of which it was said.
    """

    ref: TagRef
    yes: bool
    revision: str = ""


class TagOwnership(StrEnum):
    """How a tag of ours stands on an item.

    OURS: we wrote it, it is there. KEPT: ours, put back by an undo: not to be removed again.
    HELD: taken off by an undo: not to be added again. TOMBSTONE: the user took it off.
    """

    OURS = "ours"
    KEPT = "kept"
    HELD = "held"
    TOMBSTONE = "tombstone"


class NoticeKind(StrEnum):
    """What a notice may be about."""

    SCAN_FINISHED = "scan-finished"
    SCAN_FAILED = "scan-failed"
    ENGINE_STOPPED = "engine-stopped"
    BUDGET_LOW = "budget-80"
    BUDGET_USED_UP = "budget-used-up"
    LIBRARY_UNREACHABLE = "library-unreachable"
    CANARY_REFUSED = "canary-refused"
    WORKER_MISSING = "worker-missing"
    DISK_LOW = "disk-low"
    BACKUP_FAILED = "backup-failed"
    SCHEMA_REFUSED = "schema-refused"


class RuleAction(StrEnum):
    """What a rule does with a word."""

    DENY = "deny"
    ALLOW = "allow"
    RENAME = "rename"
    THRESHOLD = "threshold"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the policy.

    `word` is a tag's name or concept id, "*" every tag; `engine` "" means every engine. `value` is
    the new name (rename) or the least confidence (threshold). `section` is "library/section id",
    "" everywhere.
    """

    action: RuleAction
    word: str
    engine: str = ""
    value: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What an engine's settings say of its tags.

    `each`: the least confidence of single words, which stands in place of `min_confidence`. A word
    whose least confidence is above 1, as `NEVER` is, is never a tag. `withheld`: words that are no
    tags, from which others may follow. `models`: those of models that the engine may have, in place
    of `min_confidence` and `each`: an answer is judged by the model that gave it.
    """

    min_confidence: float
    max_tags: int
    prefix: str = ""
    each: tuple[tuple[str, float], ...] = ()
    withheld: tuple[str, ...] = ()
    models: tuple[tuple[str, float, tuple[tuple[str, float], ...]], ...] = ()

    def of_model(self, model: str) -> "Thresholds":
        """Return the thresholds of the answers of a model."""
        for name, least, each in self.models:
            if name == model:
                return replace(self, min_confidence=least, each=each)
        return self

    def least(self, name: str) -> float:
        """Return the least confidence of a word as a tag."""
        return NEVER if name in self.withheld else self.least_evidence(name)

    def least_evidence(self, name: str) -> float:
        """Return the least confidence from which on a word speaks for others."""
        own = (least for word, least in self.each if word.casefold() == name.casefold())
        return next(own, self.min_confidence)

    @property
    def lowest(self) -> float:
        """A confidence below which no word can pass."""
        return min([self.min_confidence, *(least for _word, least in self.each)])
