"""What `genre evaluate` writes."""

import json
from typing import Any

import numpy as np
import pytest

from tests.unit.genres.cases import BEARS, FILMS, GENRES, SAID, evaluated

pytestmark = pytest.mark.slow

IN_ALL = {"macro_ap", "micro_ap", "macro_auc", "micro_auc", "ece", "macro_ece", "brier"}


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return evaluated().as_json()


def test_a_genre_that_no_tested_film_bears_is_said_to_be_untested() -> None:
    told = evaluated(targets=BEARS & [True, True, False]).as_json()
    assert told["untested"] == ["Western"]
    assert told["per_genre"]["Western"]["ap"] is None
    assert told["per_genre"]["Western"]["intervals"]["ap"] is None


def test_it_is_plain_json(told: dict[str, Any]) -> None:
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_each_figure_has_an_interval(told: dict[str, Any]) -> None:
    assert set(told["intervals"]) == IN_ALL
    for name, (low, high) in told["intervals"].items():
        assert low <= told[name] <= high


def test_it_says_what_it_was_measured_with(told: dict[str, Any]) -> None:
    said = {name: told[name] for name in ("model", "split", "films", "rows")}
    assert said == {"model": "default", "split": "time", "films": 40, "rows": 80}


def test_the_baselines_stand_beside_the_model(told: dict[str, Any]) -> None:
    assert set(told["baselines"]) == {"prevalence", "random_forest"}
    for row in told["baselines"].values():
        assert set(row) == {*IN_ALL, "intervals", "per_genre"}


def test_prevalence_ranks_nothing(told: dict[str, Any]) -> None:
    assert told["baselines"]["prevalence"]["macro_auc"] == pytest.approx(0.5)
    assert told["macro_auc"] > 0.8


def test_a_threshold_tells_how_often_it_is_right(told: dict[str, Any]) -> None:
    comedy = told["per_genre"]["Comedy"]
    passed = SAID[:, 1] >= 0.7
    assert (comedy["threshold"], comedy["told"]) == (0.7, passed.sum())
    assert comedy["right"] == (passed & BEARS[:, 1]).sum()


def test_a_genre_without_a_threshold_is_never_told(told: dict[str, Any]) -> None:
    western = told["per_genre"]["Western"]
    assert (western["threshold"], western["told"], western["right"]) == (None, 0, 0)


def test_films_of_a_genre_are_counted_not_rows(told: dict[str, Any]) -> None:
    drama = {film for film, borne in zip(FILMS, BEARS[:, 0], strict=True) if borne}
    assert told["per_genre"]["Drama"]["films"] == len(drama)


def test_genres_keep_their_order(told: dict[str, Any]) -> None:
    assert list(told["per_genre"]) == list(GENRES)


def test_probabilities_of_single_precision_are_taken() -> None:
    assert evaluated(said=SAID.astype(np.float32)).own.probabilities.dtype == np.float64
