"""`tigertag genre`: learn genres from films that have them, measure models, predict genres."""

import json
import math
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from tigertag.cli.main import SOME_FAILED
from tigertag.cli.session import core
from tigertag.contracts import SamplingMethod
from tigertag.core import Core
from tigertag.errors import RequestError
from tigertag.genres import film_list, labelled, report
from tigertag.genres import predict as predicting
from tigertag.genres.labelled import LabelledSet
from tigertag.genres.models import models_of
from tigertag.genres.report import ConsoleProgress, shown_progress
from tigertag.inference.preprocessing import Colours
from tigertag.plugins import EXTRA_OF, missing

_F = TypeVar("_F", bound=Callable[..., Any])
Option = Callable[[_F], _F]


_Parameter = click.Parameter | None
_Context = click.Context | None


class _Path(click.Path):
    """An empty path would be the current folder."""

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> Any:
        if value == "":
            self.fail("it is empty.", param, ctx)
        return super().convert(value, param, ctx)


class _Number(click.FloatRange):
    """NaN is in no range, yet click lets it pass."""

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


path = _Path(path_type=Path)
named = click.option(
    "--name", default="default", metavar="NAME", help="The model's name (default)."
)
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SOURCE = (
    click.argument("csv", required=False, type=path),
    click.option("--library", default="", metavar="NAME", help="Instead of a CSV: this library."),
    click.option("--section", default="", metavar="NAME", help="The section of the library."),
)
_ITEMS = (
    click.option(
        "--library", default="", metavar="NAME", help="Name items of this library, by title or key."
    ),
    click.option("--section", default="", metavar="NAME", help="Look into this section alone."),
)
_FRAMES = (
    click.option(
        "--frames", type=click.Choice(get_args(SamplingMethod)), help="How frames are chosen."
    ),
    click.option(
        "--frame-interval",
        type=_Number(0.1, 3600),
        metavar="SECONDS",
        help="Of --frames interval.",
    ),
    click.option(
        "--exact/--no-exact",
        default=None,
        help="Search every frame for cuts: slow for whole films.",
    ),
    click.option(
        "--max-frames", type=click.IntRange(1, 100), metavar="N", help="Maximum frames of a video."
    ),
)
_MODEL = (
    click.option(
        "--backbone", help="efficientnet-lite0 (default), resnet50, resnet18 or FILE.onnx."
    ),
    click.option(
        "--mean", metavar="R,G,B", help="Mean of FILE.onnx's input, as 0.485,0.456,0.406."
    ),
    click.option("--std", metavar="R,G,B", help="Deviation of its input, likewise."),
    click.option(
        "--size",
        type=click.IntRange(16, 2048),
        metavar="PIXELS",
        help="Side of its input, where the file leaves that open.",
    ),
    *_FRAMES,
    click.option(
        "--min-examples", type=click.IntRange(2), metavar="N", help="Films that a genre needs (50)."
    ),
    click.option(
        "--precision",
        type=_Number(0, 1),
        metavar="SHARE",
        help="Threshold of a genre: where this share of films was right (0.7).",
    ),
    click.option("--genres", type=path, help="YAML: more genres, and more words for them."),
)


def _all(options: Sequence[Option[Any]]) -> Option[Any]:
    return lambda command: reduce(lambda done, option: option(done), reversed(options), command)


@click.group()
def genre() -> None:
    """Train, evaluate and predict genres."""
    # SIGTERM clears away as Ctrl-C does: a trailer's folder, the bar.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@genre.command(short_help="Train on a CSV, or on films of a library.")
@_all(_SOURCE)
@named
@_all(_MODEL)
@click.option("--update", is_flag=True, help="Train again on the source of the model.")
def learn(csv: Path | None, name: str, *, update: bool, **given: Any) -> None:
    """Train on a CSV with genres, or on films and shows of a library that have genres.

    The CSV has a column `path` or `url`, and `genres` with | between them; paths are relative to
    it. Rows with the same `film`, `imdb_id`, or `title` and `year` are of one film. One fifth of
    the films is held out for testing, the latest ones where years are given. With --update, genres
    that you have changed on the server count, too; those that TigerTag wrote never do.
    """
    with _learning() as (built, progress):
        from tigertag.genres import learn as learning

        if update:
            _refuse_beside_update(csv, given)
            learned = learning.update(built, name, progress)
        else:
            settings = _given(
                min_examples=given["min_examples"],
                precision=given["precision"],
                words=given["genres"],
            )
            backbone = learning.BackboneChoice(**_backbone(given))
            request = learning.LearnRequest(name, backbone, _frames(given), **settings)
            learned = learning.learn(built, _labelled(built, csv, given), request, progress)
    report.print_learned(learned)


