# ruff: noqa: RUF001 - models write with these quotes
"""Whatever a model says is read at once, and never breaks the reading."""

import gc
import json
import time
from collections.abc import Callable
from functools import cache

import pytest

from tests.unit.engines.openai.test_answers import answer
from tigertag.contracts import Failed, Labelled

pytestmark = pytest.mark.slow

_LONG = 50_000
_AT_MOST_LOOPS = 25
"""What an answer may cost, in loops of a million steps: a second where one takes 40 ms."""

_REPEATED = [
    *"{[}]\"'`,:\\/#<«„‘ \n",
    *('{"a":', '{"a":[', "[a,", "[1,", "[[],", '[\\"', "[«", "{a:„", '{"', "{'", "{“", "[]", "{}"),
    *("<think>", "</think>", "<think>{", "</think>{", "[THINK]", "<|channel|>", "<|"),
    *("/*", "//", "[/*", "[//", "{#", "[#\n", "```", "```json\n", "\n- ", "1. ", "• "),
    *("word ", "dog, ", "dog: 1,", "sk-", "data:", "://a:", "for example: {", "e.g. [1] "),
    *("9", "1e999999,", "\x00", "\u2028", "\ud83d", '{"subjects":[]}', '["dog"]', "[‘a’ "),
]
_MIXED = {
    "thoughts that end, then one that does not": "</think>" * 6_000 + "<think>",
    "a thought of fences and lists": "<think>" + "`" * 40_000 + "[] " * 2_000,
    "a thought of lines and lists": "<think>" + "\n " * 20_000 + '["a"]' * 2_000,
    "lists, then a fence": "<think>" + "[] " * 2_000 + "`" * 40_000 + "x",
    "strings that never end": '[\\"' * 2_000 + "a" * 40_000,
    "comments that never end": "[a,/*," * 12 + "/*," * 38 + "a" * 40_000,
    "many comments that never end": ("[" + "/*," * 50) * 300,
    "a comment in a comment": "[/*" * 50 + "a" * 45_000 + "*/]",
    "lists within strings": '[- `"a"”：' * 6_000,
    "lists within strings, then brackets": "“\\“/[" * 6_000 + "}" * 20_000,
    "comments of lines that follow": "[#" * 2_000 + "#\n" * 20_000,
    "lists within a comment, then empty lines": "[//" * 2_000 + "\n" * 40_000,
    "unbalanced": '{["' * 8_000 + "]}'" * 8_000,
    "closed the wrong way round": "[{" * 12_000 + "]}" * 12_000,
    "a deep list": "[" * 25_000 + "]" * 25_000,
    "a very deep list": "[" * 400_000 + "]" * 400_000,
    "a deep list of tags": '{"subjects":' + "[" * 24_000 + "]" * 24_000 + "}",
    "a deep object": '{"a":' * 8_000 + "1" + "}" * 8_000,
    "all but whole": '{"subjects":[' + '{"tag":"dog","confidence":0.9},' * 1_500,
}


def _bounded(content: str) -> None:
    read: list[object] = []
    read_s = _cost_s(lambda: read.append(answer(content)))
    assert isinstance(read[0], Labelled | Failed)
    if read_s >= _AT_MOST_LOOPS * _loop_s():
        _loop_s.cache_clear()  # The machine may have become slower.
    assert read_s < _AT_MOST_LOOPS * _loop_s()


@cache
def _loop_s() -> float:
    return _cost_s(lambda: sum(n & 3 for n in range(1_000_000)))


def _cost_s(work: Callable[[], object]) -> float:
    """Return the CPU time of work. A busy or slow machine stretches all of it alike."""
    # A collection looks at all that the tests before have left, which may take a second.
    gc.disable()
    try:
        began = time.thread_time()
        work()
        return time.thread_time() - began
    finally:
        gc.enable()


@pytest.mark.parametrize("piece", _REPEATED)
@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ("", "]}"), ('{"subjects":["', ""), ("<think>\n", "\n<think>")]
)
def test_what_is_repeated_without_end_is_read_in_bounded_time(
    piece: str, before: str, after: str
) -> None:
    _bounded(before + (piece * _LONG)[:_LONG] + after)


@pytest.mark.parametrize("content", _MIXED.values(), ids=_MIXED)
def test_what_is_hostile_is_read_in_bounded_time(content: str) -> None:
    _bounded(content)


@pytest.mark.parametrize(
    "piece", [*"\n \t,-1:(\u2028", "  ", "\n ", "\n- ", "- ", "a - ", "1 of ", "a:1 ", "1,", "ﷺ"]
)
@pytest.mark.parametrize("strictly", [True, False])
def test_long_words_and_confidences_are_read_in_bounded_time(piece: str, strictly: bool) -> None:
    long, short = (piece * _LONG)[:49_000], (piece * 80)[:78]
    for lists in (
        {"subjects": long},
        {"subjects": f"a{long}x"},
        {"subjects": [f"{short}x"] * 600},
        {"subjects": [{"tag": long, "confidence": 1}]},
        {"subjects": [{"tag": "dog", "confidence": f"1{long}x1"}]},
        {"dog": long},
        {long: 0.9},
    ):
        spelt = json.dumps(lists, ensure_ascii=False)
        _bounded(spelt if strictly else f"So: {spelt}"[:_LONG])


@pytest.mark.parametrize("number", ["1e999999", "9" * 400, "-" + "9" * 4_000, "9" * 10_000, "NaN"])
@pytest.mark.parametrize(
    "lists",
    [
        '{"subjects": [{"tag": "dog", "confidence": %s}, {"tag": "cat", "confidence": 0.8}]}',
        '{"subjects": [{"tag": "dog", "confidence": "%s"}, {"tag": "cat", "confidence": 0.8}]}',
        '{"subjects": [["dog", %s], ["cat", 0.8]]}',
        '{"tags": {"dog": %s, "cat": 0.8}}',
        "So: {'tags': {'dog': %s, 'cat': 0.8}}",
    ],
)
def test_a_number_beyond_all_scales_takes_its_tag_alone_with_it(lists: str, number: str) -> None:
    outcome = answer(lists % number)
    assert isinstance(outcome, Labelled)
    assert [(one.name, one.confidence) for one in outcome.labels] == [("cat", 0.8)]
