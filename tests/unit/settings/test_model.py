"""Every setting is in the README's table, and in main.py's worked example; what to change."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tigertag.contracts import Sampling
from tigertag.plugins import ENGINES, LIBRARIES
from tigertag.settings import REFERENCE
from tigertag.settings.model import sampling_changes

CHECKOUT = Path(__file__).parents[3]
ROW = re.compile(r"^\| *`([A-Z_<>]+)` *\|(.*?)\|(.*)\| *$", re.MULTILINE)
KEYS = re.compile(r"\b((?:TIGERTAG|ENGINE|LIBRARY|NOTIFY)_[A-Z0-9<>_]+)")


def options() -> Iterator[str]:
    """The keys of the options of every built-in plugin."""
    for prefix, modules in (("ENGINE", ENGINES), ("LIBRARY", LIBRARIES)):
        for module in modules.values():
            for name in import_module(module).Options.model_fields:
                yield f"{prefix}_<X>_{name.upper()}"


KNOWN = sorted({*options(), *(doc.key for doc in REFERENCE)})


@pytest.fixture(scope="module")
def table() -> dict[str, str]:
    """The README's settings: key → default."""
    rows = ROW.findall((CHECKOUT / "README.md").read_text(encoding="utf-8"))
    return {key: default.strip().strip("`") for key, default, _what in rows}


@pytest.fixture(scope="module")
def example() -> str:
    """The docstring of main.py."""
    return ast.get_docstring(ast.parse((CHECKOUT / "main.py").read_text(encoding="utf-8"))) or ""


@pytest.mark.parametrize("key", KNOWN)
def test_the_readme_tells_of_every_setting(key: str, table: dict[str, str]) -> None:
    assert key in table


def test_the_readme_tells_of_no_other_setting(table: dict[str, str]) -> None:
    assert set(table) - set(KNOWN) == set()


@pytest.mark.parametrize(("key", "default"), [(doc.key, doc.default_text) for doc in REFERENCE])
def test_the_readme_tells_the_default(key: str, default: str, table: dict[str, str]) -> None:
    assert table[key] == default


@pytest.mark.parametrize("key", KNOWN)
def test_the_worked_example_shows_every_setting(key: str, example: str) -> None:
    assert re.search(rf"\b{key.replace('<X>', '[A-Z0-9]+')}\b", example)


def test_the_worked_example_shows_no_other_setting(example: str) -> None:
    known = re.compile("|".join(key.replace("<X>", "[A-Z0-9]+") for key in KNOWN))
    assert [key for key in KEYS.findall(example) if not known.fullmatch(key)] == []


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
    assert sampling_changes("plex", Sampling(), wanted) == settings


def test_set_so_frames_are_chosen_alike() -> None:
    now, wanted = Sampling("interval", 2.0, 20), Sampling("scenes", 5.0, 60, 30.0, exact=True)
    names = [each.partition("=")[0] for each in sampling_changes("tv", now, wanted)]
    assert names == [
        f"LIBRARY_TV_{name}" for name in ("FRAMES", "SCENE_THRESHOLD", "SCENES_EXACT", "MAX_FRAMES")
    ]
