import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.counted import CountedCalls
from tests.openai_server import OpenAIServer
from tests.unit.engines.engine_contract import photo, said
from tests.unit.engines.openai.visions import BLUE, Visions, failed, labelled, plain, words
from tigertag.contracts import Failed, Labelled, Outcome, RunContext
from tigertag.engines.openai.answer import Completion, read
from tigertag.engines.openai.spellings import BARE_WORD
from tigertag.model import Frame, Kind, Media, Sample


def answer(content: Any, **choice: Any) -> Outcome:
    message = {"content": content, "refusal": choice.pop("refusal", None)}
    body = {"model": "m-1", "choices": [{"message": message, "finish_reason": "stop", **choice}]}
    return read("1", Completion.parse(body), model="m", cost_usd=0.5)


def answered(**lists: Any) -> dict[str, float]:
    outcome = answer(json.dumps(lists))
    assert isinstance(outcome, Labelled)
    return words(outcome)


@pytest.mark.parametrize(
    ("content", "choice", "says", "retryable"),
    [
        (None, {"refusal": "I cannot help with that."}, "refused to answer: I cannot help", False),
        ("{}", {"finish_reason": "content_filter"}, "content filter", False),
        ('{"subjects": [', {"finish_reason": "length"}, "cut off", False),
        ("A dog.", {}, "did not answer with the lists", False),
        ("", {}, "did not answer with the lists", False),
        ("[" * 100_000, {}, "did not answer with the lists", False),
        ('{"a":' * 100_000, {}, "did not answer with the lists", False),
        ('{"subjects": [{"tag": 7, "confidence": 0.9}]}', {}, "can be used as a tag", False),
        ('{"subjects": [{"tag": "dog", "confidence": -1}]}', {}, "can be used as a tag", False),
    ],
)
def test_what_is_no_answer_fails_with_its_reason(
    content: str | None, choice: dict[str, str], says: str, retryable: bool
) -> None:
    outcome = answer(content, **choice)
    assert isinstance(outcome, Failed)
    assert says in outcome.reason
    assert outcome.retryable == retryable


@pytest.mark.parametrize("body", [None, {}, {"choices": []}, {"choices": "x"}, [], "x"])
def test_what_is_no_completion_fails_for_now(body: Any) -> None:
    outcome = read("1", Completion.parse(body), model="m", cost_usd=0.0)
    assert isinstance(outcome, Failed)
    assert outcome.retryable


def test_lists_that_are_empty_are_an_answer() -> None:
    outcome = answer(json.dumps({"subjects": [], "mood": []}))
    assert isinstance(outcome, Labelled)
    assert outcome.labels == ()


@pytest.mark.parametrize(
    ("said_as", "confidence"),
    [(0.9, 0.9), ("0.9", 0.9), ("90%", 0.9), (90, 0.9), (1, 1.0), (0, 0.0), ("0.5%", 0.005)],
)
def test_confidences_are_read_as_fractions(said_as: Any, confidence: float) -> None:
    found = answered(subjects=[{"tag": "dog", "confidence": said_as}])
    assert found == {"dog": pytest.approx(confidence)}


@pytest.mark.parametrize("said_as", [-0.1, 101, True, float("nan"), "inf", [0.9], {}])
def test_confidences_that_are_none_are_dropped(said_as: Any) -> None:
    dog = {"tag": "dog", "confidence": said_as}
    assert answered(subjects=[dog, {"tag": "cat", "confidence": 0.8}]) == {"cat": 0.8}


@pytest.mark.parametrize(
    "tag", ["", "  ", "...", "a" * 41, "one two three four five", 7, None, ["dog"], "x" * 10_000]
)
def test_tags_that_are_none_are_dropped(tag: Any) -> None:
    wrong = {"tag": tag, "confidence": 0.9}
    assert answered(subjects=[wrong, {"tag": "cat", "confidence": 0.8}]) == {"cat": 0.8}


def test_tags_are_tidied() -> None:
    assert answered(subjects=[{"tag": ' "Big\n dog". ', "confidence": 1}]) == {"Big dog": 1.0}


@pytest.mark.parametrize(
    "subjects",
    [
        ["dog", "cat"],
        "dog, cat",
        [{"tag": "dog"}, {"name": "cat"}],
        {"dog": BARE_WORD, "cat": BARE_WORD},
        [{"label": "dog", "score": BARE_WORD}, "cat"],
    ],
)
def test_words_without_a_confidence_get_a_fixed_one(subjects: Any) -> None:
    assert answered(subjects=subjects) == {"dog": BARE_WORD, "cat": BARE_WORD}


def test_a_tag_that_is_said_twice_is_one_with_the_higher_confidence() -> None:
    twice = [{"tag": "dog", "confidence": 0.5}, {"tag": "Dog", "confidence": 0.9}]
    assert answered(subjects=twice) == {"Dog": 0.9}


