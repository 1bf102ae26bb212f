"""Answers: kept for ever, never changed."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, select

from tigertag.model import Answer
from tigertag.store import schema
from tigertag.store.database import Db
from tigertag.store.packing import dumps, pack_labels, unpack_labels
from tigertag.store.sql import insert_if_absent, slices

_answers = schema.answers


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
    insert_if_absent(db, _answers, [_values(row) for row in rows])


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
    columns = [_answers.c[name] for name in names]
    found: set[tuple[int, str]] = set()
    for some in slices(list(revisions)):
        statement = select(*columns).where(
            _answers.c.item_id.in_(some),
            _answers.c.engine.in_(list(fingerprints)),
        )
        if round:
            statement = statement.where(_answers.c.round == round)
        for item_id, engine, revision, fingerprint, sampler in db.execute(statement):
            sampled = sampler == samplers.get(item_id, sampler)
            same = engine in paid or (sampled and fingerprint == fingerprints[engine])
            if same and revision == revisions[item_id]:
                found.add((item_id, engine))
    return found


@dataclass(slots=True)
class Current:
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
) -> dict[int, Current]:
    """Return, for each item, each engine's answer that counts.

    That is the newest one for the item's revision by the engine's fingerprint and the sampler;
    else, for an engine that failed, waits, or is gone, the newest one it gave.
    """
    best: dict[tuple[int, str], tuple[tuple[bool, bool, bool, int], Row[Any]]] = {}
    for some in slices(list(revisions)):
        for row in db.execute(select(_answers).where(_answers.c.item_id.in_(some))):
            rank = (
                row.revision == revisions[row.item_id],
                row.fingerprint == fingerprints.get(row.engine, row.fingerprint),
                row.sampler == samplers.get(row.item_id, row.sampler),
                row.id,
            )
            known = best.get((row.item_id, row.engine))
            if known is None or rank > known[0]:
                best[row.item_id, row.engine] = (rank, row)
    found = {item_id: Current() for item_id in revisions}
    for (item_id, _engine), (rank, row) in sorted(best.items(), key=lambda entry: entry[0]):
        answers = found[item_id].now if rank[0] else found[item_id].earlier
        answers.append(unpacked(row))
    return found


def unpacked(row: Row[Any]) -> Answer:
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
