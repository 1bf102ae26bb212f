from pathlib import Path

import pytest

from tigertag.errors import RequestError
from tigertag.genres import csv_files
from tigertag.genres.csv_files import Sheet

WATCH = "https://www.youtube.com/watch?v="
MATRIX = "movie_title,Action,Sci-Fi,Drama\n"


def pair(folder: Path, links: str, matrix: str, metadata: str = "") -> Sheet:
    """Titles in the list of links end in a no-break space, as they do in that project."""
    rows = [line.split(",") for line in links.splitlines()]
    text = "".join(f"{n},{title}\u00a0,{link}\r\n" for n, (title, link) in enumerate(rows))
    (folder / "trailer_source.csv").write_text(f",movie_title,trailer_link\r\n{text}", newline="")
    (folder / "movie_genre_matrix.csv").write_text(MATRIX + matrix)
    if metadata:
        text = f"genres,movie_title,title_year\n{metadata}"
        (folder / "movie_metadata.csv").write_text(text)
    return csv_files.read(folder / "trailer_source.csv")


def test_without_the_genres_it_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text(f"movie_title,trailer_link\nAvatar,{WATCH}eUTtt14G31c\n")
    with pytest.raises(RequestError, match=r"movie_genre_matrix\.csv is not beside it"):
        csv_files.read(tmp_path / "links.csv")


@pytest.mark.parametrize("text", ["title,Action\nAvatar,1\n", "movie_title\nAvatar\n"])
def test_a_matrix_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "links.csv").write_text(f"movie_title,trailer_link\nAvatar,{WATCH}eUTtt14G31c\n")
    (tmp_path / "matrix.csv").write_text(text)
    with pytest.raises(RequestError, match="needs a column movie_title"):
        csv_files.read(tmp_path / "links.csv", tmp_path / "matrix.csv")


def test_a_list_that_bears_its_genres_takes_no_matrix(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text(f"url,genres\n{WATCH}eUTtt14G31c,Drama\n")
    with pytest.raises(RequestError, match="bears its genres itself"):
        csv_files.read(tmp_path / "films.csv", tmp_path / "matrix.csv")


def test_titles_that_do_not_join_are_said(tmp_path: Path) -> None:
    links = f"Avatar,{WATCH}eUTtt14G31c\nMinions,{WATCH}HKSZtp_OGHY"
    sheet = pair(tmp_path, links, "Avatar,1,1,0\n")
    assert [example.title for example in sheet.examples] == ["Avatar"]
    assert sheet.notes[1].startswith("1 row left out (line 3, Minions): Its title")


def test_links_that_are_none_or_of_a_channel_are_said(tmp_path: Path) -> None:
    links = f"A,{WATCH}eUTtt14G31c\nB,\nC,https://www.youtube.com/user/movieclips"
    sheet = pair(tmp_path, links, "A,1,0,0\nB,1,0,0\nC,1,0,0\n")
    assert [example.title for example in sheet.examples] == ["A"]
    assert "neither" in sheet.notes[1]
    assert "channel" in sheet.notes[2]


def test_films_of_one_title_and_other_genres_are_left_out(tmp_path: Path) -> None:
    links = f"A,{WATCH}eUTtt14G31c\nB,{WATCH}HKSZtp_OGHY"
    sheet = pair(tmp_path, links, "A,1,0,0\nA,0,0,1\nB,1,0,0\nB,1,0,0\n")
    assert [example.title for example in sheet.examples] == ["B"]
    assert "Several films of this title" in sheet.notes[1]


def test_genres_are_joined_by_title(tmp_path: Path) -> None:
    sheet = pair(tmp_path, f"Avatar,{WATCH}eUTtt14G31c", "Avatar,1,1,0\n")
    (example,) = sheet.examples
    assert example.genres == ("Action", "Sci-Fi")
    assert (example.film, example.year, example.line) == ("avatar", None, 2)


@pytest.mark.parametrize("metadata", ["", "Action,Another film,1999\n"])
def test_a_matrix_that_nothing_is_known_of_is_warned_of(tmp_path: Path, metadata: str) -> None:
    (note,) = pair(tmp_path, f"Avatar,{WATCH}eUTtt14G31c", "Avatar,1,1,0\n", metadata).notes
    assert note.startswith("movie_genre_matrix.csv was believed as it is. That of the older")
    assert note.endswith("put its movie_metadata.csv beside it.")


def test_a_matrix_out_of_step_is_not_believed_and_that_is_said(tmp_path: Path) -> None:
    links = f"A,{WATCH}eUTtt14G31c\nB,{WATCH}HKSZtp_OGHY\nC,{WATCH}7GqClqvlObY"
    metadata = "Action,A,1999\nDrama,B,2001\nSci-Fi|Drama,C,\n"
    sheet = pair(tmp_path, links, "A,1,0,0\nB,0,1,1\nC,1,0,1\n", metadata)
    assert [example.genres for example in sheet.examples] == [
        ("Action",),
        ("Drama",),
        ("Sci-Fi", "Drama"),
    ]
    assert [example.year for example in sheet.examples] == [1999, 2001, None]
    assert "other genres than movie_metadata.csv" in sheet.notes[0]
    assert "2 of 3 films" in sheet.notes[0]


def test_a_matrix_in_step_is_believed_and_gets_years(tmp_path: Path) -> None:
    links = f"A,{WATCH}eUTtt14G31c\nB,{WATCH}HKSZtp_OGHY\nC,{WATCH}7GqClqvlObY"
    metadata = "Action,A,1999\nDrama,B,2001\nSci-Fi,C,2003\n"
    sheet = pair(tmp_path, links, "A,1,0,0\nB,0,0,1\nC,1,0,0\n", metadata)
    assert [example.genres for example in sheet.examples] == [("Action",), ("Drama",), ("Action",)]
    assert [example.film for example in sheet.examples] == ["a (1999)", "b (2001)", "c (2003)"]
    assert sheet.notes == ()


def test_a_film_of_unknown_year_among_others_of_its_title_has_none(tmp_path: Path) -> None:
    metadata = "Action,A,1999\nAction,A,2009\n"
    sheet = pair(tmp_path, f"A,{WATCH}eUTtt14G31c", "A,1,0,0\n", metadata)
    assert [example.year for example in sheet.examples] == [None]
