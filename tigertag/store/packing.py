"""Values of several parts as compact JSON in one column."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tigertag.bounds import is_text
from tigertag.errors import Unstorable
from tigertag.model import Box, Evidence, Field, Kind, Label, Shown, Tag, TagRef


def dumps(value: Any) -> str:
    """Compact JSON; halves of surrogate pairs, which no database takes, are escaped."""
    try:
        packed = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as exc:
        raise Unstorable("A number is not finite.") from exc
    return packed if is_text(packed) else json.dumps(value, separators=(",", ":"))


def pack_labels(labels: Iterable[Label]) -> str:
    """`[name, confidence, concept, kind, box, at_s, note]` a label, without what is as usual."""
    return dumps([_label(label) for label in labels])


def _label(label: Label) -> list[Any]:
    row: list[Any] = [label.name, label.confidence, label.concept]
    box = None if label.box is None else list(asdict(label.box).values())
    if label.kind is not Kind.OBJECT or box is not None or label.at_s is not None or label.note:
        row += [label.kind.value, box, label.at_s]
    return [*row, label.note] if label.note else row


def unpack_labels(packed: str) -> tuple[Label, ...]:
    return tuple(_unpacked_label(row) for row in json.loads(packed))


def _unpacked_label(row: list[Any]) -> Label:
    if len(row) == 3:
        return Label(row[0], row[1], row[2])
    name, confidence, concept, kind, box, at_s, *note = row
    return Label(name, confidence, concept, Kind(kind), Box(*box) if box else None, at_s, *note)


def pack_tags(tags: Iterable[Tag]) -> str:
    return dumps([
        [tag.name, tag.confidence, tag.concept, tag.kind, tag.field,
         [[why.engine, why.model, _label(why.label)] for why in tag.because]]
        for tag in tags
    ])  # fmt: skip


def unpack_tags(packed: str) -> tuple[Tag, ...]:
    return tuple(
        Tag(
            name,
            confidence,
            concept,
            Kind(kind),
            Field(field),
            tuple(Evidence(engine, model, _unpacked_label(row)) for engine, model, row in because),
        )
        for name, confidence, concept, kind, field, because in json.loads(packed)
    )


def pack_pairs(pairs: Sequence[tuple[str, float]]) -> str:
    """Words with a number each; "" where there are none."""
    return dumps(pairs) if pairs else ""


def unpack_pairs(packed: str) -> tuple[tuple[str, float], ...]:
    return tuple((word, number) for word, number in json.loads(packed or "[]"))


def pack_words(words: Sequence[str]) -> str:
    """Words; "" where there are none."""
    return dumps(words) if words else ""


def unpack_words(packed: str) -> tuple[str, ...]:
    return tuple(json.loads(packed or "[]"))


Models = tuple[tuple[str, float, tuple[tuple[str, float], ...]], ...]


def pack_models(models: Models) -> str:
    """See `Thresholds.models`; "" where there are none."""
    return dumps(models) if models else ""


def unpack_models(packed: str) -> Models:
    return tuple(
        (model, least, tuple((word, number) for word, number in each))
        for model, least, each in json.loads(packed or "[]")
    )


def pack_refs(refs: Iterable[TagRef]) -> str:
    return dumps([[ref.field, ref.name] for ref in refs])


def unpack_refs(packed: str) -> tuple[TagRef, ...]:
    return tuple(TagRef(Field(field), name) for field, name in json.loads(packed))


def pack_shown(shown: Shown) -> str:
    return dumps({
        "key": shown.key,
        "tags": [[ref.field, ref.name] for ref in shown.tags],
        "locked": sorted(shown.locked),
        "rest": shown.rest,
        "stamp": shown.stamp,
        "refreshed": shown.refreshed,
    })  # fmt: skip


def unpack_shown(packed: str) -> Shown:
    row = json.loads(packed)
    return Shown(
        row["key"],
        tuple(TagRef(Field(field), name) for field, name in row["tags"]),
        frozenset(Field(field) for field in row["locked"]),
        row["rest"],
        row["stamp"],
        row["refreshed"],
    )
