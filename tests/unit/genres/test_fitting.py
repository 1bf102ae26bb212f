from dataclasses import replace

import numpy as np
import pytest

from tests.unit.genres.fitted import GENRES, ROWS, fitted, table
from tigertag.errors import RequestError
from tigertag.genres import fitting
from tigertag.genres.fitting import STRENGTHS, FitTable, fit

pytestmark = pytest.mark.slow


@pytest.fixture
def one_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try one C only, for what does not depend on it."""
    monkeypatch.setattr(fitting, "STRENGTHS", (1e-2,))


def test_one_film_is_too_few() -> None:
    with pytest.raises(RequestError, match="All examples are of one film"):
        fit(replace(table(), films=("the only one",) * ROWS))


def test_one_genre_is_too_few() -> None:
    targets = table().targets.copy()
    targets[:, 1:] = False
    with pytest.raises(RequestError, match=r"only Action is such a one: give more films\.$"):
        fit(replace(table(), targets=targets))


def test_genres_that_all_films_bear_leave_nothing_to_learn() -> None:
    with pytest.raises(RequestError, match="none of 3 is such a one"):
        fit(replace(table(), targets=np.ones((ROWS, 3), bool)))


@pytest.mark.usefixtures("one_strength")
def test_a_genre_of_one_film_is_left_out_and_said_so() -> None:
    targets = table().targets.copy()
    targets[:, 2] = np.arange(ROWS) == 7
    learned = fit(replace(table(), targets=targets))
    assert learned.genres == ("Action", "Drama")
    assert learned.left_out == {"Western": "too few films have it, or too few do not"}
    assert learned.head.probabilities(table().vectors).shape == (ROWS, 2)


@pytest.mark.usefixtures("one_strength")
def test_a_genre_of_two_films_is_learned() -> None:
    targets = table().targets.copy()
    targets[:, 2] = np.isin(np.arange(ROWS), (7, 8))
    assert fit(replace(table(), targets=targets)).genres == GENRES


def test_what_can_be_seen_is_learned() -> None:
    others = table(400, seed=1)
    sure = fitted().head.probabilities(others.vectors) > 0.5
    right = (sure == others.targets).mean(axis=0)
    assert right[0] > 0.8
    assert right[1] > 0.8


def test_probabilities_are_calibrated() -> None:
    others = table(400, seed=1)
    said = fitted().head.probabilities(others.vectors).mean(axis=0)
    np.testing.assert_allclose(said, others.targets.mean(axis=0), atol=0.1)


def test_what_cannot_be_seen_is_never_told() -> None:
    action, drama, western = fitted().thresholds
    assert western is None
    assert action is not None
    assert drama is not None


@pytest.mark.usefixtures("one_strength")
def test_a_higher_precision_gives_higher_thresholds() -> None:
    lower, higher = (fit(table(), precision=least).thresholds[0] for least in (0.7, 0.95))
    assert lower is not None
    assert higher is not None
    assert higher > lower


def test_what_is_not_known_is_taken_as_the_mean_of_what_is() -> None:
    known = table().vectors[:1].copy()
    known[:, 10] = np.nanmean(table().vectors[:, 10])
    known[:, 11] = 0.0
    unknown = known.copy()
    unknown[:, 10:] = np.nan
    learned = fitted()
    np.testing.assert_allclose(
        learned.head.probabilities(known), learned.head.probabilities(unknown), atol=1e-6
    )


def test_the_baselines_are_ten_trees_and_the_share_of_films() -> None:
    assert len(fitted().baselines.roots) == 10
    assert fitted().baselines.prevalence.tolist() == table().targets.mean(axis=0).tolist()


def test_it_says_how_far_it_is() -> None:
    told: list[str] = []
    c = fit(table(), report=told.append).c
    assert told[0].startswith(f"C {STRENGTHS[0]:g}: log loss 0.")
    assert told[-1] == "learning from all examples"
    assert any(line.startswith(f"C {c:g}:") for line in told)


@pytest.mark.parametrize(
    ("losses", "best"), [([3.0, 0.4, 2.0, 0.3, 0.7, 0.6], 3), ([0.1, 0.09999, 0.09998], 0)]
)
def test_larger_c_are_not_tried_once_they_are_hardly_better(
    monkeypatch: pytest.MonkeyPatch, losses: list[float], best: int
) -> None:
    monkeypatch.setattr(fitting, "_loss", lambda decisions, targets: losses.pop(0))
    assert fit(table()).c == STRENGTHS[best]
    assert not losses


def test_few_rows_of_few_numbers_are_not_told_upside_down() -> None:
    random = np.random.default_rng(0)
    targets = np.arange(36)[:, None] % 6 == np.arange(6)
    vectors = 2.0 * targets @ random.normal(size=(6, 13)) + random.normal(size=(36, 13)) / 2
    films = tuple(f"film {number}" for number in range(36))
    known = FitTable(vectors.astype(np.float32), targets, films, tuple("abcdef"))
    said = fit(known).head.probabilities(known.vectors)
    assert said[targets].mean() > said[~targets].mean()
