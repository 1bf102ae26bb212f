"""Files, links and items as what can be looked at."""

import os
from pathlib import Path

import pytest

from tests.fake_library import SECTION, FakeLibrary
from tests.unit.genres.colour_features import NEED, RUN, picture
from tigertag.errors import ItemError, ItemGone, Unreadable
from tigertag.genres import sources
from tigertag.model import Media


def test_a_file_that_is_not_there_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("red"))
    for path in (tmp_path / "b.png", tmp_path / "a.png" / "c.png"):
        with pytest.raises(ItemGone, match="There is no such file"):
            sources.of_file(path)


def test_a_name_that_no_file_can_have_is_refused() -> None:
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(ItemError, match="The file cannot be read: "):
            sources.of_file(Path(name))


@pytest.mark.parametrize("name", ["folder", "folder.mp4"])
def test_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(Unreadable, match="This is a folder; name the files in it"):
        sources.of_file(tmp_path / name)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "film.mp4")
    with pytest.raises(Unreadable, match="This is not a file"):
        sources.of_file(tmp_path / "film.mp4")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://www.youtube.com/playlist?list=PL0123456789", "a playlist"),
        ("https://10.0.0.1/film.mp4", "Only links to YouTube and Vimeo"),
        ("https://localhost/watch?v=eUTtt14G31c", "Only links to YouTube and Vimeo"),
        ("http://www.youtube.com/watch?v=eUTtt14G31c", "Only https"),
        ("file:///etc/passwd", "Only https"),
        ("-https://youtu.be/eUTtt14G31c", "does not begin with a dash"),
    ],
)
def test_a_link_that_is_not_of_one_trailer_is_refused_unopened(address: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        sources.of_link(address)


def test_a_trailer_is_the_same_however_its_link_is_written() -> None:
    one = sources.of_link("https://youtu.be/eUTtt14G31c?t=3")
    other = sources.of_link("https://www.youtube.com/watch?v=eUTtt14G31c&list=PL01")
    assert (one.origin, one.revision, one.media) == (other.origin, other.revision, Media.VIDEO)


@pytest.mark.parametrize(
    ("name", "content", "media"),
    [
        ("a.png", b"", Media.PHOTO),
        ("a.mkv", b"", Media.VIDEO),
        ("poster", picture("red"), Media.PHOTO),
        ("trailer", b"no picture", Media.VIDEO),
    ],
)
def test_a_file_is_known_by_its_name_or_else_by_how_it_begins(
    tmp_path: Path, name: str, content: bytes, media: Media
) -> None:
    (tmp_path / name).write_bytes(content)
    assert sources.of_file(tmp_path / name).media is media


def test_a_file_that_is_written_anew_is_another_revision(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(picture("red"))
    before = sources.of_file(path)
    path.write_bytes(picture("red") + b"\0")
    after = sources.of_file(path)
    assert (before.origin == after.origin, before.revision == after.revision) == (True, False)


def test_an_item_is_fetched_from_its_library() -> None:
    shelf = FakeLibrary()
    shelf.put("a", "red")
    (item,) = shelf.items(SECTION)
    one = sources.of_item(shelf, item)
    assert (one.origin, one.revision) == ("photos/1/a", item.revision)
    with one.fetch(NEED, RUN) as source:
        assert isinstance(source, bytes)


def test_the_trailer_of_a_film_is_not_the_film() -> None:
    shelf = FakeLibrary()
    shelf.film("a", "a")
    (item,) = shelf.items(SECTION)
    film = sources.of_item(shelf, item)
    shelf.footage, shelf.identity = "trailer", "machine"
    assert sources.of_item(shelf, item).origin == "machine/1/a#trailer"
    assert film.origin == "photos/1/a"
