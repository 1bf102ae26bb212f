"""Words that follow from boxes: what stands above a thing, how many there are, where it stands."""

import pytest

from tigertag import concepts
from tigertag.model import Answer, Box, Kind, Label, Rule, RuleAction, Tag, Thresholds
from tigertag.policy import Rules, decide

BOX = Box(0.1, 0.1, 0.4, 0.4)
PERSON, DOG, BANANA, TOILET = "n00007846", "n02084071", "n07753592", "n04447861"
LIMITS = Thresholds(0.5, 20, each=(("person", 0.4),), withheld=("chair", "face", "keyboard", "tv"))


def boxed(name: str, confidence: float, concept: str | None = None, at_s: float = -1.0) -> Label:
    return Label(name, confidence, concept, box=BOX, at_s=None if at_s < 0 else at_s)


def decided(
    *labels: Label, frames: tuple[float, ...] = (), rules: tuple[Rule, ...] = ()
) -> dict[str, Tag]:
    answer = Answer("detector", "f", "m", labels, frames=frames)
    tags = decide([answer], Rules(rules), {"detector": LIMITS}, concepts.load())
    return {tag.name: tag for tag in tags}


def test_a_dog_is_an_animal_too() -> None:
    assert set(decided(boxed("dog", 0.9, DOG))) == {"dog", "animal"}


def test_every_general_word_above_a_thing_is_a_tag() -> None:
    assert set(decided(boxed("banana", 0.9, BANANA))) == {"banana", "fruit", "food"}


def test_a_label_without_a_box_says_itself_alone() -> None:
    assert set(decided(Label("dog", 0.9, DOG))) == {"dog"}


def test_a_thing_below_its_threshold_says_nothing() -> None:
    assert decided(boxed("dog", 0.45, DOG), boxed("person", 0.39, PERSON)) == {}


def test_one_person_is_no_group() -> None:
    assert set(decided(boxed("person", 0.45, PERSON))) == {"person"}


def test_two_people_are_counted_by_the_less_sure_of_them() -> None:
    tags = decided(boxed("person", 0.9, PERSON), boxed("person", 0.6, PERSON))
    assert {name: tag.confidence for name, tag in tags.items()} == {"person": 0.9, "people": 0.6}


def test_a_doubtful_box_is_not_counted() -> None:
    assert "people" not in decided(boxed("person", 0.9, PERSON), boxed("person", 0.3, PERSON))


def test_five_people_are_a_group() -> None:
    assert set(decided(*[boxed("person", 0.9, PERSON)] * 5)) == {"person", "people", "group"}


def test_a_face_means_a_person() -> None:
    tags = decided(boxed("face", 0.8))
    assert set(tags) == {"person"}
    assert [why.label.name for why in tags["person"].because] == ["face"]


def test_a_room_says_what_it_stands_on() -> None:
    tags = decided(boxed("toilet", 0.8, TOILET))
    assert [why.label for why in tags["bathroom"].because] == [boxed("toilet", 0.8, TOILET)]


def test_what_is_no_tag_by_itself_speaks_for_another_word() -> None:
    assert set(decided(boxed("tv", 0.8), boxed("keyboard", 0.7))) == {"office"}


def test_one_of_two_things_is_not_enough_for_an_office() -> None:
    assert decided(boxed("tv", 0.8), boxed("chair", 0.9)) == {}


def test_a_withheld_word_that_a_rule_asks_for_is_a_tag() -> None:
    wanted = Rule(RuleAction.THRESHOLD, "chair", value="0.6")
    assert set(decided(boxed("chair", 0.7), rules=(wanted,))) == {"chair"}


def test_a_blocked_word_is_not_derived_and_derives_nothing() -> None:
    no_animals = Rule(RuleAction.DENY, "animal")
    assert set(decided(boxed("dog", 0.9, DOG), rules=(no_animals,))) == {"dog"}
    no_people = Rule(RuleAction.DENY, "person")
    assert decided(*[boxed("person", 0.9, PERSON)] * 2, rules=(no_people,)) == {}


def test_a_known_face_of_another_engine_is_a_name_alone() -> None:
    assert set(decided(Label("Anna", 0.9, kind=Kind.FACE, box=BOX))) == {"Anna"}


def test_people_of_different_frames_are_not_counted_together() -> None:
    alone = [boxed("person", 0.9, PERSON, at_s) for at_s in (0.0, 5.0)]
    assert set(decided(*alone, frames=(0.0, 5.0))) == {"person"}
    both = [boxed("person", 0.9, PERSON, at_s) for at_s in (0.0, 0.0, 5.0, 5.0)]
    assert decided(*both, frames=(0.0, 5.0))["people"].confidence == pytest.approx(0.9)


def test_an_answer_is_judged_by_the_thresholds_of_the_model_that_gave_it() -> None:
    limits = Thresholds(0.3, 20, models=(("careful", 0.6, (("dog", 0.8),)),))
    labels = boxed("dog", 0.7, DOG), boxed("cat", 0.65)

    def tags(model: str) -> set[str]:
        answer = Answer("detector", "f", model, labels)
        return {
            tag.name for tag in decide([answer], Rules(), {"detector": limits}, concepts.load())
        }

    assert tags("careful") == {"cat", "animal"}
    assert tags("other") == {"cat", "dog", "animal"}
