import numpy as np
import pytest

from tigertag.genres.fitting import threshold

FILMS = [f"film {number}" for number in range(100)]
SAID = np.linspace(0.99, 0.0, 100)


def test_a_genre_that_is_never_right_often_enough_is_never_told() -> None:
    assert threshold(SAID, np.arange(100) % 2 == 0, FILMS, precision=0.7) is None


def test_fewer_than_twenty_films_prove_nothing() -> None:
    assert threshold(SAID, np.arange(100) < 13, FILMS, precision=0.7) is None


def test_it_is_the_lowest_probability_that_is_right_often_enough() -> None:
    found = threshold(SAID, np.arange(100) < 21, FILMS, precision=0.7)
    assert found == pytest.approx(SAID[29])


def test_what_is_likelier_wrong_than_right_is_not_told_with_what_is_surely_right() -> None:
    said = np.where(np.arange(100) < 30, 0.95, 0.05)
    assert threshold(said, np.arange(100) < 30, FILMS, precision=0.3) == 0.95


def test_all_of_the_same_probability_are_told_or_none() -> None:
    said = np.where(np.arange(100) < 25, 0.9, 0.1)
    targets = np.arange(100) < 20
    assert threshold(said, targets, FILMS, precision=0.7) == 0.9
    assert threshold(said, targets, FILMS, precision=0.81) is None


def test_a_show_of_many_episodes_speaks_once() -> None:
    films = ["one show"] * 50 + FILMS[:50]
    targets = np.arange(100) < 50
    assert threshold(SAID, targets, films, precision=0.7) is None
    assert threshold(SAID, targets, FILMS, precision=0.7) is not None


def test_where_there_are_few_films_their_rows_speak() -> None:
    films = [f"film {number % 5}" for number in range(100)]
    assert threshold(SAID, np.arange(100) < 40, films, precision=1.0) == pytest.approx(SAID[39])
