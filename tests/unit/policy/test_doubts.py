"""Doubtful words: near their threshold, contradicted, and asked for by turns."""

import pytest

from tests.unit.policy.trees import CAT, TABBY, TREE
from tigertag.model import Answer, Kind, Label, Rule, RuleAction, Thresholds
from tigertag.policy import Doubt, Rules, doubts, most_useful

LIMITS = {"local": Thresholds(0.5, 5), "other": Thresholds(0.9, 5)}


def answer(*labels: Label, engine: str = "local", remainder: float | None = None) -> Answer:
    return Answer(engine, "f", "m", labels, remainder)


def found(*answers: Answer, rules: tuple[Rule, ...] = ()) -> list[tuple[str, bool]]:
    return [(one.name, one.is_tagged) for one in doubts(answers, Rules(rules), LIMITS, TREE)]


def test_words_that_are_far_from_their_threshold_are_not_doubtful() -> None:
    assert found(answer(Label("cup", 0.9), Label("dog", 0.2))) == []


def test_words_close_above_and_below_are_the_closest_first() -> None:
    said = answer(Label("dog", 0.6), Label("cup", 0.48), Label("red", 0.52))
    assert found(said) == [("cup", False), ("red", True), ("dog", True)]


def test_what_is_exactly_at_its_threshold_is_a_tag() -> None:
    assert found(answer(Label("dog", 0.5))) == [("dog", True)]


@pytest.mark.parametrize(
    "rule",
    [Rule(RuleAction.DENY, "dog"), Rule(RuleAction.THRESHOLD, "dog", value="0.9")],
)
def test_a_word_that_a_rule_has_settled_is_not_doubtful(rule: Rule) -> None:
    assert found(answer(Label("dog", 0.52)), rules=(rule,)) == []


def test_a_words_own_threshold_counts_and_its_new_name_is_shown() -> None:
    rules = (
        Rule(RuleAction.THRESHOLD, "dog", value="0.8"),
        Rule(RuleAction.RENAME, "dog", value="hound"),
    )
    assert found(answer(Label("dog", 0.75)), rules=rules) == [("hound", False)]


def test_probabilities_are_summed_up_the_tree() -> None:
    said = answer(Label("tabby", 0.3, TABBY), Label("cat", 0.15, CAT), remainder=0.55)
    assert found(said) == [("cat", False)]


def test_faces_and_words_that_are_never_told_are_left_out() -> None:
    withheld = {"local": Thresholds(0.5, 5, withheld=("dog",))}
    said = answer(Label("Ada", 0.5, kind=Kind.FACE), Label("dog", 0.5))
    assert doubts([said], Rules(), withheld, TREE) == ()


def test_what_engines_contradict_each_other_about_comes_first() -> None:
    first, *_ = doubts(
        [
            answer(Label("cup", 0.51), Label("dog", 0.55)),
            answer(Label("dog", 0.8), engine="other"),
        ],
        Rules(),
        LIMITS,
        TREE,
    )
    assert (first.name, first.engine, first.contradicted) == ("dog", "local", True)


def test_no_item_comes_twice_and_no_word_again_before_the_others() -> None:
    dog, cup = Doubt("dog", "dog", "local", 0.5, 0.5), Doubt("cup", "cup", "local", 0.6, 0.5)
    asked = most_useful([(1, dog), (1, cup), (2, dog), (3, cup)], limit=9)
    assert [(item, doubt.name) for item, doubt in asked] == [(1, "dog"), (3, "cup"), (2, "dog")]
