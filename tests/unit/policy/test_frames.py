"""What was said of frames → tags of the video."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.policy.trees import BEAGLE, CAT, CUP, DOG, TABBY, TIGER_CAT, TREE
from tigertag.model import UNKNOWN_FACE, Answer, Kind, Label, Rule, RuleAction, Tag, Thresholds
from tigertag.policy import Rules, decide
from tigertag.policy.decide import power_mean, strongest

LIMITS = {"local": Thresholds(0.7, 10), "cloud": Thresholds(0.4, 10)}
Shares = dict[str, float]


def shares(*frames: Shares) -> Answer:
    """One probability a frame, shared out over concepts; a frame each second."""
    labels = tuple(
        Label(TREE.name(id), p, id, at_s=float(at_s))
        for at_s, one in enumerate(frames)
        for id, p in one.items()
    )
    times = tuple(float(at_s) for at_s in range(len(frames)))
    return Answer("local", "f", "m", labels, remainder=0.1, frames=times)


def scores(*labels: Label, frames: int) -> Answer:
    return Answer("cloud", "f", "m", labels, frames=tuple(float(at_s) for at_s in range(frames)))


def decided(*answers: Answer, rules: tuple[Rule, ...] = ()) -> tuple[Tag, ...]:
    return decide(answers, Rules(rules), LIMITS, TREE)


def tags(*answers: Answer, rules: tuple[Rule, ...] = ()) -> dict[str, float]:
    return {tag.name: tag.confidence for tag in decided(*answers, rules=rules)}


def test_one_sure_frame_of_ten_is_not_enough() -> None:
    assert tags(shares({CUP: 0.95}, *[{}] * 9)) == {}


def test_what_shows_in_half_of_the_frames_counts_for_most_of_its_strength() -> None:
    assert tags(shares({CUP: 0.9}, {}, {CUP: 0.9}, {})) == {"cup": pytest.approx(0.9 * 0.5**0.25)}


def test_frames_without_any_label_were_looked_at_too() -> None:
    assert tags(scores(Label("harbour", 0.5, at_s=0.0), frames=9)) == {}


def test_labels_of_a_frame_that_was_not_looked_at_say_nothing() -> None:
    assert tags(scores(Label("harbour", 0.9, at_s=7.0), frames=2)) == {}


def test_another_breed_in_each_frame_makes_a_sure_cat_and_no_breed() -> None:
    assert set(tags(shares({TABBY: 0.9}, {TIGER_CAT: 0.9}, {CAT: 0.9}))) == {"cat"}


def test_a_cat_and_then_a_dog_are_both_in_the_video() -> None:
    assert set(tags(shares({CAT: 0.9}, {DOG: 0.9}))) == {"cat", "dog"}


def test_doubt_within_every_frame_makes_an_animal() -> None:
    assert set(tags(shares(*[{TABBY: 0.5, BEAGLE: 0.45}] * 3))) == {"animal"}


def test_two_words_for_one_thing_count_once_a_frame_and_together_over_frames() -> None:
    said = (Label("kitty", 0.5, at_s=0.0), Label("cat", 0.4, at_s=0.0), Label("Cat", 0.5, at_s=1.0))
    assert tags(scores(*said, frames=2)) == {"cat": 0.5}


def test_a_person_who_appears_once_is_in_the_video() -> None:
    ada = Label("Ada", 0.98, kind=Kind.FACE, at_s=3.0)
    assert tags(scores(ada, frames=9)) == {"Ada": 0.98}


def test_a_face_of_nobody_known_is_no_tag() -> None:
    assert tags(scores(Label(UNKNOWN_FACE, 0.9, kind=Kind.FACE, at_s=0.0), frames=1)) == {}


def test_a_blocked_word_does_not_make_its_concept_surer() -> None:
    said = scores(Label("kitty", 0.9, at_s=0.0), Label("cat", 0.5, at_s=1.0), frames=2)
    blocked = tags(said, rules=(Rule(RuleAction.DENY, "kitty"),))
    assert blocked == {"cat": pytest.approx(0.5 * 0.5**0.25)}


def test_a_words_own_threshold_holds_for_the_video_not_for_its_frames() -> None:
    rule = Rule(RuleAction.THRESHOLD, "cup", value="0.8")
    assert tags(shares({CUP: 0.9}, {CUP: 0.6}), rules=(rule,)) == {}
    assert set(tags(shares({CUP: 0.9}, {CUP: 0.7}), rules=(rule,))) == {"cup"}


def test_a_renamed_tag_keeps_its_confidence() -> None:
    rule = Rule(RuleAction.RENAME, "cup", value="mug")
    assert tags(shares({CUP: 0.9}, {CUP: 0.9}), rules=(rule,)) == {"mug": 0.9}


def test_the_strongest_labels_speak_for_a_tag_those_of_other_times_first() -> None:
    (cat,) = decided(shares(*[{TABBY: 0.5, TIGER_CAT: 0.45}] * 3, {CAT: 0.9}))
    told = [(one.label.at_s, one.label.name) for one in cat.because]
    assert told[0] == (3.0, "cat")
    assert told[1:] == [(0.0, "tabby"), (1.0, "tabby"), (2.0, "tabby"), (0.0, "tiger cat")]


def test_five_labels_speak_for_a_tag_at_most() -> None:
    assert len(strongest([Label("cup", 0.9, at_s=float(at_s)) for at_s in range(9)])) == 5


def test_a_video_and_a_word_of_the_whole_of_it_merge() -> None:
    whole = Answer("cloud", "f", "m", (Label("kitty", 0.95),))
    (cat, *_) = decided(shares({CAT: 0.9}, {CAT: 0.9}), whole)
    assert {why.engine for why in cat.because} == {"local", "cloud"}


STRENGTHS = st.lists(st.floats(0, 1), min_size=1, max_size=12)
MASSES = st.dictionaries(
    st.sampled_from([TABBY, TIGER_CAT, BEAGLE, CUP]), st.floats(0.001, 0.25), max_size=4
)


@given(st.floats(0, 1), st.integers(1, 30))
def test_what_is_alike_in_all_frames_stays_as_it_is(strength: float, frames: int) -> None:
    assert power_mean([strength] * frames) == strength


@given(st.floats(0.01, 1), st.integers(1, 20), st.integers(0, 20))
def test_strength_and_share_are_what_counts(strength: float, shows: int, not_shows: int) -> None:
    share = shows / (shows + not_shows)
    found = power_mean([strength] * shows + [0.0] * not_shows)
    assert found == pytest.approx(strength * share**0.25)


@given(STRENGTHS)
def test_it_is_between_the_mean_and_the_strongest(strengths: list[float]) -> None:
    found = power_mean(strengths)
    assert sum(strengths) / len(strengths) <= found * (1 + 1e-9) + 1e-300
    assert found <= max(strengths)


@given(STRENGTHS, st.data())
def test_a_frame_that_is_surer_never_makes_the_video_less_sure(
    strengths: list[float], data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, len(strengths) - 1))
    surer = [*strengths]
    surer[number] = data.draw(st.floats(strengths[number], 1))
    assert power_mean(surer) >= power_mean(strengths) * (1 - 1e-12)


@given(st.permutations([0.1, 0.3, 0.5, 0.7, 0.9, 0.0]))
def test_the_order_of_frames_does_not_matter(strengths: list[float]) -> None:
    assert power_mean(strengths) == power_mean(sorted(strengths))


@given(MASSES, st.floats(0.05, 1))
def test_a_video_of_one_frame_is_a_photo(masses: Shares, limit: float) -> None:
    labels = tuple(Label(TREE.name(id), p, id) for id, p in masses.items())
    photo = Answer("local", "f", "m", labels, remainder=0.1)
    limits = {"local": Thresholds(limit, 10)}
    one, other = (decide([each], Rules(), limits, TREE) for each in (photo, shares(masses)))
    assert [(tag.name, tag.confidence) for tag in one] == [
        (tag.name, tag.confidence) for tag in other
    ]


@given(st.lists(MASSES, min_size=1, max_size=6))
def test_the_order_of_frames_changes_no_tag(frames: list[Shares]) -> None:
    assert tags(shares(*frames)) == tags(shares(*reversed(frames)))
