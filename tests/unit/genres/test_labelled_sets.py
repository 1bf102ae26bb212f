"""What there is to learn from, gathered and not opened."""

from pathlib import Path

import pytest

from tests.fake_library import FakeLibrary
from tests.unit.genres.colour_features import picture
from tests.world import World
from tigertag.contracts import Sampling
from tigertag.errors import NotFound, RequestError
from tigertag.genres import film_list, labelled, learn
from tigertag.genres.manifest import SourceInfo
from tigertag.model import Field


def csv(folder: Path, *rows: str, head: str = "path,genres,title") -> Path:
    path = folder / "films.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def shelf(world: World) -> FakeLibrary:
    made = FakeLibrary()
    world.library = made
    return made


def test_a_row_that_names_no_file_is_left_out_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("red"))
    gathered = film_list.read(csv(tmp_path, "a.png,Drama,A", "gone.png,War,B"))
    assert [one.film for one in gathered.videos] == ["a"]
    (note,) = [note for note in gathered.notes if "no such file" in note]
    assert "line 3, gone.png" in note


def test_a_folder_in_the_place_of_a_film_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("red"))
    (tmp_path / "b.mp4").mkdir()
    gathered = film_list.read(csv(tmp_path, "a.png,Drama,A", "b.mp4,War,B"))
    assert len(gathered.videos) == 1
    assert len(gathered.notes) == 1


def test_a_csv_without_genres_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="needs a column path or url, and a column genres"):
        film_list.read(csv(tmp_path, "a.png,Drama", head="file,kind"))


def test_a_csv_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(picture("red"))
    csv(tmp_path, "a.png,Drama|War,A")
    monkeypatch.chdir(tmp_path)
    gathered = film_list.read(Path("films.csv"))
    assert gathered.source == SourceInfo(csv=str(tmp_path / "films.csv"))
    assert (gathered.videos[0].genres, gathered.sampling) == (("Drama", "War"), None)


def test_what_was_gathered_is_gathered_again(
    tmp_path: Path, world: World, shelf: FakeLibrary
) -> None:
    (tmp_path / "a.png").write_bytes(picture("red"))
    shelf.film("f", "f")
    shelf.tag("f", "Drama", field=Field.GENRE)
    for first in (
        film_list.read(csv(tmp_path, "a.png,Drama,A")),
        labelled.of_section(world.core, "photos", None),
    ):
        again = learn.relisted(world.core, first.source)
        assert (again.source, again.notes) == (first.source, first.notes)
        assert [one.film for one in again.videos] == [one.film for one in first.videos]


def test_a_library_that_is_gone_is_one_line(world: World) -> None:
    with pytest.raises(NotFound, match=r"There is no library 'plex'.* It has: photos\."):
        learn.relisted(world.core, SourceInfo(library="plex", section="1"))


def test_a_section_without_genres_is_refused(world: World, shelf: FakeLibrary) -> None:
    shelf.film("f", "f")
    with pytest.raises(
        RequestError, match=r"FakeLibrary has no film or show with genres; learn from"
    ):
        labelled.of_section(world.core, "photos", None)


def test_films_are_looked_at_as_the_librarys_scans_do(world: World, shelf: FakeLibrary) -> None:
    world.sampling = Sampling(by="keyframes", max_frames=7)
    shelf.film("f", "f", year=1999)
    shelf.film("bare", "bare")
    shelf.tag("f", "Drama", field=Field.GENRE)
    gathered = labelled.of_section(world.core, "photos", "fakelibrary")
    assert gathered.source == SourceInfo(library="photos", section="1", title="FakeLibrary")
    assert (gathered.sampling, gathered.notes) == (
        world.sampling,
        ("1 video without genres left out.",),
    )
    assert [(one.film, one.genres, one.year) for one in gathered.videos] == [
        ("f", ("Drama",), 1999)
    ]


def test_what_is_looked_at_of_films_is_noted(world: World, shelf: FakeLibrary) -> None:
    shelf.film("a", "a")
    shelf.tag("a", "Drama", field=Field.GENRE)
    for footage in ("", "trailer"):
        shelf.footage = footage
        assert labelled.of_section(world.core, "photos", None).footage == footage


def test_links_are_trailers_and_of_files_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("red"))
    link = "https://www.youtube.com/watch?v=aqz-KE-bpKQ,Drama,B"
    assert film_list.read(csv(tmp_path, link, head="url,genres,title")).footage == "trailer"
    assert film_list.read(csv(tmp_path, "a.png,War,A")).footage is None
