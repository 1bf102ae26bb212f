import os
from dataclasses import replace
from pathlib import Path

import pytest

from tigertag.errors import RequestError
from tigertag.genres import film_list, sources
from tigertag.genres.labelled import LabelledSet, LabelledVideo

LINK = "https://www.youtube.com/watch?v=eUTtt14G31c"
OTHER = "https://www.youtube.com/watch?v=HKSZtp_OGHY"


NAMES = ("imdb:tt0000001", "title:afilm (1983)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg", "c.mp4"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def read(folder: Path, text: str | bytes) -> LabelledSet:
    raw = text.encode() if isinstance(text, str) else text
    (folder / "films.csv").write_bytes(raw)
    return film_list.read(folder / "films.csv")


def one(folder: Path, text: str | bytes) -> LabelledVideo:
    (example,) = read(folder, text).videos
    return example


def refusal(folder: Path, text: str | bytes) -> str:
    with pytest.raises(RequestError) as caught:
        read(folder, text)
    assert "\n" not in str(caught.value)
    assert "films.csv" in str(caught.value)
    return str(caught.value)


def test_an_absent_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RequestError, match="There is no file"):
        film_list.read(tmp_path / "absent.csv")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(RequestError, match="is not a file"):
            film_list.read(path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "films.csv").open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(RequestError, match="larger than 32 MiB"):
        film_list.read(tmp_path / "films.csv")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("path,genres\na.jpg,Dra\0ma", "NUL"),
        ("path,genres\na.jpg,Drama".encode("utf-16"), "is in UTF-16; save it as UTF-8."),
        (b"path,genres\n\x81.jpg,Drama", "neither in UTF-8"),
        ('path,genres\na.jpg,Drama\nb.jpg,"Drama\n', "line 3"),
        ('path,genres\n"a.jpg"x,Drama', "line 2"),
        (f"path,genres\n{'a' * 200_000},Drama", "line 2: a value has more than 131,072"),
        ("path,path,genres\na.jpg,b.jpg,Drama", "two columns 'path'"),
        ("path\na.jpg", "its first row has 'path'."),
        ("a.jpg,Drama\nb.jpg,Drama", "needs a column path or url, and a column genres"),
        ("title,genres\nAvatar,Drama", "its first row has 'title', 'genres'."),
        ("\n", "no names"),
        ("path,genres", "no row that can be learned from"),
        ("path,genres\nabsent.jpg,Drama\n", "There is no such file."),
    ],
)
def test_a_file_that_is_no_such_list_is_refused(folder: Path, text: str, reason: str) -> None:
    assert reason in refusal(folder, text)


def test_many_odd_columns_are_not_all_repeated(folder: Path) -> None:
    said = refusal(folder, ",".join(f"column{n}" * 20 for n in range(500)))
    assert "and 494 more" in said
    assert len(said) < 500


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("absent.jpg,,Drama", "There is no such file."),
        (".,,Drama", "There is no such file."),
        (f"{'x' * 300},,Drama", "There is no such file."),
        (",,Drama", "There is neither a path nor a link."),
        ("b.jpg,,", "There are no genres."),
        ("b.jpg,,| |", "There are no genres."),
        (f"{LINK},,Drama", "A path cannot be a link; put that into a column `url`."),
        ("file:///etc/passwd,,Drama", "A path cannot be a link; put that into a column `url`."),
        ("b.jpg,,Drama,more", "It has more values than columns; put quotes around them."),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_and_said(
    folder: Path, row: str, reason: str
) -> None:
    sheet = read(folder, f"path,url,genres\na.jpg,,Drama\n{row}\n")
    assert [example.line for example in sheet.videos] == [2]
    (note,) = sheet.notes
    assert note.startswith("1 row left out (line 3")
    assert note.endswith(reason)


@pytest.mark.parametrize("link", ["file:///etc/passwd", "http://10.0.0.1/", "c.mp4", "-x"])
def test_a_link_that_is_not_to_be_opened_is_left_out(folder: Path, link: str) -> None:
    sheet = read(folder, f"url,genres\n{LINK},Drama\n{link},Drama\n")
    assert [example.source.origin for example in sheet.videos] == [LINK]
    assert "give the https:// link" in sheet.notes[0]


