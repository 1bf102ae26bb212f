"""How pages tell numbers, times and states: filters of the templates."""

from datetime import UTC, datetime

from flask import Flask
from markupsafe import Markup

from tigertag.model import UNKNOWN_FACE, Rule, RuleAction
from tigertag.scan import summary
from tigertag.services.scans import Status
from tigertag.services.views import Departure
from tigertag.text import about, clock, usd
from tigertag.web import state
from tigertag.web.dashboard import places, strip

_NARROW_SPACE = "\u202f"
_TITLES = {"apply": "Apply", "undo": "Undo", "redo": "Redo"}
_SPENT = {"open": "under way, or not yet known", "lost": "in doubt: counts as spent"}
_MODES = {
    "changed": "",
    "force": ", asking anew",
    "decide": ", from stored answers",
    "new": ", what is new",
}
STATES = {
    "queued": "waiting to start",
    "running": "running",
    "paused": "paused",
    "waiting": "waits",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
STANDINGS = {
    "ours": "written by TigerTag, and there",
    "kept": "put back by an undo: not removed again",
    "held": "taken off by an undo: not added again",
    "tombstone": "removed by you: stays off",
}
EDITS = {
    "planned": "planned",
    "sent": "sent, not yet read back",
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
    """A confidence as people read it. What is not quite sure is not 100 %, what is little not 0."""
    shown = str(round(confidence * 100))
    if shown == "100" and confidence < 1:
        shown = "99"
    if shown == "0" and confidence > 0:
        shown = "<1"
    return f"{shown}{_NARROW_SPACE}%"


def duration(seconds: float) -> str:
    """How long something still takes, in words."""
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
    """A day of the budgets, which are UTC's: "1 December"."""
    return f"{time.astimezone(UTC):%-d %B}"


def spent(departure: Departure) -> str:
    """What became of a picture that left, and what it took."""
    if departure.state in _SPENT:
        return _SPENT[departure.state]
    if not departure.units and not departure.cost_usd:
        return "not counted"
    paid = f" · {usd(departure.cost_usd)}" if departure.cost_usd else ""
    return f"{count(departure.units, 'call')}{paid}"


def title(status: Status) -> str:
    """What a scan is called."""
    scan = status.scan
    if scan.kind in _TITLES:
        return _TITLES[scan.kind]
    if scan.is_forecast:
        return "Forecast" + _MODES.get(scan.mode, "")
    name = "Preview" if scan.write == "preview" else "Scan & tag"
    return name + _MODES.get(scan.mode, "")


def in_words(rule: Rule) -> str:
    """What a rule says, without where it holds."""
    word = "every tag" if rule.word == "*" else f"“{rule.word}”"
    match rule.action:
        case RuleAction.DENY:
            return f"Never tag {word}"
        case RuleAction.ALLOW:
            return f"Allow {word}, whatever rules above say"
        case RuleAction.RENAME:
            return f"Write {word} as “{rule.value}”"
        case RuleAction.THRESHOLD:
            return f"Give {word} only from {percent(float(rule.value))} on"


def register(app: Flask) -> None:
    """Make the filters known to the templates."""
    for tells in (
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
        strip.said,
    ):
        app.add_template_filter(tells)
    app.add_template_filter(summary.left_out_line, "left_out")
    app.add_template_filter(places.named, "place")
    app.jinja_env.globals.update(
        STATES=STATES, STANDINGS=STANDINGS, EDITS=EDITS, UNKNOWN_FACE=UNKNOWN_FACE
    )
