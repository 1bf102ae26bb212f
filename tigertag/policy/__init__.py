"""Pure decisions: answers + rules → tags; tags + what stands + what is shown → edits."""

from tigertag.policy.decide import VERSION, decide
from tigertag.policy.plan import Plan, Settled, plan, plan_undo, settle
from tigertag.policy.rules import Rules

__all__ = ["VERSION", "Plan", "Rules", "Settled", "decide", "plan", "plan_undo", "settle"]
