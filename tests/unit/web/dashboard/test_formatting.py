"""How numbers, times and rules are told."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from tests.world import World
from tigertag.model import Rule, RuleAction
from tigertag.settings import WebSettings
from tigertag.web.app import create_app
from tigertag.web.dashboard import formatting

SPACE = "\u202f"


@pytest.mark.parametrize(
    ("confidence", "shown"),
    [(0, "0"), (0.001, "<1"), (0.5, "50"), (0.994, "99"), (0.999, "99"), (1, "100")],
)
def test_a_confidence_is_never_surer_than_it_is(confidence: float, shown: str) -> None:
    assert formatting.percent(confidence) == f"{shown}{SPACE}%"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "less than a minute"),
        (61, "about 1 minute"),
        (3000, "about 50 minutes"),
        (7000, "about 2 hours"),
        (300_000, "about 3 days"),
    ],
)
def test_time_left_is_told_in_words(seconds: float, words: str) -> None:
    assert formatting.duration(seconds) == words


def test_large_numbers_are_grouped() -> None:
    assert formatting.count(1240, "tag") == f"1{SPACE}240 tags"
    assert formatting.count(1, "item") == "1 item"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule(RuleAction.DENY, "cat"), "Never tag “cat”"),
        (Rule(RuleAction.RENAME, "cat", value="kitty"), "Write “cat” as “kitty”"),
        (Rule(RuleAction.THRESHOLD, "*", value="0.9"), f"Use only tags at 90{SPACE}% or higher"),
        (Rule(RuleAction.ALLOW, "cat"), "Allow “cat”, despite the rules above"),
    ],
)
def test_rules_are_told_in_words(rule: Rule, words: str) -> None:
    assert formatting.in_words(rule) == words


def test_times_are_in_the_users_zone(world: World) -> None:
    core = replace(world.core, timezone=ZoneInfo("Asia/Tokyo"))
    app: Flask = create_app(core, WebSettings("correct horse", "k" * 32), work=False)
    with app.app_context():
        shown = formatting.when(datetime(2020, 1, 31, 22, 5, tzinfo=UTC))
    assert shown == '<time datetime="2020-01-31T22:05:00+00:00">1 Feb 2020, 07:05</time>'
