"""Labels out of the `result` of GET /tags."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import TypeGuard

from tigertag.model import Label


def labels(
    result: Mapping[str, object], language: str, *, at_s: float | None
) -> tuple[Label, ...] | None:
    """Return the labels, surest first; None where this is no answer at all.

    `{"tags": [{"confidence": 61.4, "tag": {"en": "mountain"}}]}`, of 100; the key is the language.
    """
    told = result.get("tags")
    if not isinstance(told, list):
        return None
    read = tuple(_read(told, language, at_s))
    return None if told and not read else tuple(sorted(read, key=lambda one: -one.confidence))


def _read(told: list[object], language: str, at_s: float | None) -> Iterator[Label]:
    for entry in told:
        if not isinstance(entry, Mapping):
            continue
        name, confidence = _name(entry.get("tag"), language), entry.get("confidence")
        if name and _is_number(confidence):
            yield Label(name, min(1.0, max(0.0, confidence / 100)), at_s=at_s)


def _name(names: object, language: str) -> str:
    """Return the name in this language, or the only one that there is."""
    if not isinstance(names, Mapping):
        return ""
    only = next(iter(names.values())) if len(names) == 1 else None
    name = names.get(language, only)
    return name.strip() if isinstance(name, str) else ""


def _is_number(told: object) -> TypeGuard[int | float]:
    return isinstance(told, int | float) and not isinstance(told, bool) and isfinite(told)
