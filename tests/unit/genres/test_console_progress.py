"""How far `tigertag genre` says that it is."""

import io
from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress

from tigertag.genres.report import QUIET_S, ConsoleProgress


class Clock:
    """Goes on by so much at each look."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self._step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now_s += self._step_s
        return self.now_s


def watching(step_s: float, *, terminal: bool = False) -> tuple[ConsoleProgress, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=60, highlight=False)
    return ConsoleProgress(Progress(console=console, disable=not terminal), Clock(step_s)), out


def lines_of(out: io.StringIO) -> Sequence[str]:
    return out.getvalue().splitlines()


def test_what_a_terminal_would_obey_is_not_said() -> None:
    watch, out = watching(0)
    watch.note("Com\x1b[31medy [bold]was[/bold] :boom: left\n out")
    assert out.getvalue() == "Com [31medy [bold]was[/bold] :boom: left out\n"


def test_a_long_line_is_whole_in_a_file_and_wrapped_between_words_on_a_terminal() -> None:
    line = " ".join(["science"] * 20)
    watch, out = watching(0)
    watch.note(line)
    assert lines_of(out) == [line]
    watch, out = watching(0, terminal=True)
    watch.note(line)
    assert {len(one.rstrip()) for one in lines_of(out)[:2]} == {55}


def test_without_a_terminal_it_says_from_time_to_time_how_far_it_is() -> None:
    watch, out = watching(QUIET_S)
    watch.began(2)
    watch.advanced(kept=True)
    watch.working("Learning (C 0.001: log loss 0.3)")
    assert lines_of(out) == ["Processed 1 of 2.", "Learning (C 0.001: log loss 0.3)."]


def test_what_goes_fast_is_not_told_step_by_step() -> None:
    watch, out = watching(0.1)
    watch.began(20)
    for _ in range(20):
        watch.advanced(kept=True)
    watch.working("Learning")
    assert out.getvalue() == ""


def test_on_a_terminal_the_bar_says_what_is_being_done() -> None:
    progress = Progress(console=Console(file=io.StringIO(), force_terminal=True))
    watch = ConsoleProgress(progress)
    watch.began(2)
    watch.working("Learning")
    seen = [task for task in progress.tasks if task.visible]
    assert [(task.description, task.total) for task in seen] == [("Learning", None)]
