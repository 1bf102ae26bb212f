"""`tigertag tag`: tags for files and folders, printed and nothing else."""

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from tigertag import bootstrap
from tigertag.cli import forecast as forecasting
from tigertag.cli.main import SOME_FAILED
from tigertag.cli.session import core
from tigertag.errors import RequestError
from tigertag.model import Media, Tag
from tigertag.services import money, tagging
from tigertag.services.core import Core, EngineEntry
from tigertag.services.tagging import Picture, Tagged
from tigertag.wording import count, usd


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--engine", "engines", multiple=True, help="Ask this engine (more than once: several)."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object a line, as it is ready."
)
@click.option("--yes", is_flag=True, help="Do not ask first, whatever engines cost.")
def tag(paths: tuple[Path, ...], engines: tuple[str, ...], *, as_json: bool, yes: bool) -> None:
    """Print tags for pictures, videos and folders of them; write nothing.

    Asks local engines only; one that sends pictures away has to be named with --engine. What it
    takes and what it sees is noted in the database.
    """
    with core(database=False) as built:
        chosen = tagging.local_engines(built, engines)
        if not chosen:
            raise RequestError("No local engine can be used; `tigertag engines` says why.")
        if not all(_is_local(entry) for entry in chosen):
            bootstrap.open_store(built)
        sources = tagging.pictures(built, paths)
        paid = [] if yes else [entry for entry in chosen if entry.paid]
        if paid:
            found = list(sources)
            _ask_first(built, paid, found)
            sources = iter(found)
        failed = 0
        with closing(tagging.tag(built, chosen, sources)) as results:
            for result in results:
                failed += bool(result.errors)
                (_print_json if as_json else _print_row)(result)
    if failed:
        sys.exit(SOME_FAILED)


def _is_local(entry: EngineEntry) -> bool:
    return entry.engine is None or entry.engine.capabilities.local


def _ask_first(built: Core, paid: Sequence[EngineEntry], pictures: Sequence[Picture]) -> None:
    """Say what it would cost, and leave unless the answer is yes. Raises `RequestError`."""
    names = ", ".join(entry.id for entry in paid)
    if not forecasting.is_answered():
        raise RequestError(
            f"This would ask engines that are paid for ({names}), and nobody is here to say yes;"
            " nothing was asked. Add --yes."
        )
    videos = sum(one.item.media is Media.VIDEO for one in pictures)
    what = "item" if videos else "picture"
    for entry in paid:
        cost_usd = money.of_items(built, entry.id, len(pictures), videos=videos)
        said = f"{entry.id}: {count(len(pictures), what)}, cost: {usd(cost_usd)}."
        click.echo(said, err=True)
    forecasting.confirm(f"Ask {names}?")


def _print_json(result: Tagged) -> None:
    said: dict[str, Any] = {
        "path": str(result.path),
        "labels": [
            {
                "engine": answer.engine,
                "name": label.name,
                "concept": label.concept,
                "confidence": label.confidence,
            }
            | ({} if label.at_s is None else {"at_s": label.at_s})
            for answer in result.answers
            for label in answer.labels
        ],
        "tags": [_tag(tag) for tag in result.tags],
    }
    if result.errors:
        said["error"] = " ".join(result.errors)
    sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _tag(tag: Tag) -> dict[str, Any]:
    return {
        "name": tag.name,
        "concept": tag.concept,
        "confidence": round(tag.confidence, 6),
        "engine": ", ".join(dict.fromkeys(why.engine for why in tag.because)),
    }


def _print_row(result: Tagged) -> None:
    words = ", ".join(f"{tag.name} {tag.confidence:.2f}" for tag in result.tags)
    said = " ".join(result.errors) or words or "(nothing sure enough)"
    click.echo(f"{result.path}: {said}")