@genre.command(short_help="Evaluate a model on films that it has not seen.")
@_all(_SOURCE)
@named
@as_json_option
@click.option("--out", type=path, help="The folder for the JSON and the picture.")
def evaluate(csv: Path | None, name: str, *, as_json: bool, out: Path | None, **given: Any) -> None:
    """Evaluate a model on films that it was not trained on.

    Where there is no model of this name, one is trained on the earlier films for this alone. A JSON
    and a picture are written into TIGERTAG_HOME/evaluations.
    """
    with _learning() as (built, progress):
        from tigertag.genres import evaluate as evaluating

        videos = _labelled(built, csv, given)
        evaluated = evaluating.evaluate(built, videos, name, progress, folder=out)
    if as_json:
        click.echo(json.dumps(evaluated.as_json(), ensure_ascii=False))
    else:
        report.print_evaluated(evaluated)


@genre.command(short_help="Predict the genres of videos and pictures.")
@click.argument("what", nargs=-1, required=True, metavar="FILE|LINK…")
@named
@_all(_ITEMS)
@_all(_FRAMES)
@as_json_option
def predict(what: tuple[str, ...], name: str, *, as_json: bool, **given: Any) -> None:
    """Predict the genres of videos, pictures, and trailers on YouTube or Vimeo.

    For videos, also the most telling moments. Nothing is stored.
    """
    failed = False
    with core(database=False) as built:
        if given["library"]:
            queries = predicting.of_library(built, given["library"], given["section"], what)
        else:
            _refuse_section(given["section"])
            queries = [predicting.of_text(text) for text in what]
        for predicted in predicting.predict(built, name, queries, _frames(given)):
            failed |= bool(predicted.error)
            (report.print_json if as_json else report.print_guesses)(predicted)
    if failed:
        sys.exit(SOME_FAILED)


@genre.command("list", short_help="List the models and their figures.")
@as_json_option
def list_(*, as_json: bool) -> None:
    """List the models, their sources and their figures."""
    with core(database=False) as built:
        models = models_of(built.host).listed()
    report.print_models(models, as_json=as_json)
    if any(model.problem for model in models):
        sys.exit(SOME_FAILED)


@contextmanager
def _learning() -> Iterator[tuple[Core, ConsoleProgress]]:
    """Raises `RequestError`, which says what to install, where what learns is not there."""
    try:
        with core() as built, shown_progress() as progress:
            yield built, progress
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] not in EXTRA_OF:
            raise
        raise RequestError(f"Genres can be neither trained nor evaluated: {missing(exc)}") from exc


def _labelled(built: Core, csv: Path | None, given: dict[str, Any]) -> LabelledSet:
    """List from where the user says. Raises `RequestError`."""
    library, section = given["library"], given["section"]
    if library and csv is not None:
        raise RequestError("A CSV and --library are both given; name one of them.")
    if library:
        return labelled.of_section(built, library, section or None)
    if csv is None:
        raise RequestError("Give a CSV, or --library and --section.")
    _refuse_section(section)
    return film_list.read(csv)


def _refuse_section(section: str) -> None:
    if section:
        raise RequestError("--section goes with --library.")


def _frames(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of `Sampling` that were given. Raises `RequestError`."""
    by = given["frames"]
    if given["frame_interval"] is not None and by != "interval":
        raise RequestError("--frame-interval goes with --frames interval.")
    if given["exact"] is not None and by not in (None, "scenes"):
        raise RequestError(f"--exact is about shots, and does not go with --frames {by}.")
    return _given(
        by=by,
        interval_s=given["frame_interval"],
        max_frames=given["max_frames"],
        exact=given["exact"],
    )


def _backbone(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of `BackboneChoice` that were given. Raises `RequestError`."""
    return _given(
        name=given["backbone"] or None,
        mean=_colours("--mean", given["mean"], least=-math.inf),
        deviation=_colours("--std", given["std"], least=1e-6),
        side_px=given["size"],
    )


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _refuse_beside_update(csv: Path | None, given: dict[str, Any]) -> None:
    """Raises `RequestError`: an update takes everything from the model that there is."""
    options = [name for name, value in given.items() if value not in (None, "")]
    if csv is not None or options:
        what = "a CSV" if csv is not None else f"--{options[0].replace('_', '-')}"
        raise RequestError(
            f"--update learns as the model did before, so {what} does not go with it; leave out"
            " --update to learn in another way."
        )


def _colours(option: str, text: str | None, *, least: float) -> Colours | None:
    if text is None:
        return None
    try:
        red, green, blue = map(float, text.split(","))
    except ValueError as exc:
        raise RequestError(f"{option} takes three numbers, such as 0.485,0.456,0.406.") from exc
    if not all(math.isfinite(value) and value >= least for value in (red, green, blue)):
        above = " above 0" if least > 0 else ""
        raise RequestError(f"{option} takes three numbers{above}, not {text}.")
    return red, green, blue
