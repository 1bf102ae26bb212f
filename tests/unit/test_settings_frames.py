"""Which settings make a library choose frames as a model has learned from them."""

import pytest

from tigertag.contracts import Sampling
from tigertag.settings.frames import footage_to_match, may_differ, to_match


@pytest.mark.parametrize(
    ("wanted", "settings"),
    [
        (Sampling(max_frames=60), ["LIBRARY_PLEX_MAX_FRAMES=60"]),
        (Sampling("keyframes", max_frames=10), ["LIBRARY_PLEX_FRAMES=keyframes"]),
        (
            Sampling("interval", 1.0),
            ["LIBRARY_PLEX_FRAMES=interval", "LIBRARY_PLEX_FRAME_INTERVAL_S=1"],
        ),
        (Sampling(scene_threshold=30.5), ["LIBRARY_PLEX_SCENE_THRESHOLD=30.5"]),
        (Sampling(exact=True), ["LIBRARY_PLEX_SCENES_EXACT=True"]),
        (Sampling(interval_s=1.0), []),
    ],
)
def test_only_what_matters_and_differs_is_named(wanted: Sampling, settings: list[str]) -> None:
    assert to_match("plex", Sampling(), wanted) == settings


def test_set_so_frames_are_chosen_alike() -> None:
    now, wanted = Sampling("interval", 2.0, 20), Sampling("scenes", 5.0, 60, 30.0, exact=True)
    names = [one.partition("=")[0] for one in to_match("tv", now, wanted)]
    assert names == [
        f"LIBRARY_TV_{name}" for name in ("FRAMES", "SCENE_THRESHOLD", "SCENES_EXACT", "MAX_FRAMES")
    ]


@pytest.mark.parametrize(
    ("plugin", "now", "wanted", "differs"),
    [
        ("tigertag.plex", "", "trailer", True),
        ("tigertag.plex", "trailer", "", True),
        ("tigertag.plex", "trailer", "trailer", False),
        ("tigertag.folder", "", "trailer", False),
        ("other", "teaser", "", True),
    ],
)
def test_footage_differs_where_it_is_known_to(
    plugin: str, now: str, wanted: str, *, differs: bool
) -> None:
    assert may_differ(plugin, now, wanted) is differs


def test_footage_is_set_where_there_is_a_choice() -> None:
    assert footage_to_match("tv", "tigertag.plex", "") == ["set LIBRARY_TV_FOOTAGE=main"]
    assert footage_to_match("tv", "other", "") == []
