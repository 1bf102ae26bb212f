"""The classes of a network: what each output is called, and which concept it is."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tigertag.concepts import Concepts
from tigertag.errors import ModelError, os_reason

_CONCEPT: Final = re.compile(r"n\d{8}")


@dataclass(frozen=True, slots=True)
class Classes:
    """Names and concepts (None where a class is no known concept), in the outputs' order."""

    names: tuple[str, ...]
    concepts: tuple[str | None, ...]

    @property
    def all_concepts(self) -> bool:
        """Whether every class is in the concept tree, so that probabilities can be summed up it."""
        return None not in self.concepts


def imagenet(concepts: Concepts) -> Classes:
    """Return the 1000 classes of ImageNet."""
    return Classes(tuple(map(concepts.name, concepts.imagenet)), concepts.imagenet)


def read_labels(path: Path, concepts: Concepts) -> Classes:
    """Read a file with one label a line: `name`, or a WordNet id, a tab and the name.

    Raises `ModelError`: it is not there, no UTF-8, empty, or a line has no name.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {os_reason(exc)}.") from exc
    except UnicodeDecodeError as exc:
        raise ModelError(f"{path} is not text in UTF-8.") from exc
    while lines and not lines[-1].strip():
        lines.pop()
    rows = [_row(line) for line in lines]
    for number, (_concept, name) in enumerate(rows, start=1):
        if not name:
            raise ModelError(
                f"{path}, line {number}: there is no name; put one label on each line."
            )
    if not rows:
        raise ModelError(f"{path} is empty; put one label on each line.")
    known = (id if id and concepts.get(id) else None for id, _name in rows)
    return Classes(tuple(name for _id, name in rows), tuple(known))


def _row(line: str) -> tuple[str | None, str]:
    first, tab, rest = line.partition("\t")
    if tab and _CONCEPT.fullmatch(first.strip()):
        return first.strip(), rest.strip()
    return None, line.strip()
