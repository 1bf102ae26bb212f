"""Answers and rules → tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.policy.trees import ANIMAL, BEAGLE, CAT, CUP, TABBY, TIGER_CAT, TREE
from tigertag.model import Answer, Kind, Label, Rule, RuleAction, Tag, Thresholds
from tigertag.policy import Rules, decide

LIMITS = {
    "local": Thresholds(0.7, 10),
    "cloud": Thresholds(0.4, 10),
    "ai": Thresholds(0.4, 10, "ai:"),
}


def shares(engine: str = "local", /, **by_concept: float) -> Answer:
    """One probability shared out over concepts."""
    labels = tuple(Label(TREE.name(id), p, id) for id, p in by_concept.items())
    return Answer(engine, "f", "m", labels, remainder=1 - sum(by_concept.values()))


def scores(engine: str, *labels: Label) -> Answer:
    return Answer(engine, "f", "m", labels)


def tags(*answers: Answer, rules: tuple[Rule, ...] = ()) -> dict[str, float]:
    return {tag.name: tag.confidence for tag in decide(answers, Rules(rules), LIMITS, TREE)}


def test_it_is_silent_when_nothing_is_sure_enough() -> None:
    assert tags(shares(**{TABBY: 0.16, BEAGLE: 0.1, CUP: 0.2})) == {}


def test_doubtful_breeds_make_a_sure_cat() -> None:
    assert tags(shares(**{TIGER_CAT: 0.38, TABBY: 0.54})) == {"cat": pytest.approx(0.92)}


def test_a_sure_breed_brings_its_everyday_word_and_nothing_above() -> None:
    assert set(tags(shares(**{TABBY: 0.9}))) == {"tabby", "cat"}


def test_doubt_between_cat_and_dog_makes_an_animal() -> None:
    assert set(tags(shares(**{TABBY: 0.5, BEAGLE: 0.45}))) == {"animal"}


def test_a_concept_without_an_everyday_word_stands_alone() -> None:
    assert set(tags(shares(**{CUP: 0.9}))) == {"cup"}


def test_a_label_whose_concept_is_unknown_does_not_disturb() -> None:
    stray = Answer("local", "f", "m", (Label("?", 0.9, "n99"),), remainder=0.1)
    assert tags(stray) == {}


def test_scores_of_an_engine_are_never_summed() -> None:
    assert tags(scores("cloud", Label("tabby", 0.3), Label("beagle", 0.3))) == {}


def test_a_word_of_another_engine_gets_a_concept_by_its_alias() -> None:
    (tag,) = decide([scores("cloud", Label("Kitty", 0.5))], Rules(), LIMITS, TREE)
    assert (tag.name, tag.concept) == ("cat", CAT)


def test_a_word_without_a_concept_is_kept_as_it_is() -> None:
    assert tags(scores("cloud", Label("Sagrada Família", 0.5))) == {"Sagrada Família": 0.5}


def test_engines_that_agree_make_one_tag_with_both_reasons() -> None:
    agreed = decide(
        [shares(**{TABBY: 0.9}), scores("cloud", Label("kitty", 0.95))], Rules(), LIMITS, TREE
    )
    cat = next(tag for tag in agreed if tag.name == "cat")
    assert {why.engine for why in cat.because} == {"local", "cloud"}
    assert cat.confidence == 0.95


def test_a_face_never_merges_with_a_concept() -> None:
    face = scores("cloud", Label("Cat", 0.99, kind=Kind.FACE))
    kinds = [tag.kind for tag in decide([face, shares(**{TABBY: 0.9})], Rules(), LIMITS, TREE)]
    assert kinds.count(Kind.FACE) == 1
    assert len(kinds) == 3


def test_a_prefix_makes_a_tag_of_its_own() -> None:
    assert set(tags(shares(**{CUP: 0.9}), scores("ai", Label("cup", 0.5)))) == {"cup", "ai:cup"}


def test_at_most_so_many_tags_are_proposed_the_surest_first() -> None:
    limits = {"cloud": Thresholds(0.1, 1)}
    answer = scores("cloud", Label("dog", 0.5), Label("cup", 0.8))
    assert [tag.name for tag in decide([answer], Rules(), limits, TREE)] == ["cup"]


def test_a_blocked_breed_leaves_the_general_word() -> None:
    assert set(tags(shares(**{TABBY: 0.9}), rules=(Rule(RuleAction.DENY, "Tabby"),))) == {"cat"}


def test_a_word_can_be_blocked_by_its_concept() -> None:
    assert set(tags(shares(**{TABBY: 0.9}), rules=(Rule(RuleAction.DENY, CAT),))) == {"tabby"}


def test_an_engines_own_allow_overrides_a_deny_for_all() -> None:
    rules = (Rule(RuleAction.DENY, "cup"), Rule(RuleAction.ALLOW, "cup", "local"))
    assert set(tags(shares(**{CUP: 0.9}), scores("ai", Label("cup", 0.9)), rules=rules)) == {"cup"}


def test_a_renamed_tag_merges_with_what_it_is_called_now() -> None:
    rules = (Rule(RuleAction.RENAME, "cup", value="Dog"),)
    renamed = decide(
        [shares(**{CUP: 0.9}), scores("cloud", Label("dog", 0.5))], Rules(rules), LIMITS, TREE
    )
    assert [tag.name for tag in renamed] == ["Dog"]


def test_a_renamed_tag_may_not_take_a_blocked_name() -> None:
    rules = (Rule(RuleAction.RENAME, "cup", value="mug"), Rule(RuleAction.DENY, "mug"))
    assert tags(shares(**{CUP: 0.9}), rules=rules) == {}


def test_a_words_own_threshold_counts_before_the_one_for_all() -> None:
    rules = (
        Rule(RuleAction.THRESHOLD, "cup", value="0.2"),
        Rule(RuleAction.THRESHOLD, "*", value="0.95"),
    )
    assert set(tags(shares(**{CUP: 0.3, TABBY: 0.6}), rules=rules)) == {"cup"}


def test_a_words_own_least_confidence_stands_in_place_of_the_engines() -> None:
    limits = {"cloud": Thresholds(0.4, 10, each=(("Drama", 0.6), ("War", 0.2)))}
    said = scores("cloud", *(Label(name, 0.5, kind=Kind.GENRE) for name in ("drama", "WAR", "Sci")))
    assert {tag.name for tag in decide([said], Rules(), limits, TREE)} == {"WAR", "Sci"}


def test_a_word_that_is_never_told_is_told_where_the_user_says_so() -> None:
    limits = {"cloud": Thresholds(0.4, 10, each=(("War", 2.0),))}
    said, rule = scores("cloud", Label("War", 1.0)), Rule(RuleAction.THRESHOLD, "war", value="0.9")
    assert not decide([said], Rules(), limits, TREE)
    assert decide([said], Rules((rule,)), limits, TREE)


@pytest.mark.parametrize("limits", [Thresholds(2.0, 10), Thresholds(0.4, 10, each=(("War", 2.0),))])
def test_a_rule_for_every_word_does_not_lift_what_is_never_told(limits: Thresholds) -> None:
    said, rule = scores("cloud", Label("War", 1.0)), Rule(RuleAction.THRESHOLD, "*", value="0.1")
    assert not decide([said], Rules((rule,)), {"cloud": limits}, TREE)


def test_a_concepts_own_least_confidence_may_be_below_the_engines() -> None:
    limits = {"local": Thresholds(0.7, 10, each=(("cup", 0.2),))}
    found = decide([shares(**{CUP: 0.3, TABBY: 0.6})], Rules(), limits, TREE)
    assert {tag.name for tag in found} == {"cup"}


ANSWERS = st.dictionaries(
    st.sampled_from([TABBY, TIGER_CAT, BEAGLE, CUP]), st.floats(0, 0.25), max_size=4
)
RULES = st.lists(
    st.builds(
        Rule,
        st.sampled_from([RuleAction.DENY, RuleAction.ALLOW]),
        st.sampled_from(["tabby", "cat", ANIMAL, "cup"]),
        st.sampled_from(["", "local"]),
    ),
    max_size=4,
)


@given(ANSWERS, RULES)
def test_deciding_again_equals_deciding_first(mass: dict[str, float], rules: list[Rule]) -> None:
    def once() -> tuple[Tag, ...]:
        return decide([shares(**mass)], Rules(tuple(rules)), {"local": Thresholds(0.2, 5)}, TREE)

    assert once() == once()


@given(ANSWERS, st.floats(0.05, 1), st.floats(0.05, 1))
def test_a_stricter_threshold_gives_only_surer_tags(
    mass: dict[str, float], one: float, other: float
) -> None:
    def words(limit: float) -> dict[str, float]:
        found = decide([shares(**mass)], Rules(), {"local": Thresholds(limit, 10)}, TREE)
        return {tag.name: tag.confidence for tag in found}

    strict, lax = words(max(one, other)), words(min(one, other))
    assert all(confidence >= max(one, other) for confidence in strict.values())
    assert bool(lax) >= bool(strict)


@given(ANSWERS, RULES)
def test_what_is_blocked_for_all_is_never_given(mass: dict[str, float], rules: list[Rule]) -> None:
    blocked = (*rules, Rule(RuleAction.DENY, "cat"), Rule(RuleAction.DENY, "cat", "local"))
    found = decide([shares(**mass)], Rules(blocked), {"local": Thresholds(0.1, 10)}, TREE)
    assert "cat" not in {tag.name for tag in found}


@pytest.mark.parametrize("kind", [Kind.PLACE, Kind.FACT])
def test_a_place_that_is_called_as_a_thing_is_is_no_such_thing(kind: Kind) -> None:
    place = Label("cat", 1.0, kind=kind, note="GPS 48.2, 16.4 → cat")
    (tag,) = decide([scores("cloud", place)], Rules(()), LIMITS, TREE)
    assert (tag.kind, tag.concept) == (kind, None)
    assert tag.because[0].label.note == place.note
