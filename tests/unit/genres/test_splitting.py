"""Which films are held out."""

import pytest

from tigertag.errors import RequestError
from tigertag.genres.films import Split, split

FILMS = [f"film {number}" for number in range(50)]
YEARS: list[int | None] = [1950 + number for number in range(50)]
NO_YEARS: list[int | None] = [None] * 50


def films_of(numbers: tuple[int, ...], films: list[str]) -> set[str]:
    return {films[number] for number in numbers}


def test_rows_of_one_film_cannot_be_tested() -> None:
    with pytest.raises(RequestError, match=r"^All rows are of one film; a model cannot be tested"):
        split(["Heat"] * 30, [1995] * 30)


def test_no_rows_are_refused() -> None:
    with pytest.raises(RequestError, match=r"^There are no rows;"):
        split([], [])


def test_nine_films_are_too_few() -> None:
    with pytest.raises(RequestError, match=r"9 films only.* at least 10 films"):
        split(FILMS[:9] * 20, NO_YEARS[:9] * 20)


def test_the_latest_fifth_is_tested_where_years_are_known() -> None:
    assert split(FILMS, YEARS) == Split(tuple(range(40)), tuple(range(40, 50)), "time")


def test_a_film_without_a_year_is_learned_from() -> None:
    years = [*YEARS[:45], *NO_YEARS[:5]]
    assert split(FILMS, years) == Split((*range(35), *range(45, 50)), tuple(range(35, 45)), "time")


def test_too_few_years_split_by_film() -> None:
    found = split(FILMS, [*YEARS[:44], *NO_YEARS[:6]])
    assert (found.by, len(found.test)) == ("film", 10)


def test_all_rows_of_a_film_lie_on_one_side() -> None:
    films = FILMS * 3
    found = split(films, NO_YEARS * 3)
    assert not films_of(found.learn, films) & films_of(found.test, films)


def test_every_row_is_on_one_side() -> None:
    found = split(FILMS * 3, YEARS * 3)
    assert sorted(found.learn + found.test) == list(range(150))


def test_a_film_with_rows_of_several_years_counts_by_its_first() -> None:
    films, years = [*FILMS, FILMS[0]], [*YEARS, 2030]
    assert {0, 50} <= set(split(films, years).learn)


def test_a_long_show_counts_as_one_film() -> None:
    films, years = [*FILMS, *["show"] * 60], [*YEARS, *[2001] * 60]
    assert len(films_of(split(films, years).test, films)) == 10


def test_the_order_of_the_rows_does_not_matter() -> None:
    there = films_of(split(FILMS, NO_YEARS).test, FILMS)
    back = FILMS[::-1]
    assert films_of(split(back, NO_YEARS).test, back) == there


def test_films_that_come_later_hardly_change_what_is_held_out() -> None:
    more = [*FILMS, "one more", "and another"]
    before = films_of(split(FILMS, NO_YEARS).test, FILMS)
    after = films_of(split(more, [None] * 52).test, more)
    assert len(before & after) >= 9


@pytest.mark.parametrize(
    ("each", "tested"),
    [([7] * 8, 14), ([4] * 10, 8), ([10, 10, 10, 8, 5], 5), ([10, 12, 12, 8, 8], 8)],
)
def test_a_year_is_not_parted(each: list[int], tested: int) -> None:
    years = [1990 + year for year, films in enumerate(each) for _ in range(films)]
    found = split([f"film {number}" for number in range(len(years))], years)
    assert (found.by, len(found.test)) == ("time", tested)
    assert max(years[n] for n in found.learn) < min(years[n] for n in found.test)


@pytest.mark.parametrize("each", [[30, 20], [26, 20, 4], [4, 46], [46, 4]])
def test_of_a_year_that_is_too_large_some_films_are_tested(each: list[int]) -> None:
    years = [1990 + year for year, films in enumerate(each) for _ in range(films)]
    found = split(FILMS, years)
    assert (found.by, len(found.test)) == ("time and film", 10)
    assert max(years[n] for n in found.learn) <= min(years[n] for n in found.test)


def test_films_of_one_year_are_told_apart_by_name() -> None:
    found = split(FILMS, [1999] * 50)
    assert found == split(FILMS, NO_YEARS)
    assert (found.by, len(found.test)) == ("film", 10)
