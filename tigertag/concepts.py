"""The concept tree: the 1000 ImageNet classes and the plain words above them.

Ids are those of WordNet 3.0 (`n02121620`). A concept's parents say what a photo of it also shows:
they are its nearest ancestors in WordNet for which people have an everyday or a tag's word.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that a photo may show. `everyday`: people search by this very word.

    `general`: they do so even where there is a nearer word: "dog" and "animal".
    """

    id: str
    name: str
    parents: tuple[str, ...]
    everyday: bool
    general: bool = False


class Concepts:
    """The concepts, a directed graph without cycles. Immutable; safe to share between threads.

    Every method but `get` and `find` raises KeyError for an id that it does not know.
    """

    def __init__(
        self,
        concepts: Iterable[Concept],
        *,
        imagenet: Iterable[str] = (),
        words: Mapping[str, str] | None = None,
    ) -> None:
        """`concepts` without a cycle, `imagenet` in class order, `words` case-folded."""
        self._concepts = {concept.id: concept for concept in concepts}
        self._words = dict(words or {})
        self.imagenet = tuple(imagenet)
        self._ancestors = {id: self._upwards(id) for id in self._concepts}
        self._everyday = {id: self._nearest_everyday(id) for id in self._concepts}

    def __iter__(self) -> Iterator[Concept]:
        return iter(self._concepts.values())

    def __len__(self) -> int:
        return len(self._concepts)

    def get(self, id: str) -> Concept | None:
        """The concept, None if there is none of this id."""
        return self._concepts.get(id)

    def name(self, id: str) -> str:
        """The word that is written as a tag. No two concepts share one, whatever the case."""
        return self._concepts[id].name

    def ancestors(self, id: str) -> tuple[str, ...]:
        """All concepts above it, nearest first, each once, always in the same order."""
        return self._ancestors[id]

    def everyday_ancestor(self, id: str) -> str | None:
        """The nearest concept above it that people search by; None if it is one itself."""
        return self._everyday[id]

    def general_ancestors(self, id: str) -> tuple[str, ...]:
        """All concepts above it that are `general`, nearest first."""
        return tuple(up for up in self._ancestors[id] if self._concepts[up].general)

    def find(self, word: str) -> str | None:
        """The id that a word means in a photo's tags; None if that is unknown or in doubt."""
        return self._words.get(" ".join(word.casefold().split()))

    def _upwards(self, id: str) -> tuple[str, ...]:
        seen: dict[str, None] = {}
        level: list[str] = [id]
        while level:
            level = [up for low in level for up in self._concepts[low].parents if up not in seen]
            seen.update(dict.fromkeys(level))
        return tuple(seen)

    def _nearest_everyday(self, id: str) -> str | None:
        if self._concepts[id].everyday:
            return None
        above = (self._concepts[up] for up in self._ancestors[id])
        return next((concept.id for concept in above if concept.everyday), None)


@cache
def load() -> Concepts:
    """Read the tree that comes with the program, once."""
    # Imported here because they take longer than the rest of this module.
    import json
    from importlib.resources import files

    text = files("tigertag").joinpath("data", "concepts.json").read_text(encoding="utf-8")
    data = json.loads(text)
    everyday, general = frozenset(data["everyday"]), frozenset(data["general"])
    concepts = [
        Concept(id, name, tuple(parents), id in everyday, id in general)
        for id, (name, *parents) in data["concepts"].items()
    ]
    return Concepts(concepts, imagenet=data["imagenet"], words=data["words"])
