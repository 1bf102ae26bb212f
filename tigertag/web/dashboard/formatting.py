"""Filters of the templates: numbers, times, states and rules in words."""

from datetime import UTC, datetime

from flask import Flask
from markupsafe import Markup

from tigertag.model import UNKNOWN_FACE, Rule, RuleAction
from tigertag.scan import summary
from tigertag.services.problems import MOST_TRIES
from tigertag.services.scan_status import Status
from tigertag.services.views import Departure
from tigertag.text import about, clock, data_size, megabytes, usd
from tigertag.web import state
from tigertag.web.dashboard import frames, request, schedules

_NARROW_SPACE = "\u202f"
_TITLES = {"apply": "Apply", "undo": "Undo", "redo": "Redo"}
_UNSETTLED = {"open": "under way, or result unknown", "lost": "result unknown: counts as spent"}
_MODES = {
    "changed": "",
    "force": ", all engines again",
    "decide": ", from cached results",
    "new": ", new items only",
    "sample": ", a sample of photos",
    "retry": ", retry of failed items",
}
STATES = {
    "queued": "waiting to start",
    "running": "running",
    "paused": "paused",
    "waiting": "waiting",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
TAG_STATES = {
    "ours": "Written by TigerTag · present",
    "kept": "Restored by an undo · TigerTag does not remove it again",
    "held": "Removed by an undo · TigerTag does not add it again",
    "tombstone": "Removed by you · TigerTag does not add it again",
}
MODEL_STATES = {
    "absent": ("queued", "not here"),
    "fetching": ("running", "fetching"),
    "installed": ("ready", "ready"),
    "built_in": ("ready", "ready, in the image"),
    "changed": ("failing", "changed"),
}
"""The colour of a model's state, and its name."""
EDITS = {
    "planned": "planned",
    "sent": "sent, not yet verified",
    "verified": "verified",
    "failed": "not written",
}


def number(value: float) -> str:
    """1240 → "1 240", with a space that does not break."""
    return f"{value:,.0f}".replace(",", _NARROW_SPACE)


def count(value: int, noun: str) -> str:
    """(2, "item") → "2 items"."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def percent(confidence: float) -> str:
    """A confidence in percent. Only 1 is shown as 100 %, and only 0 as 0 %."""
    shown = str(round(confidence * 100))
    if shown == "100" and confidence < 1:
        shown = "99"
    if shown == "0" and confidence > 0:
        shown = "<1"
    return f"{shown}{_NARROW_SPACE}%"


def duration(seconds: float) -> str:
    """A remaining time in words."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {count(minutes, 'minute')}"
    hours = round(seconds / 3600)
    return f"about {count(hours, 'hour')}" if hours < 48 else f"about {round(hours / 24)} days"


def when(time: datetime) -> Markup:
    """A `<time>` in the user's time zone."""
    zone = state.core().timezone
    local = time.astimezone(zone)
    year = "" if local.year == datetime.now(zone).year else f" {local.year}"
    shown = f"{local.day} {local:%b}{year}, {local:%H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(time.isoformat(), shown)


def on(time: datetime) -> str:
    """A day of a budget, in UTC: "1 December"."""
    return f"{time.astimezone(UTC):%-d %B}"


def spent(picture: Departure) -> str:
    """The calls and the cost of a picture that was sent."""
    if picture.state in _UNSETTLED:
        return _UNSETTLED[picture.state]
    if not picture.units and not picture.cost_usd:
        return "not counted"
    cost = f" · {usd(picture.cost_usd)}" if picture.cost_usd else ""
    return f"{count(picture.units, 'call')}{cost}"


def title(status: Status) -> str:
    """The name of a scan."""
    scan = status.scan
    if scan.kind in _TITLES:
        return _TITLES[scan.kind]
    if scan.is_forecast:
        return "Forecast" + _MODES.get(scan.mode, "")
    name = "Preview" if scan.write == "preview" else "Scan & tag"
    return name + _MODES.get(scan.mode, "")


def in_words(rule: Rule) -> str:
    """A rule in words, without its section and engine."""
    word = "every tag" if rule.word == "*" else f"“{rule.word}”"
    match rule.action:
        case RuleAction.DENY:
            return f"Never tag {word}"
        case RuleAction.ALLOW:
            return f"Allow {word}, despite the rules above"
        case RuleAction.RENAME:
            return f"Write {word} as “{rule.value}”"
        case RuleAction.THRESHOLD:
            limit = f"at {percent(float(rule.value))} or higher"
            return f"Use only tags {limit}" if rule.word == "*" else f"Tag {word} only {limit}"


def register(app: Flask) -> None:
    """Add the filters to the templates."""
    filters = (
        number,
        count,
        percent,
        duration,
        when,
        on,
        usd,
        about,
        spent,
        title,
        in_words,
        clock,
        megabytes,
        data_size,
    )
    for template_filter in (*filters, frames.best_labels, request.section_name):
        app.add_template_filter(template_filter)
    app.add_template_filter(summary.left_out_line, "left_out")
    app.add_template_filter(schedules.pill_of, "schedule_pill")
    app.jinja_env.globals.update(
        STATES=STATES,
        TAG_STATES=TAG_STATES,
        EDITS=EDITS,
        MODEL_STATES=MODEL_STATES,
        UNKNOWN_FACE=UNKNOWN_FACE,
        MOST_TRIES=MOST_TRIES,
        all_sections=request.all_sections,
    )
