"""Genres learned from a section, told of its other films, written, and not learned from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.colours import COLOURS
from tests.plex import PlexServer
from tests.unit.cli.conftest import Run
from tests.unit.genres.studio import GENRES, colour
from tests.unit.inference import tiny
from tests.unit.libraries.plex.films import film

pytestmark = pytest.mark.slow

FILMS = 75


class Cinema:
    """A Plex server with films that bear genres, and three that bear none."""

    def __init__(self, plex: PlexServer) -> None:
        self.plex = plex
        self.section = plex.add_section("Films", kind="movie")
        for number in range(FILMS):
            key = self.show(f"Film {number}", colour(number), number)
            plex.describe(key, year=1930 + number)
            plex.tag(key, GENRES[colour(number)], field="genre")
        self.bare = {name: self.show(f"Bare {name}", name, 80) for name in COLOURS}

    def show(self, title: str, name: str, shade: int) -> int:
        red, green, blue = (min(value + shade, 255) for value in COLOURS[name])
        return self.plex.add_film(self.section, title, film((red, green, blue)))

    def tags(self, field: str) -> dict[str, list[str]]:
        """What the bare films bear there."""
        return {name: self.plex.tags(key, field=field) for name, key in self.bare.items()}


@pytest.fixture
def cinema() -> Iterator[Cinema]:
    with PlexServer() as plex:
        yield Cinema(plex)


@pytest.fixture
def learn(
    run: Run, cinema: Cinema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, ...]:
    """What learns a model from the section; the engine that uses it is set up."""
    for key, value in {
        "LIBRARY_PLEX_NAME": "tigertag.plex",
        "LIBRARY_PLEX_URL": cinema.plex.url,
        "LIBRARY_PLEX_TOKEN": cinema.plex.token,
        "LIBRARY_PLEX_MIN_BYTES": "0",
        "LIBRARY_PLEX_GENRE_FIELD": "genre",
        "ENGINE_GENRE_NAME": "tigertag.genre",
        "ENGINE_INSTANT_ENABLED": "False",
    }.items():
        monkeypatch.setenv(key, value)
    network = str(tiny.network(tmp_path / "tiny.onnx"))
    few = ("--backbone", network, "--min-examples", "5")
    return ("genre", "learn", "--library", "plex", "--section", "Films", *few)


WANTED = {name: [GENRES[name]] for name in COLOURS}
NONE: dict[str, list[str]] = {name: [] for name in COLOURS}


def test_without_a_model_a_scan_says_how_to_learn_one(
    run: Run, cinema: Cinema, learn: tuple[str, ...]
) -> None:
    result = run("scan", "plex", "Films", "--apply")
    assert "no genre model 'default'; learn one" in " ".join(result.output.split())
    assert cinema.tags("genre") == NONE


def test_genres_are_told_written_not_learned_from_and_undone(
    run: Run, cinema: Cinema, learn: tuple[str, ...]
) -> None:
    learned = run(*learn)
    assert "3 videos without genres left out." in learned.output
    assert run("scan", "plex", "Films", "--apply").exit_code == 0
    assert cinema.tags("genre") == WANTED
    fetched = cinema.plex.sent_bytes
    updated = run("genre", "learn", "--update")
    assert "0 films with other genres, 0 new, 0 gone." in updated.output
    assert "3 videos without genres left out." in updated.output
    assert cinema.plex.sent_bytes == fetched
    assert run("undo", "1").exit_code == 0
    assert cinema.tags("genre") == NONE


def test_what_the_user_corrects_is_learned(
    run: Run, cinema: Cinema, learn: tuple[str, ...]
) -> None:
    run(*learn)
    run("scan", "plex", "Films", "--apply")
    cinema.plex.untag(cinema.bare["red"], "Horror", field="genre")
    cinema.plex.tag(cinema.bare["red"], "War", field="genre")
    updated = run("genre", "learn", "--update")
    assert "0 films with other genres, 1 new, 0 gone." in updated.output


def test_genres_go_where_the_library_says(
    run: Run, cinema: Cinema, learn: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*learn)
    monkeypatch.setenv("LIBRARY_PLEX_GENRE_FIELD", "label")
    assert run("scan", "plex", "Films", "--apply").exit_code == 0
    assert (cinema.tags("genre"), cinema.tags("label")) == (NONE, WANTED)
    assert "0 new, 0 gone." in run("genre", "learn", "--update").output


def test_an_item_is_told_by_its_title(run: Run, cinema: Cinema, learn: tuple[str, ...]) -> None:
    run(*learn)
    told = run("genre", "predict", "--library", "plex", "bare green", str(cinema.bare["blue"]))
    first, second = (line for line in told.output.splitlines() if not line.startswith(" "))
    assert (told.exit_code, first) == (0, "bare green: Western")
    assert second == f"{cinema.bare['blue']}: War"


def test_a_server_that_goes_away_is_one_line_and_what_was_seen_is_kept(
    run: Run, cinema: Cinema, learn: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tigertag.net.retry.RetryPolicy._jittered", lambda _self: iter([0.0] * 9))
    cinema.plex.fail(503, at="/library/parts/", after=30)
    result = run(*learn)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: ")
    assert cinema.plex.token not in result.output
    cinema.plex.mend()
    sent = cinema.plex.sent_bytes
    assert run(*learn).exit_code == 0
    assert 0 < cinema.plex.sent_bytes - sent < 60 * len(film())
