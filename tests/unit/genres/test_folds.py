import numpy as np
import pytest

from tigertag.errors import RequestError
from tigertag.genres.films import deal

FILMS = tuple(f"film {number // 2}" for number in range(40))


def borne_by(*films: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.array([[number // 2 in films] for number in range(40)])


def test_one_film_cannot_be_dealt() -> None:
    with pytest.raises(RequestError, match=r"^All examples are of one film; .* give more\.$"):
        deal(["a"] * 9, np.ones((9, 1), bool), 5)


@pytest.mark.parametrize("films", [(3,), tuple(range(20)), ()])
def test_a_genre_of_one_film_or_of_all_cannot_be_learned(films: tuple[int, ...]) -> None:
    targets = borne_by(*films)
    assert not deal(FILMS, targets, 5).serve(targets[:, 0])


def test_all_rows_of_a_film_lie_in_one_fold() -> None:
    dealt = deal(FILMS, borne_by(1, 5, 7), 5)
    folds_of = {film: set() for film in FILMS}  # type: dict[str, set[int]]
    for film, fold in zip(FILMS, dealt.of_rows.tolist(), strict=True):
        folds_of[film].add(fold)
    assert {len(folds) for folds in folds_of.values()} == {1}


@pytest.mark.parametrize("second", range(1, 20))
def test_a_genre_of_two_films_can_be_learned_whichever_they_are(second: int) -> None:
    targets = np.concatenate([borne_by(*range(10)), borne_by(0, second)], axis=1)
    assert deal(FILMS, targets, 5).serve(targets[:, 1])


def test_a_genre_that_all_but_two_films_bear_can_be_learned() -> None:
    targets = borne_by(*range(18))
    assert deal(FILMS, targets, 5).serve(targets[:, 0])


def test_folds_are_of_about_the_same_size() -> None:
    sizes = np.bincount(deal(FILMS, borne_by(1, 2, 3, 4, 5), 5).of_rows)
    assert sizes.tolist() == [8] * 5


def test_there_are_no_more_folds_than_films() -> None:
    assert deal(["a", "a", "b"], np.array([[True], [True], [False]]), 5).count == 2


def test_each_row_is_left_out_once() -> None:
    pairs = deal(FILMS, borne_by(1, 2), 5).pairs()
    assert sorted(np.concatenate([left for _, left in pairs]).tolist()) == list(range(40))
    assert all(not set(learn) & set(left) for learn, left in pairs)


def test_the_same_films_are_always_dealt_alike() -> None:
    first, second = (deal(FILMS, borne_by(1, 2), 5).of_rows.tolist() for _ in range(2))
    assert first == second
