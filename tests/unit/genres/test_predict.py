"""Genres told of single videos and pictures by a model whose answers can be told."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path

import numpy as np
import pytest

from tests.fake_library import FakeLibrary
from tests.unit.genres import colour_models
from tests.unit.genres.colour_features import picture
from tests.unit.media.films import film, made
from tests.unit.media.video.test_bad_input import sound
from tests.world import World
from tigertag.errors import ModelError
from tigertag.genres import predict as predicting
from tigertag.genres.predict import Predicted, Query

pytestmark = pytest.mark.slow


def half() -> bytes:
    whole = film((50,) * 5, muxing=(("movflags", "+faststart"),))
    return whole[: len(whole) // 2]


class NoTrailers(MetaPathFinder):
    """Finds modules, and says aloud that there is no yt-dlp."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "yt_dlp":
            raise ModuleNotFoundError(name, name=name)


LINKS = {
    "https://www.youtube.com/playlist?list=PL0123456789": "a playlist",
    "https://192.168.0.1/film.mp4": "Only links to YouTube and Vimeo",
    "file:///etc/passwd": "Only https",
    "https://ada:secret@youtu.be/eUTtt14G31c": "a password",
}


@pytest.fixture
def home(world: World) -> Path:
    colour_models.model(world.home)
    return world.home


RED = film((25,))
"""Its second shot would be green, its third blue."""


def told(world: World, *sought: Query, frames: dict[str, int] | None = None) -> list[Predicted]:
    return list(predicting.predict(world.core, "default", sought, frames))


def of_files(world: World, *names: str) -> list[Predicted]:
    return told(world, *(predicting.of_text(str(world.home / name)) for name in names))


def names(one: Predicted) -> Sequence[str]:
    return [guess.name for guess in one.guesses]


def test_without_a_model_it_says_how_to_learn_one(world: World) -> None:
    with pytest.raises(ModelError, match="There is no genre model 'default'; learn one"):
        told(world, predicting.of_text("film.mp4"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("black.mp4", made([np.zeros((96, 128, 3), np.uint8)] * 30), "nothing to see in it"),
        ("sound.mp4", sound(), "only sound"),
        ("begun.mp4", film()[:2000], ""),
        ("cut.mkv", made([], form="matroska"), "cut short"),
        ("half.mp4", half(), "The video is cut short: it ends at 0:0"),
        ("text.mp4", b"some text\n" * 50, "not a video"),
        ("text.jpg", b"some text\n" * 50, ""),
        ("empty.mp4", b"", "empty"),
    ],
)
def test_what_cannot_be_looked_at_is_one_line_and_the_next_goes_on(
    world: World, home: Path, name: str, content: bytes, said: str
) -> None:
    (home / name).write_bytes(content)
    (home / "red.png").write_bytes(picture("red"))
    bad, good = of_files(world, name, "red.png")
    assert bad.error
    assert said in bad.error
    assert "\n" not in bad.error
    assert (bad.guesses, good.error) == ((), "")


def test_a_video_of_one_frame_is_looked_at(world: World, home: Path) -> None:
    (home / "one.mp4").write_bytes(film((1,)))
    (one,) = of_files(world, "one.mp4")
    assert (names(one)[0], one.guesses[0].times_s) == ("Horror", (0.0,))


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_is_refused_is_one_line_without_its_password(
    world: World, home: Path, link: str
) -> None:
    (one,) = told(world, predicting.of_text(link))
    assert LINKS[link] in one.error
    assert "secret" not in one.name + one.error


