# ruff: noqa: RUF001 - models write with these quotes and commas
"""What models of one's own really say, and how it is read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engines.openai.test_answers import answer, answered
from tests.unit.engines.openai.visions import words
from tigertag.contracts import Failed, Labelled
from tigertag.engines.openai import spellings
from tigertag.engines.openai.answer import Completion, read
from tigertag.engines.openai.spellings import BARE_WORD

DRAFT = '{"subjects": [{"tag": "crocodile", "confidence": 0.9}], "mood": []}'
ENTRIES = '[{"tag": "dog", "confidence": 0.95}]'
FINAL = '{"subjects": [{"tag": "dog", "confidence": 0.95}], "mood": []}'
OPENED_AND_CLOSED = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<THINK>", "</THINK>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<draft>", "</draft>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("analysis", "assistantfinal"),
]


def found(content: Any) -> dict[str, float]:
    outcome = answer(content)
    assert isinstance(outcome, Labelled), outcome
    return words(outcome)


@pytest.mark.parametrize(("opening", "closing"), OPENED_AND_CLOSED)
@pytest.mark.parametrize("opened", [True, False])
def test_a_draft_within_a_thought_is_no_answer(opening: str, closing: str, opened: bool) -> None:
    begun = opening if opened else ""
    said = f"{begun}A first draft is {DRAFT}. But it has no scales.\n{closing}\n\n{FINAL}"
    assert found(said) == {"dog": 0.95}


@pytest.mark.parametrize(("opening", "_closing"), OPENED_AND_CLOSED[:-1])
def test_a_thought_that_never_ends_holds_no_answer_but_at_its_end(
    opening: str, _closing: str
) -> None:
    assert isinstance(answer(f"{opening}Perhaps {DRAFT}. No, it has no"), Failed)
    assert isinstance(answer(f"{opening}Perhaps {DRAFT}"), Failed)
    assert found(f"{opening}Perhaps {DRAFT}. No.\n\n```json\n{FINAL}\n```") == {"dog": 0.95}
    assert found(f"{FINAL}\n{opening}Perhaps {DRAFT}, after all?") == {"dog": 0.95}


@pytest.mark.parametrize(
    "said",
    [
        f"Draft: {DRAFT}\nFinal: {FINAL}",
        f"<think>a <think>{DRAFT}</think> b</think>{FINAL}",
        f"<think>one</think>\n<reflection>{DRAFT}</reflection>\n<output>{FINAL}</output>",
        f"<think>{DRAFT}</think>{DRAFT}</think>{FINAL}",
        f'{{"result": {FINAL}}}',
        f"[{FINAL}]",
        f"Here it is:\n```json\n{FINAL}\n```\nI hope that this {{helps}}!",
        f"{FINAL}<|return|>",
    ],
)
def test_the_last_whole_answer_counts(said: str) -> None:
    assert found(said) == {"dog": 0.95}


@pytest.mark.parametrize(
    "after",
    [
        'For example: {"tags": []}',
        'Format: {"tags": []}',
        '{"example": {"subjects": ["crocodile"]}}',
        'For example:\n```json\n{"subjects": ["crocodile"]}\n```',
        'An example, e.g. {"subjects": [{"tag": "crocodile", "confidence": 0.9}]}',
        '{"subjects": [], "activities": [], "setting": [], "style": [], "mood": []}',
        '{"subjects": [{"tag": "…", "confidence": 0.0}], "mood": []}',
        '{"subjects": [{"tag": "string", "confidence": 0.9}], "mood": ["<mood>"]}',
        'As asked: {"tags": ["tag1", "tag2"]}',
        '{"subjects": {"type": "array", "items": {"type": "string"}}}',
        '{"type": "object", "properties": {"subjects": {"type": "array"}}}',
        '{"tags": {"type": "array", "items": {"type": "string"}}}',
        '{"subjects": [{"tag": 7}]}',
        '{"total": 1}',
        "Only [one] was seen.",
        "{} []",
    ],
)
@pytest.mark.parametrize("said", [FINAL, f'{{"tags": {ENTRIES}}}', ENTRIES])
def test_an_example_after_the_answer_is_not_the_answer(said: str, after: str) -> None:
    assert found(f"{said}\n{after}") == {"dog": 0.95}


@pytest.mark.parametrize("key", ["example", "format", "schema"])
def test_an_example_beside_the_answer_is_not_the_answer(key: str) -> None:
    within = {"answer": {"subjects": ["dog"]}, key: {"subjects": ["crocodile"]}}
    assert found(json.dumps(within)) == {"dog": BARE_WORD}


@pytest.mark.parametrize(
    "said",
    [
        '{"tags": ["crocodile"]} No, it is a dog: {"tags": ["dog"]}',
        '{"tags": ["crocodile"]} {"tags": ["cat"]} {"tags": ["dog"]} Format: {"tags": []}',
        '[{"subjects": ["crocodile"]}, {"subjects": ["dog"]}, {"subjects": []}]',
        '```json\n{"subjects": ["cat"]}\n```\nCorrected:\n```json\n{"subjects": ["dog"]}\n```',
        'For example: {"subjects": ["crocodile"]}. Mine: {"subjects": ["dog"]}',
        'For example: {"subjects": ["dog"]}',
    ],
)
def test_the_last_correction_counts(said: str) -> None:
    assert found(said) == {"dog": BARE_WORD}


@pytest.mark.parametrize(
    "said",
    [
        f'{DRAFT} But it is too dark to tell: {{"subjects": ["none"]}}',
        f'{{"tags": []}} For example, a picture of one would be: {{"example": {DRAFT}}}',
        '{"subjects": [], "mood": []} The [picture] is black.',
        '{"tags": []}',
        "[]",
    ],
)
def test_an_honest_none_is_the_answer(said: str) -> None:
    assert found(said) == {}


def test_an_answer_that_the_server_took_for_a_thought_is_read() -> None:
    message = {"content": None, "reasoning_content": f"It is small.\n{FINAL}"}
    outcome = read(
        "1", Completion.parse({"choices": [{"message": message}]}), model="m", cost_usd=0
    )
    assert isinstance(outcome, Labelled)
    assert words(outcome) == {"dog": 0.95}


@pytest.mark.parametrize(
    "said",
    [
        '{"subjects":[{"tag":"dog","confidence":0.9},],"mood":[],}',
        '{"subjects":[{"tag":"dog","confidence":0.9}] /* sure */, // and\n"mood":[] # none\n}',
        "{'subjects': [{'tag': 'dog', 'confidence': 0.9}], 'mood': None}",
        "{“subjects”: [{“tag”: “dog”, “confidence”: 0.9}]}",
        '{subjects: [{tag: "dog", confidence: 0.9}]}',
        "{subjects: [{tag: dog, confidence: 0.9}], mood: []}",
        '{"subjects": [{"tag": "dog", "confidence": .9}]}',
        '{"subjects"：[{"tag"：“dog”，"confidence"：0.9}]}',
        '{"subjects": [{"tag": "dog" "confidence": 0.9}] "mood": []}',
        '{"Subjects": [{"Tag": "dog", "Confidence": 0.9}]}',
        '{"subjects": [{"label": "dog", "probability": 0.9}]}',
        '{"objects": [{"name": "dog", "score": "0,9"}]}',
        '{"subjects": {"dog": 0.9}}',
        '{"subjects": [{"dog": 0.9}]}',
        '{"subjects": [["dog", 0.9]]}',
        '{"subjects": ["dog (90%)"]}',
        '{"subjects": "dog: 0.9"}',
        '{"tags": [{"tag": "dog", "confidence": 0.9}]}',
        '{"tags": {"dog": 0.9}}',
        '[{"tag": "dog", "confidence": 0.9}]',
        '{"dog": 0.9}',
    ],
)
def test_what_is_nearly_the_answer_is_read(said: str) -> None:
    assert found(said) == {"dog": pytest.approx(0.9)}


@pytest.mark.parametrize("said", ['{"tags": ["dog", "cat"]}', '["dog", "cat"]', "['dog', 'cat']"])
def test_a_flat_list_is_of_objects(said: str) -> None:
    assert found(said) == {"dog": BARE_WORD, "cat": BARE_WORD}


def test_an_apostrophe_ends_no_word() -> None:
    assert found("{'subjects': ['child's toy', 'dog']}") == {"child's toy": 0.5, "dog": 0.5}


@pytest.mark.parametrize(
    "said",
    ['{"subjects": ["dog"], "mood": [', '{"a": {"subjects": ["dog"', '{"a": 1, "b": ["x"]'],
)
def test_a_part_of_what_is_broken_is_no_answer(said: str) -> None:
    assert isinstance(answer(said), Failed)


@pytest.mark.parametrize(
    "listed",
    [
        "猫、沙发、窗户",
        "猫，沙发，窗户",
        "猫; 沙发； 窗户",
        "猫, 沙发, 窗户",
        "猫\n沙发\n窗户",
        "- 猫\n- 沙发\n- 窗户",
        "* 猫\n* 沙发\n* 窗户",
        "1. 猫\n2. 沙发\n3) 窗户",
        "• 猫 • 沙发 • 窗户",
        ["猫、沙发", "窗户"],
    ],
)
def test_lists_in_one_string_are_parted(listed: Any) -> None:
    assert answered(subjects=listed) == {"猫": 0.5, "沙发": 0.5, "窗户": 0.5}


@pytest.mark.parametrize(
    ("said_as", "confidences"),
    [
        ((95, 1), (0.95, 0.01)),
        ((95, 80.5), (0.95, 0.805)),
        (("95%", 1), (0.95, 0.01)),
        (("95%", "1 %"), (0.95, 0.01)),
        (("９５％", "80％"), (0.95, 0.8)),
        (("95 percent", 80), (0.95, 0.8)),
        ((9, 3), (0.9, 0.3)),
        (("9/10", "3/10"), (0.9, 0.3)),
        (("9 out of 10", "3 of 10"), (0.9, 0.3)),
        ((5, 4), (1.0, 0.8)),
        (("4/5", "2/5"), (0.8, 0.4)),
        (("0,95", "0,8"), (0.95, 0.8)),
        ((1, 0.5), (1.0, 0.5)),
        ((1, 0), (1.0, 0.0)),
        ((95, 0.9), (BARE_WORD, BARE_WORD)),
        ((8, 0.7), (BARE_WORD, BARE_WORD)),
        (("95%", 0.9), (0.95, BARE_WORD)),
        (("very high", "low"), (0.95, 0.2)),
        (("hoch", "Mittel"), (0.85, 0.5)),
        (("高", "低"), (0.85, 0.2)),
        (("beyond doubt", 0.9), (BARE_WORD, 0.9)),
        ((None, 0.9), (BARE_WORD, 0.9)),
    ],
)
def test_one_answer_has_one_scale(
    said_as: tuple[Any, Any], confidences: tuple[float, float]
) -> None:
    dog, beach = ({"tag": tag, "confidence": one} for tag, one in zip("ab", said_as, strict=True))
    assert tuple(answered(subjects=[dog], setting=[beach]).values()) == pytest.approx(confidences)


@pytest.mark.parametrize(
    "tag",
    [
        "none",
        "None.",
        "N/A",
        "n.a.",
        "unknown",
        "Unknown",
        "not applicable",
        "keine",
        "unbekannt",
        "k. A.",
        "aucun",
        "inconnu",
        "ninguno",
        "desconocido",
        "nessuno",
        "nenhum",
        "geen",
        "okänd",
        "brak",
        "žádné",
        "нет",
        "неизвестно",
        "无",
        "未知",
        "なし",
        "不明",
        "없음",
        "لا يوجد",
        "yok",
        "không có",
        "tidak ada",
    ],
)
def test_what_says_that_there_is_none_is_no_tag(tag: str) -> None:
    none = [{"tag": tag, "confidence": 1.0}]
    assert answered(subjects=[{"tag": "tablet", "confidence": 0.9}], mood=none) == {"tablet": 0.9}
    assert answered(subjects=[], mood=none) == {}


@pytest.mark.parametrize("tag", ["unknown pleasures", "nun", "空", "no parking sign", "empty"])
def test_a_name_that_only_begins_like_that_is_a_tag(tag: str) -> None:
    assert answered(subjects=[{"tag": tag, "confidence": 0.9}]) == {tag: 0.9}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("I see a dog\x1b[31m\non a sofa.", "“I see a dog [31m on a sofa.”."),
        ("word " * 100, f"“{('word ' * 16)[:79]}…”."),
        ("", "but with nothing."),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line_and_not_paid_for_again(
    said: str, shown: str
) -> None:
    outcome = answer(said)
    assert isinstance(outcome, Failed)
    assert shown in outcome.reason
    assert "\n" not in outcome.reason
    assert not outcome.retryable


_WORDS = ["subjects", "tag", "confidence", "dog", "<think>", "</think>", "[THINK]"]
_MARKS = ["0.9", "95%", "1e999", "-1", "null", "/*", "*/", "\\ud83d", "<|channel|>final"]
_PIECES = st.sampled_from([*"{}[]“”,:;/*#\\、：\n \"'", *_WORDS, *_MARKS])


@given(st.lists(_PIECES | st.text(max_size=5), max_size=60).map("".join))
def test_no_text_breaks_the_reading(said: str) -> None:
    assert isinstance(answer(said), Labelled | Failed)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=20,
    )
)
def test_no_value_breaks_the_reading(said: Any) -> None:
    lists = {"subjects": said, "mood": [said]}
    assert isinstance(answer(json.dumps(lists)), Labelled | Failed)


@pytest.mark.parametrize("word", ["the <analysis> tag", "<think>", "[THINK]"])
def test_strict_json_is_whole_whatever_its_words_look_like(word: str) -> None:
    answer = {"subjects": ["dog"], "reasoning": word}
    assert [one.value for one in spellings.json_values(json.dumps(answer))] == [answer]
