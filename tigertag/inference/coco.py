"""What a detector's classes are called, and from what score on each is to be believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from tigertag.contracts import LeastConfidences

FACE: Final = "face"
"""The label of a face that was found: evidence for a person, and no tag by itself."""

OWN: Final = "own"
"""The thresholds of a model that is none of those that are known."""


@dataclass(frozen=True, slots=True)
class CocoClass:
    """A class by COCO's name, and its WordNet 3.0 id, None where there is none.

    `common`: people look for it in their photos.
    """

    name: str
    concept: str | None
    common: bool = True


@dataclass(frozen=True, slots=True)
class Coco:
    """All classes in the order of the models' outputs; the thresholds by the models' names."""

    classes: tuple[CocoClass, ...]
    least_scores: Mapping[str, LeastConfidences]

    def of_model(self, model: str) -> LeastConfidences:
        return self.least_scores.get(model) or self.least_scores[OWN]

    @property
    def uncommon(self) -> frozenset[str]:
        return frozenset(each.name for each in self.classes if not each.common)


@cache
def load() -> Coco:
    """Read the file that comes with the program, once."""
    from importlib.resources import files

    import yaml

    text = files("tigertag").joinpath("data", "coco.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    uncommon = frozenset(data["uncommon"])
    classes = tuple(
        CocoClass(name, concept, name not in uncommon) for name, concept in data["classes"]
    )
    return Coco(classes, {model: _scores(each) for model, each in data["least_scores"].items()})


def people() -> tuple[CocoClass, CocoClass]:
    """Return the classes of `inference.people`: a person, a face."""
    return load().classes[0], CocoClass(FACE, None)


def _scores(each: Mapping[str, float]) -> LeastConfidences:
    return LeastConfidences(each["default"], {k: v for k, v in each.items() if k != "default"})
