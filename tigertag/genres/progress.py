"""How far `tigertag genre` is, on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from tigertag.cli.main import INTERRUPTED
from tigertag.cli.session import say, stderr
from tigertag.text import printable

QUIET_S = 30
"""Where there is no bar, so long nothing is said at most while the work goes on."""


class Watching:
    """A bar for what is looked at, on standard error. Keeps to `Watch`."""

    def __init__(self, progress: Progress, now: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._now = now
        self._said_at = now()
        self._task: TaskID | None = None
        self.kept = 0
        self.done = 0
        self.total = 0

    def began(self, total: int) -> None:
        self.total = total
        self._task = self._progress.add_task("Looking", total=total)

    def advanced(self, *, kept: bool) -> None:
        self.kept += kept
        self.done += 1
        if self._task is not None:
            self._progress.advance(self._task)
        self._now_and_then(f"Looked at {self.done} of {self.total}.")

    def said(self, line: str) -> None:
        self._said_at = self._now()
        say(line, to=self._progress.console)

    def working(self, what: str) -> None:
        if self._task is not None:
            self._progress.update(self._task, visible=False)
        self._task = self._progress.add_task(printable(what), total=None)
        self._now_and_then(f"{what}.")

    def _now_and_then(self, line: str) -> None:
        """Where there is no bar, a line shows from time to time that it goes on."""
        if self._progress.disable and self._now() - self._said_at >= QUIET_S:
            self.said(line)


class _Of(MofNCompleteColumn):
    def render(self, task: Task) -> Text:
        return Text() if task.total is None else super().render(task)


class _Left(TimeRemainingColumn):
    def render(self, task: Task) -> Text:
        return Text() if task.total is None else super().render(task)


@contextmanager
def watched() -> Iterator[Watching]:
    """Show a bar; whoever interrupts the work is told what is kept."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), _Of(), _Left())
    with Progress(*columns, console=stderr, transient=True) as progress:
        progress.disable = not stderr.is_terminal
        watching = Watching(progress)
        try:
            yield watching
        except KeyboardInterrupt:
            progress.stop()
            seen = f"What was seen of {watching.kept} of {watching.total} is kept"
            click.echo(f"Stopped. {seen}: the same command goes on from there.", err=True)
            sys.exit(INTERRUPTED)
