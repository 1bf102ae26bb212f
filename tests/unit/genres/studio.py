"""Films that nobody made: red ones are horror, green ones westerns, blue ones about war."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.colours import COLOURS
from tests.fake_library import FakeLibrary
from tests.unit.genres.colour_features import Heard, picture
from tests.unit.inference import tiny
from tests.unit.libraries.plex.films import film
from tests.world import World
from tigertag.contracts import Need, Source
from tigertag.genres import film_list, learn
from tigertag.genres.labelled import LabelledSet
from tigertag.genres.learn import BackboneChoice, Learned, LearnRequest
from tigertag.genres.models import models_of
from tigertag.model import Field, Item

GENRES = {"red": "Horror", "green": "Western", "blue": "War"}
FILMS = 75


def colour(number: int) -> str:
    return list(GENRES)[number % 3]


def posters(folder: Path, films: int = FILMS, *, name: str = "films.csv", first: int = 0) -> Path:
    """Write a CSV of posters, all different, of films of the years from 1930 on."""
    rows = ["path,genres,title,year"]
    (folder / "posters").mkdir(exist_ok=True)
    for number in range(first, first + films):
        shade = int(np.random.default_rng(number).integers(-20, 20))
        path = f"posters/{number}.png"
        (folder / path).write_bytes(picture(colour(number), shade) + b"%d" % number)
        rows.append(f"{path},{GENRES[colour(number)]},Film {number},{1930 + number}")
    return write(folder / name, rows)


def write(path: Path, rows: Sequence[str]) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def rewrite(path: Path, *, drop: Sequence[int] = (), genres: dict[int, str] | None = None) -> None:
    """Drop films from a CSV, or give them other genres."""
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    said = {number: row.split(",") for number, row in enumerate(rows) if number not in drop}
    for number, genre in (genres or {}).items():
        said[number][1] = genre
    write(path, [head, *map(",".join, said.values())])


class Films(FakeLibrary):
    """A shelf of videos, each of one colour."""

    def show(self, number: int, *genres: str) -> str:
        key, year = f"film {number}", 1930 + number
        self.film(key, key, year=year)
        self.tag(key, *(genres or (GENRES[colour(number)],)), field=Field.GENRE)
        self.colours[key] = colour(number)
        return key

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[Source]:
        number = int(item.key.split()[1])
        red, green, blue = (min(value + number, 255) for value in COLOURS[self.colours[item.key]])
        yield film((red, green, blue))


@dataclass
class Studio:
    """A world with a network of one's own, in which models are learned."""

    world: World
    heard: Heard = field(default_factory=Heard)

    @property
    def home(self) -> Path:
        return self.world.home

    @property
    def network(self) -> Path:
        path = self.home / "tiny.onnx"
        return path if path.exists() else tiny.network(path)

    def wanted(self, name: str = "default", **more: object) -> LearnRequest:
        known = {"backbone": BackboneChoice(str(self.network)), "min_examples": 5} | more
        return LearnRequest(name, **known)  # type: ignore[arg-type]

    def learn(self, source: Path | LabelledSet, name: str = "default", **more: object) -> Learned:
        gathered = film_list.read(source) if isinstance(source, Path) else source
        return learn.learn(self.world.core, gathered, self.wanted(name, **more), self.heard)

    def update(self, name: str = "default") -> Learned:
        return learn.update(self.world.core, name, self.heard)

    @property
    def models(self) -> tuple[str, ...]:
        return models_of(self.world.core.host).names()

    def records(self) -> dict[Path, bytes]:
        return {one: one.read_bytes() for one in (self.home / "features").rglob("*.npz")}
