"""What is configured, put together."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pydantic import BaseModel

from tigertag import bootstrap, settings
from tigertag.contracts import Capabilities, Host, Outcome, RunContext, Sampling
from tigertag.core import Core
from tigertag.libraries import folder
from tigertag.model import NEVER, Media, Sample


class Taught:
    """An engine whose model knows how sure to be of each word, and what it has learned from."""

    class Options(BaseModel, extra="forbid"):
        """It has none."""

    fingerprint = "taught-1"
    capabilities = Capabilities(
        frozenset({Media.VIDEO}),
        224,
        max_tags=3,
        min_confidence=NEVER,
        each={"Drama": 0.6, "Crime": 0.45},
        sampling=Sampling(max_frames=60),
        footage="trailer",
    )

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id

    def open(self) -> None: ...

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        return iter(())

    def close(self) -> None: ...


class Untaught(Taught):
    """One whose model is still to be learned."""

    capabilities = Capabilities(frozenset({Media.VIDEO}), 224, unusable="Learn it\nfirst.")


def built(tmp_path: Path, **more: str) -> Core:
    environ = {
        "TIGERTAG_HOME": str(tmp_path),
        "ENGINE_TAUGHT_NAME": f"{__name__}:Taught",
        "LIBRARY_HOME_NAME": "tigertag.folder",
        "LIBRARY_HOME_PATH": str(tmp_path),
    }
    return bootstrap.build(settings.load(environ | more))


def test_frames_that_are_chosen_otherwise_than_those_learned_from_are_told_of(
    tmp_path: Path,
) -> None:
    (line,) = built(tmp_path, LIBRARY_HOME_SCENES_EXACT="true").problems
    assert line == (
        "Engine taught has learned from frames chosen as scenes-27-60; library home gives"
        " scenes-27-exact-10: set LIBRARY_HOME_SCENES_EXACT=False and LIBRARY_HOME_MAX_FRAMES=60,"
        " or learn from the library."
    )


def test_frames_that_are_chosen_alike_are_no_problem(tmp_path: Path) -> None:
    assert built(tmp_path, LIBRARY_HOME_MAX_FRAMES="60").problems == ()


PLEX = {
    "LIBRARY_PLEX_NAME": "tigertag.plex",
    "LIBRARY_PLEX_URL": "http://127.0.0.1:1",
    "LIBRARY_PLEX_TOKEN": "t",
    "LIBRARY_PLEX_MAX_FRAMES": "60",
    "LIBRARY_HOME_MAX_FRAMES": "60",
}


def test_films_where_it_has_learned_from_trailers_are_told_of(tmp_path: Path) -> None:
    (line,) = built(tmp_path, **PLEX).problems
    assert line == (
        "Engine taught has learned from trailers; library plex gives the videos themselves:"
        " set LIBRARY_PLEX_FOOTAGE=trailer, or learn from the library."
    )


def test_trailers_where_it_has_learned_from_trailers_are_no_problem(tmp_path: Path) -> None:
    assert built(tmp_path, **PLEX, LIBRARY_PLEX_FOOTAGE="trailer").problems == ()


def test_an_engine_that_cannot_be_used_before_the_next_start_is_none(tmp_path: Path) -> None:
    (entry,) = built(tmp_path, ENGINE_TAUGHT_NAME=f"{__name__}:Untaught").engines
    assert (entry.engine, entry.problem) == (None, "Learn it first.")


@pytest.mark.parametrize("key", ["ENGINE_TAUGHT_ENABLED", "LIBRARY_HOME_ENABLED"])
def test_what_is_switched_off_is_no_problem(tmp_path: Path, key: str) -> None:
    assert built(tmp_path, **{key: "false"}).problems == ()


def test_an_engines_own_least_confidences_hold_where_the_user_sets_none(tmp_path: Path) -> None:
    (entry,) = built(tmp_path).engines
    assert (entry.thresholds.least("DRAMA"), entry.thresholds.least("Comedy")) == (0.6, NEVER)


def test_one_that_the_user_sets_holds_for_every_word(tmp_path: Path) -> None:
    (entry,) = built(tmp_path, ENGINE_TAUGHT_MIN_CONFIDENCE="0.3").engines
    assert {entry.thresholds.least(word) for word in ("Drama", "War", "Comedy")} == {0.3}


class TaughtByFilms(Taught):
    """One that has learned from films."""

    capabilities = Capabilities(frozenset({Media.VIDEO}), 224, footage="")


def test_trailers_where_it_has_learned_from_films_are_told_of(tmp_path: Path) -> None:
    name = f"{__name__}:TaughtByFilms"
    footage = {"LIBRARY_PLEX_FOOTAGE": "trailer", "ENGINE_TAUGHT_NAME": name}
    (line,) = built(tmp_path, **PLEX, **footage).problems
    assert line.endswith(": set LIBRARY_PLEX_FOOTAGE=main, or learn from the library.")


class Teasers(folder.FolderLibrary):
    """A library that gives other footage, and leaves no choice."""

    Options = folder.Options
    footage = "teaser"

    def __init__(self, id: str, options: folder.Options, _host: Host) -> None:
        super().__init__(id, options)


def test_footage_of_a_library_without_a_choice_is_advice_to_learn_from_it(tmp_path: Path) -> None:
    (line,) = built(
        tmp_path, LIBRARY_HOME_NAME=f"{__name__}:Teasers", LIBRARY_HOME_MAX_FRAMES="60"
    ).problems
    assert line.endswith("library home gives teasers: learn from the library.")


LOGGED = """
import logging, sys
from tigertag import bootstrap, settings
bootstrap.log(settings.load(), "web")
logging.getLogger("tigertag").warning("the key is %s", sys.argv[1])
"""


def logged(home: Path, **more: str) -> str:
    """What a process of the service has logged to standard error."""
    key = "0123456789abcdef"
    environ = {"TIGERTAG_HOME": str(home), "TIGERTAG_API_KEY": key, "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", LOGGED, key]
    done = subprocess.run(command, env=environ | more, capture_output=True, text=True, check=True)
    return done.stderr


def test_the_log_is_kept_in_the_home_without_secrets(tmp_path: Path) -> None:
    shown = logged(tmp_path)
    assert shown == (tmp_path / "logs" / "web.log").read_text()
    assert shown.endswith("WARNING tigertag: the key is ***\n")


def test_the_log_may_be_json(tmp_path: Path) -> None:
    logged(tmp_path, LOG_FORMAT="json")
    lines = (tmp_path / "logs" / "web.log").read_text().splitlines()
    assert json.loads(lines[-1])["message"] == "the key is ***"


def test_a_home_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shown = logged(tmp_path / "file")
    assert "The log is not kept" in shown
    assert "the key is ***" in shown
