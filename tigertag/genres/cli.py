"""`tigertag genre`: genres learned from films that bear them, measured, and told of others."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tigertag.cli.main import SOME_FAILED
from tigertag.cli.session import core
from tigertag.core import Core
from tigertag.errors import RequestError
from tigertag.genres import extras, listing, material, options, predicting
from tigertag.genres import report as reporting
from tigertag.genres.material import Gathered
from tigertag.genres.progress import Watching, watched


@click.group()
def genre() -> None:
    """Learn genres from films that bear them, and tell those of others."""
    # Told to end, it clears away as after Ctrl-C: a trailer's folder, the bar.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@genre.command(short_help="Learn from a CSV, or from films of a library.")
@options.of_source
@options.named
@options.of_model
@click.option("--update", is_flag=True, help="Learn anew from what the model has learned from.")
def learn(csv: Path | None, name: str, *, update: bool, **given: Any) -> None:
    """Learn genres from a CSV, or from films and shows of a library that bear them.

    The CSV has a column `path` or `url`, and `genres` with | between them; paths are relative to
    it. Rows with the same `film`, `imdb_id`, or `title` and `year` are of one film. One fifth of
    the films is held out, the latest ones where years are given: the model never learns from them,
    and is measured on them. With --update, genres that you have changed on the server are learned,
    too; those that TigerTag wrote never are.
    """
    with _learning() as (built, watch):
        from tigertag.genres import learning

        if update:
            options.refuse_beside_update(csv, given)
            learned = learning.update(built, name, watch)
        else:
            wanted = options.wanted(name, given)
            learned = learning.learn(built, _gathered(built, csv, given), wanted, watch)
    reporting.learned(learned)


@genre.command(short_help="Measure a model on films that it has not seen.")
@options.of_source
@options.named
@options.as_json
@click.option("--out", type=options.path, help="The folder for the JSON and the picture.")
def evaluate(csv: Path | None, name: str, *, as_json: bool, out: Path | None, **given: Any) -> None:
    """Measure a model on films that it has not learned from.

    Where there is no model of this name, one is learned for this alone from the earlier films, and
    measured on the others. A JSON and a picture are written into TIGERTAG_HOME/evaluations.
    """
    with _learning() as (built, watch):
        from tigertag.genres import evaluating

        gathered = _gathered(built, csv, given)
        evaluated = evaluating.evaluate(built, gathered, name, watch, folder=out)
    if as_json:
        click.echo(json.dumps(evaluated.as_json(), ensure_ascii=False))
    else:
        reporting.evaluated(evaluated)


@genre.command(short_help="Tell the likeliest genres of videos and pictures.")
@click.argument("what", nargs=-1, required=True, metavar="FILE|LINK…")
@options.named
@options.of_items
@options.of_frames
@options.as_json
def predict(what: tuple[str, ...], name: str, *, as_json: bool, **given: Any) -> None:
    """Tell the likeliest genres of videos, pictures, and trailers on YouTube or Vimeo.

    Of a video, also the moments that speak for each. Nothing is stored and nothing written.
    """
    failed = 0
    with core(database=False) as built:
        sought = _sought(built, what, given)
        for one in predicting.predict(built, name, sought, options.frames(given)):
            failed += bool(one.error)
            (reporting.print_json if as_json else reporting.print_guesses)(one)
    if failed:
        sys.exit(SOME_FAILED)


@genre.command("list", short_help="List the models, and how well they do.")
@options.as_json
def list_(*, as_json: bool) -> None:
    """List the models, what they have learned from, and how well they did."""
    with core(database=False) as built:
        models = listing.models(built)
    reporting.listed(models, as_json=as_json)
    if any(one.problem for one in models):
        sys.exit(SOME_FAILED)


@contextmanager
def _learning() -> Iterator[tuple[Core, Watching]]:
    with extras.told_if_missing(), core() as built, watched() as watch:
        yield built, watch


def _gathered(built: Core, csv: Path | None, given: dict[str, Any]) -> Gathered:
    """Gather from where the user says. Raises `RequestError`."""
    library, section, matrix = given["library"], given["section"], given["matrix"]
    if library and csv is not None:
        raise RequestError("A CSV and --library are both given; name one of them.")
    if not library and csv is None:
        raise RequestError("Name what has genres: either a CSV, or --library and --section.")
    if csv is None:
        _refuse("--matrix", matrix, "a CSV")
        return material.of_section(built, library, section or None)
    _refuse("--section", section, "--library")
    return material.of_csv(csv, matrix)


def _sought(built: Core, what: tuple[str, ...], given: dict[str, Any]) -> list[predicting.Sought]:
    library, section = given["library"], given["section"]
    if library:
        return predicting.of_library(built, library, section, what)
    _refuse("--section", section, "--library")
    return [predicting.of_text(one) for one in what]


def _refuse(option: str, value: object, other: str) -> None:
    if value:
        raise RequestError(f"{option} goes with {other}.")
