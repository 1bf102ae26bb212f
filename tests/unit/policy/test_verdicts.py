"""The user's word beats engines and rules."""

import pytest

from tests.unit.policy.test_plan import ITEM, names, ref, refs, shown, stands
from tigertag.model import Evidence, Label, Rule, RuleAction, Tag, TagOwnership, Thresholds, Verdict
from tigertag.policy import Rules, allowed, heeding, plan

YES, NO = Verdict(ref("cat"), yes=True), Verdict(ref("cat"), yes=False)
SURE = Tag("cat", 0.9, because=(Evidence("local", "m", Label("cat", 0.9)),))
DENY = Rules((Rule(RuleAction.DENY, "cat"),))


@pytest.mark.parametrize("state", [TagOwnership.TOMBSTONE, TagOwnership.HELD])
def test_a_yes_asks_again_for_what_is_kept_off(state: TagOwnership) -> None:
    planned = plan(ITEM, refs("cat"), stands(cat=state), shown(), verdicts=[YES])
    assert names(planned.edit.adds) == ["cat"]


def test_what_the_user_has_just_taken_off_stays_off_despite_an_earlier_yes() -> None:
    planned = plan(ITEM, refs("cat"), stands(cat=TagOwnership.OURS), shown(), verdicts=[YES])
    assert not planned.edit
    assert planned.tombstones


@pytest.mark.parametrize("state", [TagOwnership.OURS, TagOwnership.KEPT])
def test_a_no_takes_off_what_is_ours(state: TagOwnership) -> None:
    planned = plan(ITEM, [], stands(cat=state), shown("cat"), verdicts=[NO])
    assert names(planned.edit.removes) == ["cat"]


def test_a_no_leaves_the_users_own_tag_alone() -> None:
    assert not plan(ITEM, [], {}, shown("cat"), verdicts=[NO]).edit


def test_a_no_silences_engines_and_a_yes_needs_none() -> None:
    assert heeding([SURE], [NO]) == ()
    (tag,) = heeding([], [YES])
    assert (tag.name, tag.confidence, tag.because[0].label.note) == ("cat", 1.0, "you said so")


def test_no_rule_blocks_what_the_user_said_yes_to() -> None:
    limits = {"local": Thresholds(0.5, 5)}
    assert allowed([SURE], DENY, limits) == ()
    assert len(allowed(heeding([SURE], [YES]), DENY, limits)) == 1


def test_a_yes_that_is_taken_back_leaves_what_engines_say() -> None:
    assert heeding(heeding([], [YES]), []) == ()
    (tag,) = heeding(heeding([SURE], [YES]), [])
    assert tag.because == SURE.because
