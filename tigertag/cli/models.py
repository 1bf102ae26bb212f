"""`tigertag models list|fetch|remove|verify`: models that can be fetched."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from tigertag.cli.session import console, core, say, stderr
from tigertag.contracts import Http
from tigertag.inference import catalogue
from tigertag.services import models as model_service
from tigertag.services.models import ModelView
from tigertag.text import megabytes

_STATES = {
    "absent": "not here",
    "fetching": "being fetched",
    "installed": "installed",
    "built_in": "in the image",
    "changed": "changed",
}
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def models() -> None:
    """Models that can be fetched."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def list_models(*, as_json: bool) -> None:
    """List the models: what each recognises, its size and licence, and whether it is here."""
    with core(database=False) as built:
        views = model_service.listed(built.host.models)
    if as_json:
        for view in views:
            click.echo(json.dumps(_as_object(view)))
        return
    table = Table("model", "recognises", "size", "input", "licence", "accuracy", "state", box=None)
    for view in views:
        known = view.model
        size, side = megabytes(known.bytes), f"{known.input_px} px"
        facts = (known.name, known.what, size, side, known.licence, known.accuracy)
        table.add_row(*facts, _state(view))
    console.print(table)
    for view in views:
        if view.problem:
            say(f"{view.model.name}: {view.problem}")


def _as_object(view: ModelView) -> dict[str, object]:
    known = view.model
    return {
        **{key: getattr(known, key) for key in ("name", "title", "what", "licence", "source")},
        **{key: getattr(known, key) for key in ("url", "bytes", "sha256", "input_px", "accuracy")},
        "state": view.state,
        "path": None if view.path is None else str(view.path),
        "problem": view.problem,
    }


def _state(view: ModelView) -> str:
    loaded = f", {megabytes(view.loaded_bytes)} loaded" if view.loaded_bytes else ""
    return f"{_STATES[view.state]}{loaded}"


@models.command()
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@click.option("--to", type=_FOLDER, help="Into this folder, not TIGERTAG_HOME/models.")
def fetch(names: Sequence[str], to: Path | None) -> None:
    """Fetch models by NAME. What an interrupted download has loaded is resumed."""
    with core(database=False) as built:
        for name in names:
            # A name that is misspelt is named before anything is loaded.
            catalogue.model(name)
        for name in dict.fromkeys(names):
            path = _fetch(built.host.http, to or built.host.models, name)
            say(f"{name}: {path}")


def _fetch(http: Http, folder: Path, name: str) -> Path:
    """Fetch a model, and show how far it is. Raises `ModelError`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    quiet = not stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=quiet) as progress:
        task = progress.add_task(name, total=catalogue.model(name).bytes)

        def show(done: int, total: int | None) -> None:
            progress.update(task, completed=done)

        return model_service.fetch(http, folder, name, show)


@models.command()
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
def remove(names: Sequence[str]) -> None:
    """Remove models by NAME from TIGERTAG_HOME/models."""
    with core(database=False) as built:
        for name in dict.fromkeys(names):
            model_service.remove(built.host.models, name)
            say(
                f"{name}: removed. Tags from its answers are decided again at the next scan, with"
                " the model that is left; without one they stay."
            )


@models.command()
@click.argument("names", metavar="[NAME…]", nargs=-1)
def verify(names: Sequence[str]) -> None:
    """Check the SHA-256 of models: of those named, or of all that are here."""
    with core(database=False) as built:
        folder = built.host.models
        wanted = dict.fromkeys(names or catalogue.catalogue())
        views = [model_service.look(folder, name, reread=True) for name in wanted]
    shown = views if names else [view for view in views if view.state != "absent"]
    for view in shown:
        say(f"{view.model.name}: {_verdict(view)}")
    if not shown:
        click.echo("No model is here; `tigertag models fetch NAME` fetches one.")
    if any(view.problem or not view.is_here for view in shown):
        sys.exit(1)


def _verdict(view: ModelView) -> str:
    if view.problem:
        return f"{view.problem} To replace it: tigertag models fetch {view.model.name}."
    return f"{view.path} is what was published." if view.is_here else "not here."
