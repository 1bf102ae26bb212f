"""How a library's settings for what is looked at of videos differ from what they should be."""

from collections.abc import Mapping
from typing import Final

from tigertag.contracts import Sampling

_SETTINGS: Final[Mapping[str, str]] = {
    "by": "FRAMES",
    "interval_s": "FRAME_INTERVAL_S",
    "scene_threshold": "SCENE_THRESHOLD",
    "exact": "SCENES_EXACT",
    "max_frames": "MAX_FRAMES",
}
_OF_ONE_WAY: Final = {"interval_s": "interval", "scene_threshold": "scenes", "exact": "scenes"}

_FOOTAGE: Final[Mapping[str, Mapping[str, str]]] = {
    "tigertag.plex": {"": "main", "trailer": "trailer"},
}
"""Libraries that have a FOOTAGE: what `Library.footage` is by what is set."""


def to_match(library: str, now: Sampling, wanted: Sampling) -> list[str]:
    """Return the settings, `KEY=value`, with which the library chooses frames as `wanted`."""
    return [
        f"LIBRARY_{library.upper()}_{setting}={_shown(getattr(wanted, name))}"
        for name, setting in _SETTINGS.items()
        if getattr(now, name) != getattr(wanted, name)
        and _OF_ONE_WAY.get(name, wanted.by) == wanted.by
    ]


def may_differ(plugin: str, now: str, wanted: str) -> bool:
    """Whether a library gives other footage of videos than is wanted.

    What the videos of a library without such a choice are is not known: they may be trailers.
    """
    return now != wanted and (bool(now) or plugin in _FOOTAGE)


def footage_to_match(library: str, plugin: str, wanted: str) -> list[str]:
    """Return the advice to set the library's FOOTAGE as `wanted`, where it has such a choice."""
    known = _FOOTAGE.get(plugin, {})
    return [f"set LIBRARY_{library.upper()}_FOOTAGE={known[wanted]}"] if wanted in known else []


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
