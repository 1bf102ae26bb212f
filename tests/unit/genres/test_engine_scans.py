"""Scans with genre models that are learned late, break, or are learned anew."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.genres import colour_models
from tests.unit.genres.studio import Films
from tests.world import World
from tigertag import bootstrap, settings
from tigertag.core import Core, EngineEntry
from tigertag.genres.manifest import MANIFEST
from tigertag.services import engines

pytestmark = pytest.mark.slow


class Cinema(World):
    """Films of one colour each, and the genre engine as the program set it up when it started."""

    genre: EngineEntry
    with_others = False

    def start_program(self) -> None:
        environ = {"TIGERTAG_HOME": str(self.home), "ENGINE_GENRE_NAME": "tigertag.genre"}
        (self.genre,) = bootstrap.build(settings.load(environ)).engines

    @property
    def core(self) -> Core:
        core = super().core
        others = core.engines if self.with_others else ()
        return replace(core, engines=(self.genre, *others))

    def told(self) -> dict[str, set[str]]:
        assert isinstance(self.library, Films)
        return {key: self.library.names(key) for key in self.library.held}


@pytest.fixture
def cinema(tmp_path: Path) -> Iterator[Cinema]:
    made = Cinema(tmp_path, f"sqlite:///{tmp_path / 'tigertag.db'}")
    shelf = made.library = Films()
    for key, colour in (("film 0", "red"), ("film 2", "blue")):
        shelf.film(key, key)
        shelf.colours[key] = colour
    yield made
    made.close()


HORROR = {"film 0": {"Horror"}, "film 2": set[str]()}
NEVER_TOLD = {"Horror": None, "Western": None, "War": None}
NOTHING = {"film 0": set[str](), "film 2": set[str]()}


def test_a_model_that_is_learned_late_is_taken_at_the_next_start(cinema: Cinema) -> None:
    cinema.start_program()
    colour_models.model(cinema.home)
    assert (cinema.genre.engine, cinema.genre.problem[:33]) == (
        None,
        "There is no genre model 'default'",
    )
    cinema.start_program()
    cinema.scan("apply")
    assert cinema.told() == HORROR


def test_a_model_that_breaks_keeps_the_genres_that_it_gave(cinema: Cinema) -> None:
    colour_models.model(cinema.home)
    cinema.start_program()
    cinema.scan("apply")
    (cinema.home / "models" / "genres" / "default" / MANIFEST).write_text("{")
    cinema.start_program()
    assert cinema.scan("apply", mode="decide").done == 2
    assert cinema.told() == HORROR


def test_a_model_that_breaks_leaves_scans_to_the_other_engines(cinema: Cinema) -> None:
    colour_models.model(cinema.home)
    cinema.start_program()
    cinema.scan("apply")
    (cinema.home / "models" / "genres" / "default" / MANIFEST).unlink()
    cinema.start_program()
    cinema.with_others = True
    assert cinema.scan("apply").done == 2
    assert cinema.told()["film 0"] >= {"Horror"}


def test_what_an_older_model_said_is_told_by_the_thresholds_of_the_new_one_alone(
    cinema: Cinema,
) -> None:
    colour_models.model(cinema.home)
    cinema.start_program()
    cinema.scan("apply")
    colour_models.model(
        cinema.home, genres=tuple(colour_models.genres({"Crime": 0.01, "Noir": 0.02, "X": None}))
    )
    cinema.start_program()
    cinema.scan("apply", mode="decide")
    assert cinema.told() == NOTHING


def test_a_model_learned_again_alike_is_not_asked_again(cinema: Cinema) -> None:
    colour_models.model(cinema.home)
    cinema.start_program()
    cinema.scan("apply")
    colour_models.model(cinema.home, program="1")
    cinema.start_program()
    assert cinema.scan("apply").scan.unchanged == 2


def test_it_is_shown_from_which_confidence_on_any_genre_is_told(cinema: Cinema) -> None:
    for genres, least in (({"Horror": 0.6, "Western": 0.3, "War": None}, 0.3), (NEVER_TOLD, 1.0)):
        colour_models.model(cinema.home, genres=tuple(colour_models.genres(genres)))
        cinema.start_program()
        (view,) = engines.listed(cinema.core)
        assert view.min_confidence == least
