"""Pure decisions: answers + rules → tags; tags + what stands + what is shown → edits."""

from tigertag.policy.decide import VERSION, allowed, decide, plain_name, rolled_up, still_placed
from tigertag.policy.doubts import MARGIN, Doubt, doubts, most_useful
from tigertag.policy.plan import Plan, Settled, at_most, buried, plan, plan_undo, settle
from tigertag.policy.rules import Rules
from tigertag.policy.verdicts import heeding, is_users

__all__ = [
    "MARGIN",
    "VERSION",
    "Doubt",
    "Plan",
    "Rules",
    "Settled",
    "allowed",
    "at_most",
    "buried",
    "decide",
    "doubts",
    "heeding",
    "is_users",
    "most_useful",
    "plain_name",
    "plan",
    "plan_undo",
    "rolled_up",
    "settle",
    "still_placed",
]
