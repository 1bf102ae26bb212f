from dataclasses import replace

import numpy as np
import pytest

from tests.unit.genres.fitted import WIDTH, fitted, graph, table
from tigertag.errors import ModelError
from tigertag.genres import conversion
from tigertag.genres.conversion import to_onnx
from tigertag.genres.fitting import fit
from tigertag.inference.head import Head

pytestmark = pytest.mark.slow


def test_a_graph_that_says_something_else_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "LARGEST_DIFFERENCE", 0.0)
    with pytest.raises(ModelError, match=r"^The model was not kept: as ONNX it says something"):
        to_onnx(fitted(), table().vectors)


def test_it_says_what_scikit_learn_says() -> None:
    vectors = table(300, seed=3).vectors
    said = Head(graph()).probabilities(vectors)
    assert np.abs(said - fitted().probabilities(vectors)).max() < 1e-5


def test_it_says_the_same_where_nothing_is_known() -> None:
    nothing = np.full((1, WIDTH), np.nan, np.float32)
    said = Head(graph()).probabilities(nothing)
    assert np.abs(said - fitted().probabilities(nothing)).max() < 1e-5


def test_it_takes_a_pooled_vector_and_gives_probabilities_only() -> None:
    head = Head(graph())
    assert (head.width, head.genres) == (WIDTH, 3)


def test_the_same_films_always_give_the_same_bytes() -> None:
    assert to_onnx(fit(table()), table().vectors) == graph()


def test_two_genres_are_enough() -> None:
    two = replace(table(), bears=table().bears[:, :2], genres=("Action", "Drama"))
    assert Head(to_onnx(fit(two), two.vectors)).genres == 2