def test_of_more_tags_than_were_asked_for_the_surest_are_taken() -> None:
    moods = [{"tag": f"mood{number}", "confidence": number / 10} for number in range(1, 9)]
    assert set(answered(mood=moods)) == {"mood8", "mood7", "mood6"}


def test_each_list_has_its_kind() -> None:
    outcome = answer(
        json.dumps(
            {
                "subjects": ["dog"],
                "activities": ["swim"],
                "setting": ["beach"],
                "style": ["portrait"],
                "mood": ["joyful"],
            }
        )
    )
    assert isinstance(outcome, Labelled)
    assert [label.kind for label in outcome.labels] == [
        Kind.OBJECT,
        Kind.OBJECT,
        Kind.SCENE,
        Kind.STYLE,
        Kind.STYLE,
    ]


@pytest.mark.parametrize(
    "content",
    [
        'Sure: {"subjects": ["dog"]} There.',
        '```json\n{"subjects": ["dog"]}\n```',
        '<think>{"subjects": ["cat"]}</think>{"subjects": ["dog"]}',
        '{not json} {"subjects": ["dog"]}',
        [{"type": "text", "text": '{"subjects": ["dog"]}'}],
    ],
)
def test_lists_are_found_within_what_stands_around_them(content: Any) -> None:
    outcome = answer(content)
    assert isinstance(outcome, Labelled)
    assert words(outcome) == {"dog": BARE_WORD}


def test_the_snapshot_that_answered_is_the_model(bench: Visions) -> None:
    assert labelled(bench.opened()).model == "gpt-4.1-nano-2025-04-14"


def test_the_picture_is_really_looked_at(bench: Visions) -> None:
    assert words(labelled(bench.opened(), plain(colour=BLUE)))["blue"] == 0.9


@pytest.mark.parametrize(("detail", "size_px"), [("low", (512, 384)), ("high", (1024, 768))])
def test_the_picture_is_as_large_as_the_detail_looks_at(
    bench: Visions, detail: str, size_px: tuple[int, int]
) -> None:
    labelled(bench.opened(detail=detail), photo(width_px=1600, height_px=1200))
    assert f'"detail":"{detail}"'.encode() in bench.bodies[-1].replace(b": ", b":")
    assert _sent_px(bench.bodies[-1]) == [size_px]


@pytest.mark.parametrize(
    ("given", "sent"), [((18, 400), (64, 400)), ((512, 25), (512, 64)), ((20, 10), (64, 64))]
)
def test_no_picture_has_a_side_that_models_refuse(
    bench: Visions, given: tuple[int, int], sent: tuple[int, int]
) -> None:
    labelled(bench.opened(), photo(width_px=given[0], height_px=given[1]))
    assert _sent_px(bench.bodies[-1]) == [sent]


def test_frames_of_a_video_are_asked_about_together_spread_over_it(bench: Visions) -> None:
    frames = tuple(Frame(np.zeros((90, 10 * side, 3), np.uint8), side) for side in range(10, 20))
    outcome = labelled(bench.opened(), Sample("1", Media.VIDEO, frames))
    assert [width for width, _height in _sent_px(bench.bodies[-1])] == [110, 130, 160, 180]
    assert b"frames" in bench.bodies[-1]
    assert (outcome.frames, {label.at_s for label in outcome.labels}) == ((), {None})


def test_a_sample_without_a_picture_fails_and_nothing_is_sent(
    bench: Visions, openai: OpenAIServer
) -> None:
    empty = Sample("1", Media.PHOTO, (Frame(np.zeros((0, 4, 3), np.uint8)),))
    (outcome,) = said(bench.opened(), empty).values()
    assert isinstance(outcome, Failed)
    assert not openai.counts["chat"]


def test_a_refusal_is_settled_by_its_usage(bench: Visions, openai: OpenAIServer) -> None:
    openai.say(content=None, refusal="I cannot help with that.")
    calls = CountedCalls()
    failed(bench.opened(), calls)
    assert calls.made[0].settled is not None
    units, cost_usd = calls.made[0].settled
    assert cost_usd is not None
    assert (units, cost_usd > 0) == (1, True)


def test_an_answer_that_is_cut_is_paid_and_not_asked_for_again(
    bench: Visions, openai: OpenAIServer
) -> None:
    openai.answer_tokens = 5000
    outcome = failed(bench.opened())
    assert not outcome.retryable
    assert openai.counts["chat"] == 1


def test_no_temperature_is_sent(bench: Visions) -> None:
    labelled(bench.opened())
    assert b"temperature" not in bench.bodies[-1]


def test_the_language_is_asked_for(bench: Visions) -> None:
    engine = bench.opened(language="de")
    said(engine, plain(), run=RunContext(calls=CountedCalls()))
    assert b"(its name or ISO 639 code): de." in bench.bodies[-1]


def _sent_px(body: bytes) -> list[tuple[int, int]]:
    parts = json.loads(body)["messages"][1]["content"]
    urls = [one["image_url"]["url"] for one in parts if one["type"] == "image_url"]
    images = [Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) for url in urls]
    return [image.size for image in images]
