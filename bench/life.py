"""Tags for real-life photos that no model here was trained on, against words that people look for.

Each photo has labels (what is in it) and search words (what somebody would look for it by). Found:
a search word is one of its tags. Right: a tag that names a thing is one of its labels or words, or
stands above one. A tag that nobody has labelled counts as wrong, whatever the photo shows.
"""

import csv
import json
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

from tigertag import bootstrap, settings
from tigertag.concepts import Concepts
from tigertag.model import Tag
from tigertag.services import tagging

_SHARED = (Path(__file__).resolve().parents[2] / "shared").resolve()
_NANO = _SHARED / "models" / "yolox_nano.onnx"
_Z95 = 1.96
_SETUPS: Mapping[str, Mapping[str, str]] = {
    "classifier": {"ENGINE_CLASSIFIER_NAME": "tigertag.classifier"},
    "default": {},
    "nano": {
        "ENGINE_CLASSIFIER_NAME": "tigertag.classifier",
        "ENGINE_DETECTOR_NAME": "tigertag.detector",
        "ENGINE_DETECTOR_WEIGHTS": str(_NANO),
    },
}


@dataclass(frozen=True, slots=True)
class _Photo:
    path: Path
    labels: frozenset[str]
    words: frozenset[str]

    @property
    def is_held_out(self) -> bool:
        """Thresholds were chosen on the other half."""
        return zlib.crc32(self.path.name.encode()) % 2 == 1


@dataclass(slots=True)
class _Score:
    """What the tags of photos amount to."""

    photos: int = 0
    tagged: int = 0
    words: int = 0
    found: int = 0
    things: int = 0
    right: int = 0
    people: int = 0
    people_found: int = 0
    misses: list[str] = field(default_factory=list)

    def add(self, photo: _Photo, tags: Sequence[Tag], tree: Concepts) -> None:
        names = {tag.name for tag in tags}
        self.photos += 1
        self.tagged += bool(names)
        self.words += len(photo.words)
        self.found += len(photo.words & names)
        if "person" in photo.words:
            self.people += 1
            self.people_found += "person" in names
        true = _with_all_above(photo.labels | photo.words, tree)
        for tag in tags:
            if {why.label.name for why in tag.because if why.label.box} and _is_thing(tag):
                self.things += 1
                self.right += tag.name in true
                if tag.name not in true:
                    self.misses.append(f"{photo.path.name}: {tag.name}")
        self.misses += [f"{photo.path.name}: no {word}" for word in sorted(photo.words - names)]

    def figures(self, name: str) -> dict[str, float]:
        return {
            f"life_{name}_photos": self.photos,
            f"life_{name}_tagged": self.tagged / self.photos,
            f"life_{name}_found": self.found / self.words,
            f"life_{name}_person": self.people_found / self.people,
            f"life_{name}_right": self.right / self.things if self.things else 1.0,
            f"life_{name}_right_at_least": _lowest(self.right, self.things),
            f"life_{name}_found_at_least": _lowest(self.found, self.words),
        }


def main() -> None:
    figures: dict[str, float] = {}
    if (photos := _photos()) and _NANO.is_file():
        for name, environment in _SETUPS.items():
            both = _Score()
            halves = {False: _Score(), True: _Score()}
            tree, results = _tagged(photos, environment)
            for photo, tags in results:
                both.add(photo, tags, tree)
                halves[photo.is_held_out].add(photo, tags, tree)
            figures |= both.figures(name) | halves[True].figures(f"{name}_other_half")
            (Path(tempfile.gettempdir()) / f"tigertag-life-{name}.txt").write_text(
                "\n".join(both.misses)
            )
    print(json.dumps(figures))


def _photos() -> list[_Photo]:
    table = _SHARED / "life" / "labels.csv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as lines:
        return [
            _Photo(table.parent / row["path"], _split(row["labels"]), _split(row["search_words"]))
            for row in csv.DictReader(lines)
        ]


def _split(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.split("|")))


def _tagged(
    photos: Sequence[_Photo], environment: Mapping[str, str]
) -> tuple[Concepts, list[tuple[_Photo, tuple[Tag, ...]]]]:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as home:
        core = bootstrap.build(settings.load({"TIGERTAG_HOME": home, **environment}))
        by_path = {photo.path: photo for photo in photos}
        pictures = tagging.pictures(core, by_path)
        tags = []
        for result in tagging.tag(core, tagging.local_engines(core, ()), pictures):
            assert not result.errors, result
            tags.append((by_path[result.path], result.tags))
        return core.concepts, tags


def _with_all_above(words: frozenset[str], tree: Concepts) -> set[str]:
    """Return the words by the names of the tree, and all that stands above them."""
    true = set(words)
    for id in filter(None, map(tree.find, words)):
        true |= {tree.name(up) for up in (id, *tree.ancestors(id))}
    return true


def _is_thing(tag: Tag) -> bool:
    """Whether it names what is in a box, and does not follow from it."""
    return any(
        why.label.name == tag.name or why.label.concept == tag.concept for why in tag.because
    )


def _lowest(right: int, of: int) -> float:
    """Return the lower end of the 95 % interval of a share.

    Source: Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    if not of:
        return 0.0
    share, square = right / of, _Z95**2
    spread = _Z95 * sqrt(share * (1 - share) / of + square / (4 * of**2))
    return (share + square / (2 * of) - spread) / (1 + square / of)


if __name__ == "__main__":
    main()
