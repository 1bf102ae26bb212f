"""The figures, against scikit-learn's and by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from tigertag.genres.metrics import Estimate, Measured, measure

pytestmark = pytest.mark.slow

ROWS = 60
FILMS = [f"film {number // 2}" for number in range(ROWS)]
RANDOM = np.random.default_rng(7)
BEARS = RANDOM.random((ROWS, 3)) < 0.4
FINE = np.clip(RANDOM.random((ROWS, 3)) * 0.7 + 0.3 * BEARS, 0, 1)
COARSE = FINE.round(1)
"""With many ties."""

NOTHING = Estimate(None, None, None)


def column(*values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)[:, None]


def value(measured: Measured, name: str) -> float:
    found = measured.in_all[name].value
    assert found is not None
    return found


def films(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_a_genre_that_nothing_bears_has_no_area_and_is_left_out_of_macro() -> None:
    measured = measure(BEARS & [True, False, False], FINE, FILMS)
    alone = measure(BEARS[:, :1], FINE[:, :1], FILMS)
    assert measured.per_genre[1]["ap"] == measured.per_genre[1]["auc"] == NOTHING
    assert value(measured, "macro_ap") == pytest.approx(value(alone, "macro_ap"))


def test_a_genre_that_all_bear_has_no_area() -> None:
    measured = measure(np.ones((4, 1), dtype=bool), column(0.1, 0.2, 0.3, 0.4), films(4))
    assert measured.per_genre[0]["ap"] == measured.in_all["macro_auc"] == NOTHING
    assert measured.per_genre[0]["brier"].value == pytest.approx((0.81 + 0.64 + 0.49 + 0.36) / 4)


@pytest.mark.parametrize("said", [FINE, COARSE, np.full_like(FINE, 0.4)])
def test_areas_are_those_of_scikit_learn(said: NDArray[np.float64]) -> None:
    measured = measure(BEARS, said, FILMS)
    for genre, figures in enumerate(measured.per_genre):
        borne, column = BEARS[:, genre], said[:, genre]
        assert figures["ap"].value == pytest.approx(average_precision_score(borne, column))
        assert figures["auc"].value == pytest.approx(roc_auc_score(borne, column))


@pytest.mark.parametrize("said", [FINE, COARSE])
def test_micro_and_macro_are_those_of_scikit_learn(said: NDArray[np.float64]) -> None:
    measured = measure(BEARS, said, FILMS)
    for kind in ("micro", "macro"):
        area = average_precision_score(BEARS, said, average=kind)
        assert value(measured, f"{kind}_ap") == pytest.approx(area)
        assert value(measured, f"{kind}_auc") == pytest.approx(
            roc_auc_score(BEARS, said, average=kind)
        )


def test_brier_is_that_of_scikit_learn() -> None:
    assert value(measure(BEARS, FINE, FILMS), "brier") == pytest.approx(
        np.mean([brier_score_loss(BEARS[:, genre], FINE[:, genre]) for genre in range(3)])
    )


def test_calibration_error_weighs_bins_by_their_cases() -> None:
    targets = np.array([[True], [False], [True], [True]])
    measured = measure(targets, column(0.12, 0.18, 1.0, 0.99), films(4))
    assert value(measured, "ece") == pytest.approx((2 * abs(0.15 - 0.5) + 2 * 0.005) / 4)


def test_calibration_errors_of_two_genres_may_even_out_only_in_all() -> None:
    targets = np.array([[True, False], [True, False]])
    measured = measure(targets, np.full((2, 2), 0.5), films(2))
    assert value(measured, "ece") == pytest.approx(0)
    assert value(measured, "macro_ece") == pytest.approx(0.5)


def test_intervals_hold_what_was_measured() -> None:
    for estimate in measure(BEARS, FINE, FILMS).in_all.values():
        assert estimate.value is not None
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < estimate.value < estimate.high


def test_intervals_draw_films_not_rows() -> None:
    twice = np.repeat(BEARS[::2], 2, axis=0), np.repeat(FINE[::2], 2, axis=0)
    both, once = measure(*twice, FILMS), measure(BEARS[::2], FINE[::2], FILMS[::2])
    assert both.in_all["micro_ap"].low == pytest.approx(once.in_all["micro_ap"].low)


def test_the_same_films_give_the_same_intervals() -> None:
    assert measure(BEARS, FINE, FILMS) == measure(BEARS, FINE, FILMS)


def test_a_single_film_has_no_spread() -> None:
    estimate = measure(BEARS, FINE, ["the one"] * ROWS).in_all["micro_ap"]
    assert estimate.value is not None
    assert estimate.low == estimate.high == pytest.approx(estimate.value)
