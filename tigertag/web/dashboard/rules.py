"""Rules: listed in words, made with their effect in view, removed."""

from dataclasses import dataclass, replace

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from tigertag.core import Core
from tigertag.errors import NotFound, RequestError
from tigertag.model import Rule, RuleAction
from tigertag.services import effects, engines, rules
from tigertag.services.views import Effect
from tigertag.web import state
from tigertag.web.dashboard import asked, places
from tigertag.web.dashboard.previewed import changed

pages = Blueprint("rules", __name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a rule that is being made would do; `problem` says why that cannot be told."""

    effect: Effect | None = None
    problem: str = ""


@pages.get("/rules")
def every() -> ResponseReturnValue:
    core = state.core()
    kept = rules.listed(core)
    saved = next((row for row in kept if str(row.id) == asked.text("saved")), None)
    sections = places.every(core)
    named = {view.section.path: places.named(view.section) for view in sections}
    offered = [view for view in sections if saved and saved.rule.section in ("", view.section.path)]
    return render_template(
        "rules.html",
        kept=kept,
        defaults=core.default_rules,
        saved=saved,
        named=named,
        offered=offered,
    )


@pages.get("/rules/new")
def new() -> ResponseReturnValue:
    """A rule in the making, and what it would change, from stored answers."""
    core = state.core()
    rule = _rule()
    least_now = effects.least_now(core, rule) if rule.action is RuleAction.THRESHOLD else 0.0
    if rule.action is RuleAction.THRESHOLD and "percent" not in request.args:
        rule = replace(rule, value=f"{(1 + least_now) / 2:g}")
    return render_template(
        "rule.html",
        rule=rule,
        shown=_shown(core, rule),
        given="word" in request.args and not asked.by_htmx(),
        percent=asked.text("percent") or _percent(rule),
        least_now=least_now,
        engines=engines.listed(core),
        sections=places.every(core),
    )


def _rule() -> Rule:
    action = asked.text("action") or RuleAction.DENY.value
    if action not in list(RuleAction):
        raise RequestError(f"A rule is one of {', '.join(RuleAction)}, not {action[:40]!r}.")
    value = _confidence() if action == RuleAction.THRESHOLD else asked.text("value")
    return Rule(
        RuleAction(action), asked.text("word"), asked.text("engine"), value, asked.text("section")
    )


def _confidence() -> str:
    """The field `percent` as a confidence; as it was typed when it is no number."""
    typed = asked.text("percent").replace(",", ".").removesuffix("%").strip()
    try:
        return f"{float(typed) / 100:g}"
    except ValueError:
        return typed


def _percent(rule: Rule) -> str:
    return f"{float(rule.value) * 100:g}" if rule.action is RuleAction.THRESHOLD else ""


def _shown(core: Core, rule: Rule) -> Shown:
    takes_value = rule.action in (RuleAction.RENAME, RuleAction.THRESHOLD)
    if not rule.word or (takes_value and not rule.value):
        return Shown()
    try:
        return Shown(effects.effect(core, rules.check(rule)))
    except RequestError as exc:
        return Shown(problem=str(exc))


@pages.post("/rules")
def save() -> ResponseReturnValue:
    core = state.core()
    rule_id = rules.add(core, _rule())
    return redirect(url_for("dashboard.rules.every", saved=rule_id), 303)


@pages.post("/rules/<int(max=2147483647):rule_id>/remove")
def remove(rule_id: int) -> ResponseReturnValue:
    """Remove a rule. What it blocked in previews that are not applied yet is back in them."""
    try:
        rules.remove(state.core(), rule_id)
    except NotFound:
        if not asked.by_htmx():
            raise
    if asked.by_htmx():
        return changed(render_template("_rule_removed.html"))
    return redirect(url_for("dashboard.rules.every"), 303)
