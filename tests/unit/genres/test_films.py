"""Names by which a film is known in lists and libraries."""

import pytest

from tigertag.genres import films


@pytest.mark.parametrize("text", ["", "84058", "nm0000093", "tt", "heat (1995)", "tt" + "1" * 5000])
def test_what_is_no_number_of_imdb_is_none(text: str) -> None:
    assert films.imdb(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "tt0084058",
        "TT84058",
        "imdb:tt0084058",
        "imdb:84058",
        "imdb:84058.0",
        "imdb.com/title/tt0084058",
        "https://www.imdb.com/title/tt0084058/?ref_=x",
    ],
)
def test_a_number_of_imdb_is_spelled_in_one_way(text: str) -> None:
    assert films.imdb(text) == "imdb:tt0084058"


def test_without_a_title_there_is_no_name() -> None:
    assert films.titled(" ", 1995) == ""


def test_a_title_of_signs_alone_is_a_name() -> None:
    assert films.titled("???", 2000) != films.titled("!!!", 2000)


def test_titles_are_told_apart_by_year_and_not_by_spelling() -> None:
    assert films.titled("Amélie  & Co.", 2001) == films.titled("amelie co", 2001)
    assert films.titled("Heat", 1995) != films.titled("Heat", 1986)


def test_a_title_without_a_year_may_be_any_film_of_that_title() -> None:
    names = ["title:heat"], ["title:heat (1995)"], ["title:ran (1985)"], ["f1"]
    undated, heat, ran, other = films.linked(names)
    assert undated & heat
    assert [*ran, *other] == ["title:ran (1985)", "f1"]
