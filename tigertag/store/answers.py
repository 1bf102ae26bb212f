"""Answers, kept for ever and never changed; and which features are kept in files, of what."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Row, select

from tigertag.model import Answer, Kind
from tigertag.store import schema
from tigertag.store.database import Db, insert_if_absent, insert_or_replace, rows_in
from tigertag.store.packing import dumps, pack_labels, unpack_labels

_answers = schema.answers
_features = schema.features
_origins = schema.feature_origins
_LONGEST_BYTES: Final = 1024
"""What is longer is known by its hash: PostgreSQL indexes no text above about 2700 bytes."""

PHOTO = "photo"
"""The sampler of a photo, which is its own only frame."""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """An answer, and which item in which revision it speaks of.

    `sampler`: how the frames of the item were chosen.
    """

    item_id: int
    revision: str
    round: int
    answer: Answer
    sampler: str = PHOTO


def keep(db: Db, rows: Iterable[AnswerRow]) -> None:
    """Keep answers; one that is known already stays as it is."""
    # In one order: who has lost a chunk keeps what was paid for beside who has it now.
    in_order = sorted(rows, key=lambda row: (row.item_id, row.answer.engine))
    insert_if_absent(db, _answers, [_values(row) for row in in_order])


def _values(row: AnswerRow) -> dict[str, Any]:
    answer = row.answer
    return {
        "item_id": row.item_id,
        "revision": row.revision,
        "round": row.round,
        "engine": answer.engine,
        "fingerprint": answer.fingerprint,
        "sampler": row.sampler,
        "model": answer.model,
        "labels": pack_labels(answer.labels),
        "remainder": answer.remainder,
        "cost_usd": answer.cost_usd,
        "took_s": answer.took_s,
        "frames": dumps(answer.frames) if answer.frames else "",
        "answered_at": datetime.now(UTC),
    }


def answered(
    db: Db,
    revisions: Mapping[int, str],
    fingerprints: Mapping[str, str],
    *,
    samplers: Mapping[int, str] = MappingProxyType({}),
    round: int,
    paid: Collection[str] = (),
) -> set[tuple[int, str]]:
    """Return the (item, engine) for which an answer is kept.

    `revisions` and `samplers` go by the items' ids, `fingerprints` by the engines. A `round` other
    than 0 asks for the answers of that round alone. Of a `paid` engine any answer will do, whatever
    its fingerprint and sampler: it is asked anew only when somebody says so.
    """
    names = ("item_id", "engine", "revision", "fingerprint", "sampler")
    statement = select(*[_answers.c[name] for name in names])
    statement = statement.where(_answers.c.engine.in_(list(fingerprints)))
    if round:
        statement = statement.where(_answers.c.round == round)
    return {
        (row.item_id, row.engine)
        for row in rows_in(db, statement, _answers.c.item_id, revisions)
        if row.revision == revisions[row.item_id]
        and (
            row.engine in paid
            or (
                row.fingerprint == fingerprints[row.engine]
                and row.sampler == samplers.get(row.item_id, row.sampler)
            )
        )
    }


@dataclass(slots=True)
class CurrentAnswers:
    """The answers that count for one item, one an engine.

    `now` are of the item's revision. `earlier` are of another one, of engines that have no answer
    for this one: it may be another picture. They may keep a tag that is there, never add one.
    """

    now: list[Answer] = field(default_factory=list)
    earlier: list[Answer] = field(default_factory=list)

    @property
    def every(self) -> list[Answer]:
        return self.now + self.earlier


def current(
    db: Db,
    revisions: Mapping[int, str],
    fingerprints: Mapping[str, str],
    samplers: Mapping[int, str] = MappingProxyType({}),
) -> dict[int, CurrentAnswers]:
    """Return, for each item, each engine's answer that counts.

    That is the newest one for the item's revision by the engine's fingerprint and the sampler;
    else, for an engine that failed, waits, or is gone, the newest one it gave. Places count only
    where the fingerprint is that of the engine: one that was made private since is in another.
    """
    best: dict[tuple[int, str], tuple[tuple[bool, bool, bool, int], Row[Any]]] = {}
    for row in rows_in(db, select(_answers), _answers.c.item_id, revisions):
        rank = (
            row.revision == revisions[row.item_id],
            row.fingerprint == fingerprints.get(row.engine, row.fingerprint),
            row.sampler == samplers.get(row.item_id, row.sampler),
            row.id,
        )
        before = best.get((row.item_id, row.engine))
        if before is None or rank > before[0]:
            best[row.item_id, row.engine] = (rank, row)
    counting = {item_id: CurrentAnswers() for item_id in revisions}
    for (item_id, _engine), (rank, row) in sorted(best.items(), key=lambda entry: entry[0]):
        answers = counting[item_id].now if rank[0] else counting[item_id].earlier
        answer = answer_of(row)
        answers.append(answer if rank[1] else answer.without(Kind.PLACE))
    return counting


def answer_of(row: Row[Any]) -> Answer:
    return Answer(
        row.engine,
        row.fingerprint,
        row.model,
        unpack_labels(row.labels),
        row.remainder,
        row.cost_usd,
        row.took_s,
        tuple(json.loads(row.frames or "[]")),
    )


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
    return db.scalar(select(_origins.c.content).where(*where))


def note_origin(db: Db, origin: str, revision: str, content: str) -> None:
    """Note what is there, in place of what was."""
    row = {"origin": _known_as(origin), "revision": revision, "content": content}
    insert_or_replace(db, _origins, [row], key=["origin"])


def put_features(db: Db, row: FeatureRow) -> None:
    values = asdict(row)
    key = values.pop("key")
    insert_or_replace(db, _features, [key | values], key=list(key))


def _known_as(origin: str) -> str:
    """Return the text itself, or its hash where a database cannot take or find the text."""
    data = origin.encode("utf-8", "surrogatepass")
    if len(data) <= _LONGEST_BYTES and origin.isprintable():
        return origin
    return f"sha256:{sha256(data).hexdigest()}"
