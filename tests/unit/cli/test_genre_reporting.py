"""What `tigertag genre` shows, line by line."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from tigertag.cli import genre_reporting as reporting
from tigertag.cli.genre_reporting import QUIET_S, Watching

KEYS = ("macro_ap", "micro_ap", "macro_auc", "ece", "macro_ece", "brier", "ap", "auc")


def row(value: float | None = 0.123) -> dict[str, Any]:
    ends = None if value is None else [0.012, 0.345]
    return {**dict.fromkeys(KEYS, value), "intervals": dict.fromkeys(KEYS, ends)}


def genre(films: int, value: float | None = 0.123) -> dict[str, Any]:
    return {**row(value), "films": films, "threshold": 0.5, "told": 1234, "right": 1023}


def told(genres: dict[str, dict[str, Any]], *, films: int = 2345) -> dict[str, Any]:
    return {
        **row(),
        "model": "default",
        "films": films,
        "per_genre": genres,
        "untested": [name for name, one in genres.items() if one["ap"] is None],
        "baselines": {"prevalence": row(), "random_forest": row()},
    }


def shown(capsys: pytest.CaptureFixture[str], *words: Any, **more: Any) -> list[str]:
    reporting.figures(told(*words, **more))
    return capsys.readouterr().out.splitlines()


def test_figures_are_whole_on_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, {"Documentary": genre(2345), "War": genre(1)})
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert [line.split()[-3:] for line in lines if line.startswith("Documentary")] == [
        ["1023", "of", "1234"]
    ]


def test_a_genre_that_all_films_bear_is_not_said_to_have_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(capsys, {"Drama": genre(40, None), "War": genre(0, None)}, films=40)
    assert lines[-2:] == [
        "Not tested, for no film bears it: War.",
        "Not tested, for every film bears it: Drama.",
    ]


def test_figures_of_few_films_are_not_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, {"War": genre(2)}, films=3)
    assert lines[-1] == "These are 3 films only: their figures may be chance."


class Clock:
    """Goes on by so much at each look."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self._step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now_s += self._step_s
        return self.now_s


def watching(step_s: float, *, terminal: bool = False) -> tuple[Watching, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=60, highlight=False)
    return Watching(Progress(console=console, disable=not terminal), Clock(step_s)), out


def lines_of(out: io.StringIO) -> Sequence[str]:
    return out.getvalue().splitlines()


def test_what_a_terminal_would_obey_is_not_said() -> None:
    watch, out = watching(0)
    watch.said("Com\x1b[31medy [bold]was[/bold] :boom: left\n out")
    assert out.getvalue() == "Com [31medy [bold]was[/bold] :boom: left out\n"


def test_a_long_line_is_whole_in_a_file_and_wrapped_between_words_on_a_terminal() -> None:
    line = " ".join(["science"] * 20)
    watch, out = watching(0)
    watch.said(line)
    assert lines_of(out) == [line]
    watch, out = watching(0, terminal=True)
    watch.said(line)
    assert {len(one.rstrip()) for one in lines_of(out)[:2]} == {55}


def test_without_a_terminal_it_says_from_time_to_time_how_far_it_is() -> None:
    watch, out = watching(QUIET_S)
    watch.began(2)
    watch.advanced(kept=True)
    watch.working("Learning (C 0.001: log loss 0.3)")
    assert lines_of(out) == ["Looked at 1 of 2.", "Learning (C 0.001: log loss 0.3)."]


def test_what_goes_fast_is_not_told_step_by_step() -> None:
    watch, out = watching(0.1)
    watch.began(20)
    for _ in range(20):
        watch.advanced(kept=True)
    watch.working("Learning")
    assert out.getvalue() == ""


def test_on_a_terminal_the_bar_says_what_is_being_done() -> None:
    progress = Progress(console=Console(file=io.StringIO(), force_terminal=True))
    watch = Watching(progress)
    watch.began(2)
    watch.working("Learning")
    seen = [task for task in progress.tasks if task.visible]
    assert [(task.description, task.total) for task in seen] == [("Learning", None)]
