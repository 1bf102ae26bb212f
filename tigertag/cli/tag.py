"""`tigertag tag`: tags for files and folders, printed and nothing else."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from tigertag import bootstrap
from tigertag.cli import forecast as forecasting
from tigertag.cli.main import SOME_FAILED
from tigertag.cli.session import core
from tigertag.core import Core, EngineEntry
from tigertag.errors import RequestError
from tigertag.model import Media, Tag
from tigertag.scan import costs as money
from tigertag.services import tagging
from tigertag.services.tagging import Picture, Tagged
from tigertag.text import count, usd

_MISSING = "There is no such file."


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
        there = [path for path in paths if not _is_missing(path)]
        sources = _found(tagging.pictures(built, there), there)
        if not yes:
            sources = _agreed(built, [entry for entry in chosen if entry.paid], sources)
        say, failed = (_print_json if as_json else _print_row), len(paths) - len(there)
        for path in paths:
            if path not in there:
                say(Tagged(path, (), (), (_MISSING,)))
        with closing(tagging.tag(built, chosen, sources)) as results:
            for result in results:
                failed += bool(result.errors)
                say(result)
    if failed:
        sys.exit(SOME_FAILED)


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _found(pictures: Iterator[Picture], paths: Sequence[Path]) -> Iterator[Picture]:
    """Yield the pictures, and at their end name the paths under which there was none."""
    bare = list(paths)
    for one in pictures:
        bare = [path for path in bare if not one.path.is_relative_to(path)]
        yield one
    for path in bare:
        click.echo(f"{path}: no pictures or videos there.", err=True)


def _is_local(entry: EngineEntry) -> bool:
    return entry.engine is None or entry.engine.capabilities.local


def _agreed(
    built: Core, paid: Sequence[EngineEntry], sources: Iterator[Picture]
) -> Iterator[Picture]:
    """Say what it would cost, and leave unless the answer is yes. Raises `RequestError`."""
    if not paid:
        return sources
    pictures = list(sources)
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
    return iter(pictures)


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
