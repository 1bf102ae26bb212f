"""What `tigertag genre` shows: how far it is, and what came of it."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.table import Column, Table

from tigertag.cli.session import console, say
from tigertag.genres.models import Listed
from tigertag.genres.predicting import Guess, Predicted
from tigertag.text import clock, count, printable

if TYPE_CHECKING:
    from tigertag.genres.evaluating import Evaluated
    from tigertag.genres.learning import Learned
    from tigertag.genres.manifest import Manifest

FEW_FILMS = 30
"""Figures of fewer films say little."""

_ROWS = {"prevalence": "prevalence", "random_forest": "random forest of 10 trees"}
_INTERVAL = "  95 %"
_EACH = (("ap", "AP"), ("auc", "AUC"), ("ece", "ECE"), ("brier", "Brier"))
_FIGURES = (
    ("macro_ap", "macro AP"),
    ("micro_ap", "micro AP"),
    ("macro_auc", "macro AUC"),
    ("ece", "ECE"),
    ("macro_ece", "macro ECE"),
    ("brier", "Brier"),
)


def learned(result: "Learned") -> None:
    """Say what was learned, and what it is worth."""
    manifest, changed = result.manifest, result.changed
    if changed is not None:
        say(
            f"Since it was learned last: {count(changed.corrected, 'film')} with other genres,"
            f" {changed.new} new, {changed.gone} gone."
        )
    figures(manifest.metrics)
    _weak([genre.name for genre in manifest.genres if genre.threshold is None])
    say(
        f"Genre model {manifest.name!r} is kept: {count(len(manifest.genres), 'genre')},"
        f" {count(manifest.data.films, 'film')}, {manifest.metrics['films']} of them to test it."
        " A service that is running takes it up when it is started again."
    )


def evaluated(result: "Evaluated") -> None:
    """Show the figures, and say where they are."""
    told = result.as_json()
    figures(told)
    _weak([name for name, one in told["per_genre"].items() if one["threshold"] is None])
    say(f"Written: {result.json_file}, {result.picture_file}.")


def figures(told: Mapping[str, Any]) -> None:
    """Show what a model is worth, in all, beside the baselines, and genre by genre."""
    console.print(_in_all(told))
    console.print(_by_genre(told))
    _untested(told)
    if told["films"] < FEW_FILMS:
        say(f"These are {count(told['films'], 'film')} only: their figures may be chance.")


def _untested(told: Mapping[str, Any]) -> None:
    borne = {name: told["per_genre"][name]["films"] for name in told["untested"]}
    for names, reason in (
        ([name for name, films in borne.items() if not films], "no film bears it"),
        ([name for name, films in borne.items() if films], "every film bears it"),
    ):
        if names:
            say(f"Not tested, for {reason}: {', '.join(names)}.")


def _in_all(told: Mapping[str, Any]) -> Table:
    names = [name for _key, name in _FIGURES]
    table = _table(count(told["films"], "film"), *names)
    model = {f"model {told['model']}": told}
    for name, one in (model | {_ROWS[key]: one for key, one in told["baselines"].items()}).items():
        table.add_row(name, *(_figure(one[key]) for key, _name in _FIGURES))
        table.add_row(_INTERVAL, *(_interval(one["intervals"][key]) for key, _ in _FIGURES))
    return table


def _by_genre(told: Mapping[str, Any]) -> Table:
    names = [name for _key, name in _EACH]
    table = _table("genre", "films", *names, "told at", "right")
    for name, one in told["per_genre"].items():
        told_at = "never" if one["threshold"] is None else f"{one['threshold']:.2f}"
        right = f"{one['right']} of {one['told']}" if one["told"] else "-"
        shown = (_figure(one[key]) for key, _name in _EACH)
        table.add_row(printable(name), str(one["films"]), *shown, told_at, right)
        table.add_row(_INTERVAL, "", *(_interval(one["intervals"][key]) for key, _ in _EACH))
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


def _weak(names: Sequence[str]) -> None:
    if names:
        say(f"Too weak to be told, whatever their probability: {', '.join(names)}.")


def print_guesses(one: Predicted) -> None:
    """Print the likeliest genres of one, what speaks for them, and whether any is sure."""
    if one.error:
        say(f"{one.called}: {one.error}")
        return
    say(f"{one.called}: {'uncertain' if one.is_uncertain else _sure(one)}")
    for guess in one.guesses:
        times = ", ".join(map(clock, guess.times_s))
        at = f"  at {times}" if times else ""
        click.echo(f"  {guess.probability:.2f}  {printable(guess.name)}{at}")
    if one.warning:
        click.echo(f"  ({one.warning})")


def _sure(one: Predicted) -> str:
    return ", ".join(guess.name for guess in one.guesses if guess.is_sure)


def print_json(one: Predicted) -> None:
    """Print one JSON object on a line."""
    said: dict[str, Any] = {
        "path": one.called,
        "uncertain": one.is_uncertain,
        "genres": [_guess(guess) for guess in one.guesses],
    }
    said |= {key: value for key, value in (("warning", one.warning), ("error", one.error)) if value}
    sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _guess(guess: Guess) -> dict[str, Any]:
    return {
        "name": guess.name,
        "probability": round(guess.probability, 6),
        "threshold": guess.threshold,
        "sure": guess.is_sure,
        "times_s": list(guess.times_s),
    }


def listed(models: Sequence[Listed], *, as_json: bool) -> None:
    """List the models, one a row or as one JSON array."""
    if as_json:
        click.echo(json.dumps([_listed(one) for one in models], ensure_ascii=False))
    elif not models:
        say("There is no genre model yet; `tigertag genre learn` makes one.")
    else:
        table = _table("model", "genres", "films", "on", "macro AP", "ECE")
        table.add_column("learned from", overflow="fold")
        for one in models:
            if one.noted is not None:
                table.add_row(one.name, *_row(one.noted.manifest))
        if table.row_count:
            console.print(table)
        for one in models:
            if one.problem:
                say(one.problem)


def _row(manifest: "Manifest") -> tuple[str, ...]:
    metrics = manifest.metrics
    return (
        str(len(manifest.genres)),
        str(manifest.data.films),
        f"{manifest.made_at:%Y-%m-%d}",
        _figure(metrics.get("macro_ap")),
        _figure(metrics.get("ece")),
        printable(manifest.data.source.called),
    )


def _listed(one: Listed) -> dict[str, Any]:
    if one.noted is None:
        return {"name": one.name, "problem": one.problem}
    return one.noted.manifest.model_dump(mode="json", exclude={"files"})
