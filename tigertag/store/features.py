"""Which features are kept in files, and which content is where, so that it is not read again."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, select

from tigertag.store import schema
from tigertag.store.database import Db
from tigertag.store.sql import insert_or_replace

_features = schema.features
_origins = schema.feature_origins

_LONGEST_BYTES: Final = 1024
"""What is longer is known by its hash: PostgreSQL indexes no text above about 2700 bytes."""


@dataclass(frozen=True, slots=True)
class FeatureKey:
    """What features depend on: the file's content, and what they were extracted with.

    `content`: its `content_hash`. `backbone`: a fingerprint. `sampler`: a `Sampling.name`; "" for
    a picture.
    """

    content: str
    backbone: str
    sampler: str

    @property
    def parts(self) -> tuple[str, str, str]:
        return self.content, self.backbone, self.sampler


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """Features that are kept. `file`: its path within the folder of records."""

    key: FeatureKey
    file: str
    frames: int
    dimensions: int
    size_bytes: int
    made_at: datetime


def content_of(db: Db, origin: str, revision: str) -> str | None:
    """Return the hash of what is there; None where that is not known of this revision.

    `origin` says where it is: "file:" and a path, "library/section/key", a link.
    """
    where = (_origins.c.origin == _known_as(origin), _origins.c.revision == revision)
    return db.execute(select(_origins.c.content).where(*where)).scalar()


def note_origin(db: Db, origin: str, revision: str, content: str) -> None:
    """Note what is there, in place of what was."""
    row = {"origin": _known_as(origin), "revision": revision, "content": content}
    insert_or_replace(db, _origins, [row], key=["origin"])


def find(db: Db, key: FeatureKey) -> FeatureRow | None:
    row = db.execute(select(_features).where(*_of(key))).one_or_none()
    if row is None:
        return None
    return FeatureRow(key, row.file, row.frames, row.dimensions, row.size_bytes, row.made_at)


def put(db: Db, row: FeatureRow) -> None:
    values = _columns(row.key) | {
        "file": row.file,
        "frames": row.frames,
        "dimensions": row.dimensions,
        "size_bytes": row.size_bytes,
        "made_at": row.made_at,
    }
    insert_or_replace(db, _features, [values], key=list(_columns(row.key)))


def forget(db: Db, key: FeatureKey) -> None:
    db.execute(delete(_features).where(*_of(key)))


def _of(key: FeatureKey) -> list[ColumnElement[bool]]:
    return [_features.c[name] == value for name, value in _columns(key).items()]


def _columns(key: FeatureKey) -> dict[str, Any]:
    return {"content": key.content, "backbone": key.backbone, "sampler": key.sampler}


def _known_as(origin: str) -> str:
    """Return the text itself, or its hash where a database cannot take or find the text."""
    data = origin.encode("utf-8", "surrogatepass")
    if len(data) <= _LONGEST_BYTES and origin.isprintable():
        return origin
    return f"sha256:{sha256(data).hexdigest()}"
