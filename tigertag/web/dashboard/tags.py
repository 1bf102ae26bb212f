"""The pages of tags and of the rules about them; a rule shows its effect before it is saved."""

from dataclasses import replace

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.core import Core
from tigertag.errors import NotFound, RequestError
from tigertag.model import Rule, RuleAction
from tigertag.services import browsing, effects, engines, rules
from tigertag.services.views import Effect
from tigertag.web import state
from tigertag.web.dashboard import request
from tigertag.web.dashboard.scans import preview_changed

tag_pages = Blueprint("tags", __name__)
rule_pages = Blueprint("rules", __name__)


@tag_pages.get("/tags")
def list_tags() -> ResponseReturnValue:
    core = state.core()
    library, section = request.library_and_section()
    sought = {"in": request.text("in"), "q": request.text("q")}
    page = browsing.tags(
        core, library=library, section=section, q=sought["q"], cursor=request.cursor()
    )
    return request.render_list("tags", page=page, sought=sought)


@rule_pages.get("/rules")
def list_rules() -> ResponseReturnValue:
    core = state.core()
    rows = rules.listed(core)
    saved = next((row for row in rows if str(row.id) == request.text("saved")), None)
    sections = request.all_sections()
    return render_template(
        "rules.html",
        rows=rows,
        defaults=core.default_rules,
        saved=saved,
        names={view.section.path: request.section_name(view.section) for view in sections},
        affected=[
            view for view in sections if saved and saved.rule.section in ("", view.section.path)
        ],
    )


@rule_pages.get("/rules/new")
def new() -> ResponseReturnValue:
    """Edit a new rule, and show what it would change, from stored answers."""
    core = state.core()
    rule = _rule()
    least_now = effects.least_now(core, rule) if rule.action is RuleAction.THRESHOLD else 0.0
    if rule.action is RuleAction.THRESHOLD and not request.has("percent"):
        rule = replace(rule, value=f"{(1 + least_now) / 2:g}")
    effect, problem = _effect(core, rule)
    return render_template(
        "rule.html",
        rule=rule,
        effect=effect,
        problem=problem,
        given=request.has("word") and not request.by_htmx(),
        percent=request.text("percent") or _percent(rule),
        least_now=least_now,
        engines=engines.listed(core),
    )


def _rule() -> Rule:
    action = request.text("action") or RuleAction.DENY.value
    if action not in list(RuleAction):
        raise RequestError(f"A rule is one of {', '.join(RuleAction)}, not {action[:40]!r}.")
    value = _confidence() if action == RuleAction.THRESHOLD else request.text("value")
    word, engine, section = (request.text(name) for name in ("word", "engine", "section"))
    return Rule(RuleAction(action), word, engine, value, section)


def _confidence() -> str:
    """Return the field `percent` as a confidence, unchanged if it is no number."""
    typed = request.text("percent").replace(",", ".").removesuffix("%").strip()
    try:
        return f"{float(typed) / 100:g}"
    except ValueError:
        return typed


def _percent(rule: Rule) -> str:
    return f"{float(rule.value) * 100:g}" if rule.action is RuleAction.THRESHOLD else ""


def _effect(core: Core, rule: Rule) -> tuple[Effect | None, str]:
    """Return a rule's effect, None while the form is incomplete, and why the rule is not valid."""
    takes_value = rule.action in (RuleAction.RENAME, RuleAction.THRESHOLD)
    if not rule.word or (takes_value and not rule.value):
        return None, ""
    try:
        return effects.effect(core, rules.check(rule)), ""
    except RequestError as exc:
        return None, str(exc)


@rule_pages.post("/rules")
def save() -> ResponseReturnValue:
    core = state.core()
    rule_id = rules.add(core, _rule())
    return redirect(url_for("dashboard.rules.list_rules", saved=rule_id), 303)


@rule_pages.post("/rules/<int(max=2147483647):rule_id>/remove")
def remove(rule_id: int) -> ResponseReturnValue:
    """Remove a rule. Previews that are not applied yet show again what it blocked."""
    try:
        rules.remove(state.core(), rule_id)
    except NotFound:
        if not request.by_htmx():
            raise
    if request.by_htmx():
        return preview_changed(render_template("_rule_removed.html"))
    return redirect(url_for("dashboard.rules.list_rules"), 303)
