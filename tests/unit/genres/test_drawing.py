"""The picture is drawn, whatever is in it."""

import io
import sys
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.unit.genres.cases import BEARS, FILMS, SAID, evaluated
from tigertag.genres.evaluate import draw
from tigertag.genres.metrics import Evaluation, Predictions

pytestmark = pytest.mark.slow


def named(*genres: str) -> Evaluation:
    own = Predictions.of(BEARS, SAID, FILMS)
    return Evaluation("$^{\\", "film", FILMS, genres, (None,) * 3, BEARS, own, {})


def picture(evaluation: Evaluation) -> Image.Image:
    shown = Image.open(io.BytesIO(draw(evaluation)))
    shown.load()
    return shown


@pytest.mark.parametrize("genres", [("$\\frac", "_hidden", "10 % $x^"), ("ドラマ", "映画", "")])
def test_names_of_any_letters_are_drawn(genres: tuple[str, ...]) -> None:
    assert picture(named(*genres)).format == "PNG"


@pytest.mark.parametrize("borne", [np.zeros_like, np.ones_like])
def test_genres_that_nothing_bears_or_all_are_drawn(
    borne: Callable[..., "np.ndarray[tuple[int, int], np.dtype[np.bool_]]"],
) -> None:
    assert picture(evaluated(targets=borne(BEARS))).format == "PNG"


def test_it_is_large_enough_to_read_and_not_blank() -> None:
    shown = picture(evaluated())
    assert min(shown.size) >= 600
    assert len(shown.convert("RGB").getcolors(1 << 24) or ()) > 100


def test_the_same_evaluation_gives_the_same_picture() -> None:
    assert draw(evaluated()) == draw(evaluated())


def test_pyplot_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    draw(evaluated())
    assert "matplotlib.pyplot" not in sys.modules
