"""The colours can be read: WCAG 2 AA, in light and in dark."""

import re
from pathlib import Path

import pytest

from tigertag import web

PALETTE = Path(web.__file__).parent / "static" / "public" / "palette.css"
TEXT = [
    (ink, ground)
    for ink in ("ink", "ink-soft", "tiger", "tiger-strong")
    for ground in ("ground", "surface", "sunken")
] + [
    ("on-tiger", "tiger"),
    ("on-tiger", "tiger-strong"),
    ("tiger-strong", "tiger-soft"),
    ("add", "add-soft"),
    ("remove", "remove-soft"),
    ("warn", "warn-soft"),
    ("add", "sunken"),
    ("remove", "sunken"),
    ("ground", "ink"),
]
EDGES = [("line-strong", "surface"), ("line-strong", "ground"), ("focus", "ground")]


def schemes() -> dict[str, dict[str, str]]:
    light, _media, dark = PALETTE.read_text().partition("@media")
    found = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in (light, dark)]
    return {"light": found[0], "dark": found[1]}


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pair", TEXT)
def test_text_can_be_read(scheme: str, pair: tuple[str, str]) -> None:
    colours = schemes()[scheme]
    assert contrast(colours[pair[0]], colours[pair[1]]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pair", EDGES)
def test_edges_of_what_can_be_used_can_be_seen(scheme: str, pair: tuple[str, str]) -> None:
    colours = schemes()[scheme]
    assert contrast(colours[pair[0]], colours[pair[1]]) >= 3
