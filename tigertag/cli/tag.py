"""`tigertag tag`: tags for files and folders, printed and nothing else."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import click

from tigertag import bootstrap
from tigertag.cli.main import SOME_FAILED
from tigertag.cli.session import confirm, core, require_terminal
from tigertag.core import Core, EngineEntry
from tigertag.errors import RequestError
from tigertag.model import Media, Tag
from tigertag.scan import forecasts
from tigertag.services import tagging
from tigertag.services.tagging import Picture, Tagged
from tigertag.text import count, usd


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--engine", "engines", multiple=True, help="Run this engine (more than once: several)."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object a line, as it is ready."
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation, whatever engines cost.")
def tag(paths: tuple[Path, ...], engines: tuple[str, ...], *, as_json: bool, yes: bool) -> None:
    """Print tags for pictures, videos and folders of them; write nothing.

    Runs local engines only; one that sends pictures away has to be named with --engine. What it
    uses and sends is noted in the database.
    """
    with core(database=False) as built:
        chosen = tagging.local_engines(built, engines)
        if not chosen:
            raise RequestError("No local engine can be used; `tigertag engines` says why.")
        engines_used = [entry.engine for entry in chosen if entry.engine is not None]
        if not all(engine.capabilities.local for engine in engines_used):
            bootstrap.open_store(built)
        missing = [path for path in paths if _is_missing(path)]
        there = [path for path in paths if path not in missing]
        pictures = _with_note_of_empty(tagging.pictures(built, there), there)
        if not yes:
            pictures = _confirmed(built, [entry for entry in chosen if entry.paid], pictures)
        show, failed = (_print_json if as_json else _print_row), len(missing)
        for path in missing:
            show(Tagged(path, (), (), ("There is no such file.",)))
        with closing(tagging.tag(built, chosen, pictures)) as results:
            for result in results:
                failed += bool(result.errors)
                show(result)
    if failed:
        sys.exit(SOME_FAILED)


def _is_missing(path: Path) -> bool:
    # What may not be looked at is left to the scan, which says why.
    with suppress(OSError):
        return not path.exists()
    return False


def _with_note_of_empty(pictures: Iterator[Picture], paths: Sequence[Path]) -> Iterator[Picture]:
    """Yield the pictures, and at their end name the paths under which there was none."""
    empty = list(paths)
    for picture in pictures:
        empty = [path for path in empty if not picture.path.is_relative_to(path)]
        yield picture
    for path in empty:
        click.echo(f"{path}: no pictures or videos there.", err=True)


def _confirmed(
    built: Core, paid: Sequence[EngineEntry], sources: Iterator[Picture]
) -> Iterator[Picture]:
    """Show what it would cost, and exit unless the answer is yes. Raises `RequestError`."""
    if not paid:
        return sources
    pictures = list(sources)
    require_terminal(paid)
    videos = sum(picture.item.media is Media.VIDEO for picture in pictures)
    amount = count(len(pictures), "item" if videos else "picture")
    for entry in paid:
        cost_usd = forecasts.cost_of_items(built, entry.id, len(pictures), videos=videos)
        click.echo(f"{entry.id}: {amount}, cost: {usd(cost_usd)}.", err=True)
    confirm(f"Run {', '.join(entry.id for entry in paid)}?")
    return iter(pictures)


def _print_json(result: Tagged) -> None:
    row: dict[str, Any] = {
        "path": str(result.path),
        "labels": [
            {
                "engine": answer.engine,
                "name": label.name,
                "concept": label.concept,
                "confidence": label.confidence,
            }
            | ({} if label.at_s is None else {"at_s": label.at_s})
            | ({"note": label.note} if label.note else {})
            for answer in result.answers
            for label in answer.labels
        ],
        "tags": [_tag(tag) for tag in result.tags],
    }
    if result.errors:
        row["error"] = " ".join(result.errors)
    sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
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
    # Tags of some engines are of use where another one failed.
    parts = [*result.errors, words] if words else result.errors or ["(no confident tag)"]
    click.echo(f"{result.path}: {' '.join(parts)}")
