from pathlib import Path

import pytest

from tigertag.errors import RequestError
from tigertag.genres.genre_names import GenreNames, Recognised

SHIPPED = GenreNames.load()


def told(*words: str) -> Recognised:
    return SHIPPED.recognise(words)


def with_file(tmp_path: Path, text: str) -> GenreNames:
    (tmp_path / "genres.yaml").write_text(text, "utf-8")
    return GenreNames.load(tmp_path / "genres.yaml")


def refusal(path: Path) -> str:
    with pytest.raises(RequestError) as caught:
        GenreNames.load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 0, "empty"),
        ("Noir", 1, "must be like"),
        ("- Noir", 1, "must be like"),
        ("Action: []\nNoir: Black Film", 2, "list of words"),
        ("Noir:\n  - Black Film\n  -", 3, "missing"),
        ("Noir:\n  - [a, b]", 2, "missing"),
        ("'': [Noir]", 1, "missing"),
        ("'&': [Noir]", 1, "missing"),
        ("Noir: []\nNoir: []", 2, "said twice"),
        ("Noir: [a", 1, "not YAML"),
        ("Noir: &a [b]\nBlack: *a", 2, "anchors"),
        ("\0", 0, "not YAML"),
        ("[" * 1500, 0, "not YAML"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    (tmp_path / "genres.yaml").write_text(text, "utf-8")
    said = refusal(tmp_path / "genres.yaml")
    assert reason in said
    assert not line or f"line {line}:" in said


def test_bytes_that_are_no_text_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "genres.yaml").write_bytes(b"Noir: []\nBl\xe4ck: []")
    assert "line 2" in refusal(tmp_path / "genres.yaml")


def test_a_file_that_is_absent_a_folder_or_huge_is_refused(tmp_path: Path) -> None:
    (tmp_path / "huge").write_bytes(b"#" * 300_000)
    assert "cannot be read" in refusal(tmp_path / "absent")
    assert "cannot be read" in refusal(tmp_path)
    assert "256 KiB" in refusal(tmp_path / "huge")


@pytest.mark.parametrize(
    "word",
    [
        *("TV Movie", "Short", "News", "Reality", "Reality-TV", "Talk Show", "Game-Show", "Soap"),
        *("Film-Noir", "Action & Nonsense", "&", "Action and "),
    ],
)
def test_what_is_no_genre_here_is_unknown(word: str) -> None:
    assert told(word) == Recognised((), (" ".join(word.split()),), {})


def test_nothing_is_said_of_nothing() -> None:
    assert told("", "  ") == Recognised((), (), {})


@pytest.mark.parametrize("name", SHIPPED.names)
def test_each_name_means_itself(name: str) -> None:
    assert told(name.upper().replace("-", " ")).genres == (name,)
    assert told(name) == Recognised((name,), (), {name: name})


@pytest.mark.parametrize(
    ("word", "genre"),
    [
        ("Science Fiction", "Sci-Fi"),
        ("SciFi", "Sci-Fi"),
        ("sci fi", "Sci-Fi"),
        ("Children", "Family"),
        ("Kids", "Family"),
        ("Musical", "Music"),
        ("Biopic", "Biography"),
        ("Suspense", "Thriller"),
        ("Sports", "Sport"),
        ("Anime", "Animation"),
        ("War & Politics", "War"),
        ("  KOMÖDIE ", "Comedy"),
        ("Komo\u0308die", "Comedy"),
        ("Krimi", "Crime"),
        ("Comédie", "Comedy"),
        ("Ciencia ficción", "Sci-Fi"),
        ("Fantascienza", "Sci-Fi"),
        ("Oorlog", "War"),
    ],
)
def test_a_word_means_its_genre_however_it_is_written(word: str, genre: str) -> None:
    assert told(word).genres == (genre,)
    assert told(word).spellings == {genre: " ".join(word.split())}


@pytest.mark.parametrize(
    ("word", "genres"),
    [
        ("Sci-Fi & Fantasy", ("Fantasy", "Sci-Fi")),
        ("Action & Adventure", ("Action", "Adventure")),
        ("Action and Adventure", ("Action", "Adventure")),
        ("Comedy/Drama", ("Comedy", "Drama")),
        ("Abenteuer und Komödie", ("Adventure", "Comedy")),
        ("Romantic Comedy", ("Comedy", "Romance")),
    ],
)
def test_a_word_of_two_genres_means_both_and_spells_neither(
    word: str, genres: tuple[str, ...]
) -> None:
    assert told(word) == Recognised(genres, (), {})


def test_genres_come_once_and_in_the_lists_order() -> None:
    said = told("Western", "Drama", "western", "Kitsch", "Kitsch")
    assert said.genres == ("Drama", "Western")
    assert said.unknown == ("Kitsch",)


def test_its_own_name_is_a_better_spelling_than_a_narrower_word() -> None:
    assert told("Anime", "animation").spellings == {"Animation": "animation"}


def test_a_file_adds_a_genre_and_words(tmp_path: Path) -> None:
    words = with_file(tmp_path, "Film-Noir: [Noir]\nsci fi: [Space Opera]\nBollywood:\n")
    assert words.names == (*SHIPPED.names, "Film-Noir", "Bollywood")
    said = words.recognise(["noir", "space opera", "bollywood", "Science Fiction"])
    assert said.genres == ("Sci-Fi", "Film-Noir", "Bollywood")


def test_what_a_file_says_goes_before_the_list(tmp_path: Path) -> None:
    words = with_file(tmp_path, "Thriller: [Krimi]\nKids: [Children]\n")
    assert words.recognise(["Krimi", "Children", "Crime"]).genres == ("Crime", "Thriller", "Kids")


def test_a_file_may_have_a_mark_at_its_beginning(tmp_path: Path) -> None:
    assert "Noir" in with_file(tmp_path, "\ufeffNoir: []").names