def test_no_link_is_repeated_for_there_may_be_a_password_in_it(folder: Path) -> None:
    rows = "a.jpg,,Drama\nhttps://ada:hunter2@x/,,War\n,https://ada:hunter2@x/,War\n"
    assert "hunter2" not in str(read(folder, f"path,url,genres\n{rows}").notes)


def test_of_many_rows_three_are_named(folder: Path) -> None:
    rows = "".join(f"lost{n}.jpg,Drama\n" for n in range(12))
    (note,) = read(folder, f"path,genres\na.jpg,Drama\n{rows}").notes
    assert note.startswith("12 rows left out (line 3, lost0.jpg; line 4, lost1.jpg; line 5,")
    assert note.endswith("and 9 more: lines 6-14): There is no such file.")


def test_nothing_that_a_terminal_would_obey_comes_from_a_list(folder: Path) -> None:
    text = "path,title,genres\na.jpg,A\x1b[2JB,Com\x1b[31medy\nlo\x1b]st.jpg,,Drama\n"
    sheet = read(folder, text)
    assert (sheet.videos[0].title, sheet.videos[0].genres) == ("A [2JB", ("Com [31medy",))
    assert "\x1b" not in "".join(sheet.notes)


def test_columns_that_are_not_used_are_said_once(folder: Path) -> None:
    sheet = read(folder, "path,Director,imdb_id,split,genres,,Budget\na.jpg,X,tt1,test,Drama,,3\n")
    assert sheet.notes == ("Columns that are not used: 'Director', 'Budget'.",)


def test_all_that_a_row_says_is_read(folder: Path) -> None:
    text = (
        "path,imdb_id,title,year,genres,split\na.jpg,tt1,A Film,1983.0,Drama| Sci-Fi |Drama,train"
    )
    video = one(folder, text)
    source = sources.of_file(folder / "a.jpg")
    assert (video.source.origin, video.source.revision) == (source.origin, source.revision)
    assert replace(video, source=source) == LabelledVideo(
        source, "imdb:tt0000001", "A Film", ("Drama", "Sci-Fi"), 1983, NAMES, 2
    )


def test_a_link_is_spelled_in_one_way(folder: Path) -> None:
    example = one(folder, "url,genres\nhttps://youtu.be/eUTtt14G31c?t=3,Drama\n")
    assert example.source.origin == LINK


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found(folder: Path, separator: str) -> None:
    text = "path,title,genres\na.jpg,A Film,Drama|Action\n".replace(",", separator)
    assert one(folder, text).genres == ("Drama", "Action")


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\ufeffSEP=;;;", "sep=;\r"])
def test_the_separator_that_excel_writes_first_is_no_row(folder: Path, first: str) -> None:
    example = one(folder, f"{first}\npath;title;genres\na.jpg;Title, A;Drama\n")
    assert (example.title, example.genres, example.line) == ("Title, A", ("Drama",), 3)


@pytest.mark.parametrize("separator", [",", "\t", "|"])
def test_excel_may_write_another_separator_first(folder: Path, separator: str) -> None:
    text = f"sep={separator}\npath,title,genres\na.jpg,A Film,Drama\n"
    assert one(folder, text.replace(",", separator)).title == "A Film"


def test_a_file_with_nothing_but_its_separator_is_empty(folder: Path) -> None:
    assert refusal(folder, "sep=;\r\n").endswith("is empty.")


def test_a_column_may_be_called_sep(folder: Path) -> None:
    assert one(folder, "sep,path,genres\n1,a.jpg,Drama\n").genres == ("Drama",)


def test_quoted_values_may_hold_anything(folder: Path) -> None:
    text = (
        'path,title,genres\r\n"a.jpg","A ""great"",\r\nlong; film",Drama\r\n\r\nb.jpg,B,Drama\r\n'
    )
    first, second = read(folder, text).videos
    assert first.title == 'A "great", long; film'
    assert second.line == 5


def test_a_mark_at_the_beginning_is_no_part_of_a_name(folder: Path) -> None:
    assert one(folder, "\ufeffpath,genres\na.jpg,Drama").line == 2


def test_what_is_not_utf8_is_windows_1252_and_said(folder: Path) -> None:
    sheet = read(folder, "path,title,genres\na.jpg,Amélie,Komödie".encode("cp1252"))
    assert (sheet.videos[0].title, sheet.videos[0].genres) == ("Amélie", ("Komödie",))
    assert "Windows-1252" in sheet.notes[0]


