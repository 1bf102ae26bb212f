"""What is asked, and what is made of the answer."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.imagga import KEY, SECRET, ImaggaServer
from tests.imagga.server import tags_of
from tests.unit.engines.engine_contract import photo
from tests.unit.engines.imagga.imaggas import Imaggas, photos
from tigertag.contracts import Labelled
from tigertag.engines.imagga import Options
from tigertag.engines.imagga.client import labels
from tigertag.model import Frame, Label, Media, Sample


@pytest.mark.parametrize("result", [{}, {"tags": None}, {"tags": {}}, {"tags": [1, {}]}])
def test_what_has_no_tags_is_no_answer(result: dict[str, object]) -> None:
    assert labels(result, "en", at_s=None) is None


def test_an_empty_answer_says_that_nothing_was_found() -> None:
    assert labels({"tags": []}, "en", at_s=None) == ()


@pytest.mark.parametrize(
    "odd",
    [
        "word",
        {"confidence": 50},
        {"confidence": "50", "tag": {"en": "x"}},
        {"confidence": True, "tag": {"en": "x"}},
        {"confidence": float("nan"), "tag": {"en": "x"}},
        {"confidence": 50, "tag": "x"},
        {"confidence": 50, "tag": {"en": 1}},
        {"confidence": 50, "tag": {"en": " "}},
        {"confidence": 50, "tag": {"fr": "x", "de": "y"}},
    ],
)
def test_a_tag_that_cannot_be_read_is_passed_over(odd: object) -> None:
    good = {"confidence": 61.5, "tag": {"en": "mountain"}}
    assert labels({"tags": [odd, good]}, "en", at_s=None) == (Label("mountain", 0.615),)


@pytest.mark.parametrize(("told", "confidence"), [(0, 0), (100, 1), (100.4, 1), (-3, 0), (50, 0.5)])
def test_confidence_is_taken_from_100_to_1(told: float, confidence: float) -> None:
    read = labels({"tags": [{"confidence": told, "tag": {"en": "x"}}]}, "en", at_s=None)
    assert read == (Label("x", confidence),)


def test_the_only_name_is_taken_where_the_language_is_missing() -> None:
    told = {"tags": [{"confidence": 50, "tag": {"en": "boat"}}]}
    assert labels(told, "de", at_s=None) == (Label("boat", 0.5),)


def test_the_surest_comes_first() -> None:
    told = [{"confidence": 10 * n, "tag": {"en": str(n)}} for n in (1, 3, 2)]
    assert [one.name for one in labels({"tags": told}, "en", at_s=None) or ()] == ["3", "2", "1"]


def test_it_says_what_the_service_says(bench: Imaggas) -> None:
    labelled = bench.open().labelled()
    (digest,) = bench.imagga.taggings
    told = {one["tag"]["en"]: one["confidence"] / 100 for one in tags_of(digest)}
    assert {one.name: one.confidence for one in labelled.labels} == pytest.approx(told)
    assert (labelled.model, labelled.remainder, labelled.cost_usd) == ("imagga", None, 0.0)


@pytest.mark.parametrize(("language", "word"), [("de", "Hafen"), ("zh_chs", "港口")])
def test_it_speaks_the_language_asked_for(imagga: ImaggaServer, language: str, word: str) -> None:
    bench = Imaggas(imagga, language=language).open()
    assert bench.labelled().labels[0].name == word
    bench.close()


def test_it_asks_the_tagger_asked_for(imagga: ImaggaServer) -> None:
    bench = Imaggas(imagga, tagger="own one/2").open()
    assert bench.labelled().model == "own one/2"
    assert imagga.asked("GET /v2/tags/own%20one%2F2?")
    bench.close()


@pytest.mark.parametrize(("limit", "number"), [(2, 2), (-1, 7), (50, 7)])
def test_it_asks_for_as_many_labels(imagga: ImaggaServer, limit: int, number: int) -> None:
    bench = Imaggas(imagga, limit=limit).open()
    assert len(bench.labelled().labels) == number
    bench.close()


@pytest.mark.parametrize(
    ("width_px", "height_px", "short_side_px"), [(900, 600, 300), (400, 800, 300), (80, 60, 60)]
)
def test_the_picture_is_as_small_as_serves(
    bench: Imaggas, width_px: int, height_px: int, short_side_px: int
) -> None:
    bench.open().said(photo(width_px=width_px, height_px=height_px))
    assert list(bench.imagga.short_sides) == [short_side_px]


def test_a_label_of_a_video_bears_the_time_of_its_frame(bench: Imaggas) -> None:
    frame = Frame(np.zeros((60, 80, 3), np.uint8), at_s=7.5)
    outcome = bench.open().said(Sample("v", Media.VIDEO, (frame,)))["v"]
    assert isinstance(outcome, Labelled)
    assert {one.at_s for one in outcome.labels} == {7.5}
    assert outcome.frames == (7.5,)


def test_of_a_video_the_frame_in_the_middle_goes_and_costs_one_call(bench: Imaggas) -> None:
    pixels = np.zeros((60, 80, 3), np.uint8)
    frames = tuple(Frame(pixels, float(at_s)) for at_s in range(5))
    outcome = bench.open().said(Sample("v", Media.VIDEO, frames))["v"]
    assert isinstance(outcome, Labelled)
    assert (outcome.frames, len(bench.imagga.short_sides)) == ((2.0,), 1)


def test_a_picture_is_uploaded_tagged_and_deleted(bench: Imaggas) -> None:
    bench.open().one()
    lines = [line.partition("?")[0].split("i05")[0] for line in bench.imagga.log]
    assert lines == ["GET /v2/usage", "POST /v2/uploads", "GET /v2/tags", "DELETE /v2/uploads/"]


def test_each_picture_is_tagged_once(bench: Imaggas) -> None:
    outcomes = bench.open().said(*photos(20))
    assert len(outcomes) == 20
    assert set(bench.imagga.taggings.values()) == {1}
    assert bench.settled == [(1, 0.0)] * 20


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"api_key": "other", "api_secret": "other"}, True),
        ({"language": "de"}, False),
        ({"tagger": "general_v3"}, False),
        ({"limit": 20}, False),
        ({"api_url": "http://127.0.0.1:1/v2"}, False),
    ],
)
def test_the_fingerprint_is_of_what_the_answer_depends_on(
    imagga: ImaggaServer, changed: dict[str, Any], same: bool
) -> None:
    one, other = Imaggas(imagga), Imaggas(imagga, **changed)
    assert (one.engine.fingerprint == other.engine.fingerprint) is same


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "en,de"},
        {"language": "english"},
        {"language": ""},
        {"tagger": ".."},
        {"tagger": "a\nb"},
        {"limit": 0},
        {"limit": -2},
        {"api_secret": "  "},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"api_key": KEY, "api_secret": SECRET} | wrong)


def test_a_slash_at_the_end_of_the_address_does_not_matter(imagga: ImaggaServer) -> None:
    bench = Imaggas(imagga, api_url=imagga.url + "/").open()
    assert bench.labelled().labels
    bench.close()
