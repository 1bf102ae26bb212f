"""What `tigertag genre` can be told."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from tigertag.contracts import SamplingMethod
from tigertag.errors import RequestError
from tigertag.genres.backbones import Asked
from tigertag.genres.wanted import Frames, Wanted

_F = TypeVar("_F", bound=Callable[..., Any])
Option = Callable[[_F], _F]
Triple = tuple[float, float, float]


class _Path(click.Path):
    """An empty path would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty.", param, ctx)
        return super().convert(value, param, ctx)


path = _Path(path_type=Path)


class _Number(click.FloatRange):
    """Not a number is in no range, yet click lets it pass."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


named = click.option(
    "--name", default="default", metavar="NAME", help="The model's name (default)."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

_SOURCE = (
    click.argument("csv", required=False, type=path),
    click.option("--library", default="", metavar="NAME", help="Instead of a CSV: this library."),
    click.option("--section", default="", metavar="NAME", help="The section of the library."),
    click.option(
        "--matrix",
        type=path,
        help="For a CSV of movie_title and trailer_link: its movie_genre_matrix.csv.",
    ),
)
_ITEMS = (
    click.option(
        "--library", default="", metavar="NAME", help="Tell items of it, by title or key."
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
        help="Look at every frame for shots: slow for whole films.",
    ),
    click.option(
        "--max-frames", type=click.IntRange(1, 100), metavar="N", help="At most so many of a video."
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
        help="Be sure of a genre where this share of films was right (0.7).",
    ),
    click.option("--genres", type=path, help="YAML: more genres, and more words for them."),
)


def _all(some: tuple[Option[Any], ...]) -> Option[Any]:
    def decorated(command: _F) -> _F:
        for one in reversed(some):
            command = one(command)
        return command

    return decorated


of_source = _all(_SOURCE)
of_items = _all(_ITEMS)
of_frames = _all(_FRAMES)
of_model = _all(_MODEL)


def frames(given: dict[str, Any]) -> Frames:
    """Return what is wanted of frames. Raises `RequestError`."""
    by = given["frames"]
    if given["frame_interval"] is not None and by != "interval":
        raise RequestError("--frame-interval goes with --frames interval.")
    if given["exact"] is not None and by not in (None, "scenes"):
        raise RequestError(f"--exact is about shots, and does not go with --frames {by}.")
    return Frames(by, given["frame_interval"], given["max_frames"], given["exact"])


def wanted(name: str, given: dict[str, Any]) -> Wanted:
    """Return what is to be learned. Raises `RequestError`."""
    backbone = Asked(
        mean=_triple("--mean", given["mean"], least=-math.inf),
        deviation=_triple("--std", given["std"], least=1e-6),
        side_px=given["size"],
    )
    if given["backbone"]:
        backbone = replace(backbone, name=given["backbone"])
    said = {
        "min_examples": given["min_examples"],
        "precision": given["precision"],
        "words": given["genres"],
    }
    changes = {name: value for name, value in said.items() if value is not None}
    return replace(Wanted(name, backbone, frames(given)), **changes)


def refuse_beside_update(csv: Path | None, given: dict[str, Any]) -> None:
    """Raises `RequestError`: an update takes everything from the model that there is."""
    named = [name for name, value in given.items() if value not in (None, "")]
    if csv is not None or named:
        what = "a CSV" if csv is not None else f"--{named[0].replace('_', '-')}"
        raise RequestError(
            f"--update learns as the model did before, so {what} does not go with it; leave out"
            " --update to learn in another way."
        )


def _triple(option: str, text: str | None, *, least: float) -> Triple | None:
    if text is None:
        return None
    try:
        red, green, blue = map(float, text.split(","))
    except ValueError as exc:
        raise RequestError(f"{option} takes three numbers, such as 0.485,0.456,0.406.") from exc
    if not all(math.isfinite(one) and one >= least for one in (red, green, blue)):
        above = " above 0" if least > 0 else ""
        raise RequestError(f"{option} takes three numbers{above}, not {text}.")
    return red, green, blue