def test_a_short_row_says_nothing_more(folder: Path) -> None:
    assert one(folder, "path,genres,title,year\na.jpg,Drama").title == ""


@pytest.mark.parametrize(
    ("year", "read_as"),
    [("1983", 1983), ("1983.0", 1983), (" 1983 ", 1983), ("1983-05-02", 1983), ("", None)],
)
def test_a_year_is_read(folder: Path, year: str, read_as: int | None) -> None:
    sheet = read(folder, f"path,genres,year\na.jpg,Drama,{year}")
    assert sheet.videos[0].year == read_as
    assert sheet.notes == ()


@pytest.mark.parametrize("year", ["soon", "nan", "-5", "19", "0000", "1983.5", "99999", "1e9"])
def test_a_year_that_is_none_is_said_and_the_row_used(folder: Path, year: str) -> None:
    sheet = read(folder, f"path,genres,year\na.jpg,Drama,{year}")
    assert sheet.videos[0].year is None
    assert sheet.notes == (f"1 row used anyway (line 2, '{year}'): Its year is not valid.",)


@pytest.mark.parametrize(
    ("columns", "values", "film"),
    [
        ("film,imdb_id,title,year", "f1,tt1,A Film,1983", "f1"),
        ("film,imdb_id,title,year", ",tt1,A Film,1983", "imdb:tt0000001"),
        ("imdb_id,title", "not known,A Film", "not known"),
        ("title,year", "A Film,1983.0", "a film (1983)"),
        ("title,year", "A Film,", "a film"),
        ("title,year", ",1983", ""),
    ],
)
def test_a_film_is_known_by_the_best_that_there_is(
    folder: Path, columns: str, values: str, film: str
) -> None:
    example = one(folder, f"path,genres,{columns}\na.jpg,Drama,{values}")
    assert example.film == (film or example.source.origin)


@pytest.mark.parametrize(
    ("columns", "values", "names"),
    [
        ("film,imdb_id,title,year", "f1,tt1,A Film,1983", {"f1", *NAMES}),
        ("imdb_id,title,year", "1,A Film!,1983", {*NAMES}),
        ("film,title", "a show,Pilot", {"a show"}),
        ("title", "A Film", {"a film", "title:afilm"}),
    ],
)
def test_all_names_of_a_film_are_kept(
    folder: Path, columns: str, values: str, names: set[str]
) -> None:
    assert set(one(folder, f"path,genres,{columns}\na.jpg,Drama,{values}").names) == names


def test_a_path_stays_relative_to_the_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(folder, "path,genres\na.jpg,Drama")
    monkeypatch.chdir(folder.parent)
    (example,) = film_list.read(Path(folder.name) / "films.csv").videos
    assert example.source.origin == f"file:{folder / 'a.jpg'}"


def test_the_genres_of_a_film_may_be_spread_over_rows(folder: Path) -> None:
    sheet = read(folder, "path,film,genres\na.jpg,A,Drama\na.jpg,A,Action|Drama\n")
    assert [example.genres for example in sheet.videos] == [("Drama", "Action")]
    assert "line 3" in sheet.notes[0]


def test_a_file_of_no_known_film_with_other_genres_is_left_out(folder: Path) -> None:
    sheet = read(folder, "path,genres\na.jpg,Drama\nb.jpg,War\na.jpg,Comedy\n")
    assert [example.genres for example in sheet.videos] == [("War",)]
    assert sheet.notes[0].startswith("2 rows left out (line 2; line 4): The same file or link is")


def test_a_link_of_films_of_the_same_genres_is_one_example(folder: Path) -> None:
    sheet = read(folder, f"url,title,genres\n{LINK},A,Drama\n{LINK}&t=1s,B,Drama\n")
    assert [example.title for example in sheet.videos] == ["A"]


def test_a_link_of_films_of_other_genres_is_nobodys(folder: Path) -> None:
    rows = f"{LINK},A,Drama\n{OTHER},C,War\n{LINK},B,Comedy\n"
    sheet = read(folder, f"url,title,genres\n{rows}")
    assert [example.title for example in sheet.videos] == ["C"]
    assert sheet.notes[0].startswith(
        "2 rows left out (line 2, A; line 4, B): The same file or link"
    )
