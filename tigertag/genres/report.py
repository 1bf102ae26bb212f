"""The output of `tigertag genre`: progress and results."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

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
from rich.table import Column, Table
from rich.text import Text

from tigertag.cli.main import INTERRUPTED
from tigertag.cli.session import console, say, stderr
from tigertag.genres.models import ListedModel
from tigertag.genres.predict import Predicted
from tigertag.text import clock, count, printable

if TYPE_CHECKING:
    from tigertag.genres.evaluate import Evaluated
    from tigertag.genres.learn import Learned
    from tigertag.genres.manifest import Manifest

FEW_FILMS: Final = 30
"""Figures of fewer films say little."""
QUIET_S: Final = 30
"""Where there is no bar, nothing is said for so long at most while the work goes on."""

_BASELINES: Final = {"prevalence": "prevalence", "random_forest": "random forest of 10 trees"}
_INTERVAL: Final = "  95 %"
_PER_GENRE: Final = {"ap": "AP", "auc": "AUC", "ece": "ECE", "brier": "Brier"}
_IN_ALL: Final = {
    "macro_ap": "macro AP",
    "micro_ap": "micro AP",
    "macro_auc": "macro AUC",
    "ece": "ECE",
    "macro_ece": "macro ECE",
    "brier": "Brier",
}


def print_learned(learned: "Learned") -> None:
    manifest, changed = learned.manifest, learned.changed
    if changed is not None:
        say(
            f"Since the last training: {count(changed.corrected, 'film')} with other genres,"
            f" {changed.new} new, {changed.gone} gone."
        )
    print_figures(manifest.metrics)
    _say_weak(genre.name for genre in manifest.genres if genre.threshold is None)
    say(
        f"Genre model {manifest.name!r} is kept: {count(len(manifest.genres), 'genre')},"
        f" {count(manifest.data.films, 'film')}, {manifest.metrics['films']} of them for testing."
        " Restart a running service to use it."
    )


def print_evaluated(evaluated: "Evaluated") -> None:
    figures = evaluated.as_json()
    print_figures(figures)
    _say_weak(name for name, genre in figures["per_genre"].items() if genre["threshold"] is None)
    say(f"Written: {evaluated.json_file}, {evaluated.picture_file}.")


def _say_weak(names: Iterable[str]) -> None:
    weak = ", ".join(names)
    if weak:
        say(f"No reliable threshold, so never predicted with confidence: {weak}.")


def print_figures(figures: Mapping[str, Any]) -> None:
    """Show what a model is worth, in all, beside the baselines, and genre by genre."""
    console.print(_in_all(figures))
    console.print(_by_genre(figures))
    films = {name: figures["per_genre"][name]["films"] for name in figures["untested"]}
    for reason, all_films in (("no film has it", False), ("every film has it", True)):
        names = ", ".join(name for name, number in films.items() if bool(number) is all_films)
        if names:
            say(f"Not tested, because {reason}: {names}.")
    if figures["films"] < FEW_FILMS:
        say(f"Only {count(figures['films'], 'film')}: these figures may be chance.")


def _in_all(figures: Mapping[str, Any]) -> Table:
    table = _table(count(figures["films"], "film"), *_IN_ALL.values())
    rows = {f"model {figures['model']}": figures}
    rows |= {_BASELINES[key]: baseline for key, baseline in figures["baselines"].items()}
    for name, row in rows.items():
        table.add_row(name, *(_figure(row[key]) for key in _IN_ALL))
        table.add_row(_INTERVAL, *(_interval(row["intervals"][key]) for key in _IN_ALL))
    return table


def _by_genre(figures: Mapping[str, Any]) -> Table:
    table = _table("genre", "films", *_PER_GENRE.values(), "sure at", "right")
    for name, row in figures["per_genre"].items():
        sure_at = "never" if row["threshold"] is None else f"{row['threshold']:.2f}"
        right = f"{row['right']} of {row['told']}" if row["told"] else "-"
        shown = (_figure(row[key]) for key in _PER_GENRE)
        table.add_row(printable(name), str(row["films"]), *shown, sure_at, right)
        table.add_row(_INTERVAL, "", *(_interval(row["intervals"][key]) for key in _PER_GENRE))
    return table


def _table(first: str, *others: str) -> Table:
    """A table whose figures are whole on 80 columns: its first column gives way."""
    columns = (Column(name, no_wrap=True) for name in others)
    first_column = Column(first, overflow="fold")
    return Table(first_column, *columns, box=None, pad_edge=False, padding=(0, 1, 0, 0))


def _figure(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float | int) else "-"


def _interval(ends: Sequence[float] | None) -> str:
    return "-" if ends is None else "-".join(map(_end, ends))


def _end(value: float) -> str:
    """So short that all figures stand on 80 columns."""
    return "1.0" if f"{value:.2f}" == "1.00" else f"{value:.2f}".removeprefix("0")


def print_guesses(predicted: Predicted) -> None:
    """Print the likeliest genres of one, what speaks for them, and whether any is sure."""
    if predicted.error:
        say(f"{predicted.name}: {predicted.error}")
        return
    sure = ", ".join(guess.name for guess in predicted.guesses if guess.is_sure)
    say(f"{predicted.name}: {sure or 'uncertain'}")
    for guess in predicted.guesses:
        times = ", ".join(map(clock, guess.times_s))
        at = f"  at {times}" if times else ""
        click.echo(f"  {guess.probability:.2f}  {printable(guess.name)}{at}")
    if predicted.warning:
        click.echo(f"  ({predicted.warning})")


def print_json(predicted: Predicted) -> None:
    """Print one JSON object on a line."""
    genres = [
        {
            "name": guess.name,
            "probability": round(guess.probability, 6),
            "threshold": guess.threshold,
            "sure": guess.is_sure,
            "times_s": list(guess.times_s),
        }
        for guess in predicted.guesses
    ]
    fields: dict[str, Any] = {
        "path": predicted.name,
        "uncertain": predicted.is_uncertain,
        "genres": genres,
    }
    optional = {"warning": predicted.warning, "error": predicted.error}
    fields |= {key: value for key, value in optional.items() if value}
    click.echo(json.dumps(fields, ensure_ascii=False))


def print_models(models: Sequence[ListedModel], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_model_json(model) for model in models], ensure_ascii=False))
    elif not models:
        say("There is no genre model yet; `tigertag genre learn` makes one.")
    else:
        table = _table("model", "genres", "films", "on", "macro AP", "ECE")
        table.add_column("learned from", overflow="fold")
        for model in models:
            if model.manifest is not None:
                table.add_row(model.name, *_model_row(model.manifest))
        if table.row_count:
            console.print(table)
        for model in models:
            if model.problem:
                say(model.problem)


def _model_row(manifest: "Manifest") -> tuple[str, ...]:
    return (
        str(len(manifest.genres)),
        str(manifest.data.films),
        f"{manifest.made_at:%Y-%m-%d}",
        _figure(manifest.metrics.get("macro_ap")),
        _figure(manifest.metrics.get("ece")),
        printable(manifest.data.source.display_name),
    )


def _model_json(model: ListedModel) -> dict[str, Any]:
    if model.manifest is None:
        return {"name": model.name, "problem": model.problem}
    return model.manifest.model_dump(mode="json", exclude={"files"})


class ConsoleProgress:
    """A bar for what is looked at, on standard error. Keeps to `LearningProgress`."""

    def __init__(self, bar: Progress, now: Callable[[], float] = time.monotonic) -> None:
        self._bar = bar
        self._now = now
        self._noted_at = now()
        self._task: TaskID | None = None
        self.kept = 0
        self.done = 0
        self.total = 0

    def began(self, total: int) -> None:
        self.total = total
        self._task = self._bar.add_task("Extracting features", total=total)

    def advanced(self, *, kept: bool) -> None:
        self.kept += kept
        self.done += 1
        if self._task is not None:
            self._bar.advance(self._task)
        self._now_and_then(f"Processed {self.done} of {self.total}.")

    def note(self, line: str) -> None:
        self._noted_at = self._now()
        say(line, to=self._bar.console)

    def working(self, what: str) -> None:
        if self._task is not None:
            self._bar.update(self._task, visible=False)
        self._task = self._bar.add_task(printable(what), total=None)
        self._now_and_then(f"{what}.")

    def _now_and_then(self, line: str) -> None:
        """Where there is no bar, a line shows from time to time that it goes on."""
        if self._bar.disable and self._now() - self._noted_at >= QUIET_S:
            self.note(line)


class _Count(MofNCompleteColumn):
    def render(self, task: Task) -> Text:
        return Text() if task.total is None else super().render(task)


@contextmanager
def shown_progress() -> Iterator[ConsoleProgress]:
    """Show a bar; whoever interrupts the work reads what is kept."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Count(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True) as bar:
        bar.disable = not stderr.is_terminal
        progress = ConsoleProgress(bar)
        try:
            yield progress
        except KeyboardInterrupt:
            bar.stop()
            seen = f"Features of {progress.kept} of {progress.total} are kept"
            click.echo(f"Stopped. {seen}; run the same command to continue.", err=True)
            sys.exit(INTERRUPTED)