def test_a_file_that_begins_with_a_dash_is_just_a_name(
    world: World, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    Path("-x.png").write_bytes(picture("red"))
    (one,) = told(world, predicting.of_text("-x.png"))
    assert names(one)[0] == "Horror"


def test_an_item_that_is_not_there_is_one_line_and_the_others_are_told(
    world: World, home: Path
) -> None:
    world.library = shelf = FakeLibrary()
    shelf.put("red", "red")
    sought = predicting.of_library(world.core, "photos", "", ["x", "red"])
    missing, red = told(world, *sought)
    assert missing.error.startswith("Library photos has no video or picture 'x': give its title")
    assert (missing.guesses, names(red)[0]) == ((), "Horror")


def test_an_empty_name_names_nothing(world: World, home: Path) -> None:
    (one,) = told(world, predicting.of_text(""))
    assert one.error == "The name is empty; give a file or a link."


def test_a_link_without_its_beginning_is_told_what_is_missing(world: World, home: Path) -> None:
    (one,) = told(world, predicting.of_text("youtu.be/eUTtt14G31c"))
    assert one.error.startswith("The link has no https:// before it; ")


def test_without_yt_dlp_the_others_are_told(
    world: World, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "red.png").write_bytes(picture("red"))
    monkeypatch.setattr("sys.meta_path", [NoTrailers(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "yt_dlp", raising=False)
    link = predicting.of_text("https://youtu.be/eUTtt14G31c")
    trailer, red = told(world, link, predicting.of_text(str(home / "red.png")))
    assert "pip install 'tigertag[trailers]'" in trailer.error
    assert names(red)[0] == "Horror"


def test_the_likeliest_come_first_with_what_speaks_for_them(world: World, home: Path) -> None:
    (home / "film.mp4").write_bytes(film((25, 50)))
    (one,) = of_files(world, "film.mp4")
    said = [guess.probability for guess in one.guesses]
    assert said == sorted(said, reverse=True)
    times_s = {guess.name: guess.times_s[0] for guess in one.guesses}
    assert times_s["Horror"] < 1.0 < times_s["Western"]
    assert one.warning == ""


def test_what_is_below_its_threshold_is_uncertain(world: World, home: Path) -> None:
    (home / "blue.png").write_bytes(picture("blue"))
    (blue,) = of_files(world, "blue.png")
    assert (names(blue)[0], blue.is_uncertain) == ("War", True)
    (home / "red.png").write_bytes(picture("red"))
    (red,) = of_files(world, "red.png")
    assert not red.is_uncertain


def test_what_is_sure_is_told_however_many_are_likelier(
    world: World, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "MOST_SHOWN", 0)
    (home / "red.png").write_bytes(picture("red"))
    (red,) = of_files(world, "red.png")
    assert (names(red), red.is_uncertain) == (["Horror"], False)


@pytest.mark.parametrize(
    ("videos", "name", "said"),
    [(0, "film.mp4", "pictures only"), (210, "red.png", "videos only"), (1, "red.png", "")],
)
def test_what_is_asked_of_what_was_not_learned_is_called_a_guess(
    world: World, home: Path, videos: int, name: str, said: str
) -> None:
    colour_models.model(home, videos=videos)
    (home / "film.mp4").write_bytes(RED)
    (home / "red.png").write_bytes(picture("red"))
    (one,) = of_files(world, name)
    assert (said in one.warning, bool(one.warning)) == (True, bool(said))


def test_frames_are_those_that_it_has_learned_from_unless_others_are_wanted(
    world: World, home: Path
) -> None:
    (home / "film.mp4").write_bytes(film((25, 50)))
    sought = predicting.of_text(str(home / "film.mp4"))
    (one,) = told(world, sought, frames={"max_frames": 1})
    assert len({guess.times_s for guess in one.guesses}) == 1
    (usual,) = told(world, sought)
    assert len({guess.times_s for guess in usual.guesses}) > 1


def test_items_of_a_library_are_found_by_title_and_by_key(world: World, home: Path) -> None:
    shelf = FakeLibrary()
    world.library = shelf
    shelf.group("Red")
    shelf.put("red", "red")
    shelf.put("blue", "blue")
    sought = predicting.of_library(world.core, "photos", "FakeLibrary", ["RED", "blue"])
    assert [names(one)[0] for one in told(world, *sought)] == ["Horror", "War"]


def test_nothing_is_stored(world: World, home: Path) -> None:
    (home / "red.png").write_bytes(picture("red"))
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    of_files(world, "red.png")
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
