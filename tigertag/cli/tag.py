"""`tigertag tag`: tags for files and folders, printed and nothing else."""

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from tigertag.cli.main import SOME_FAILED
from tigertag.cli.session import core
from tigertag.errors import RequestError
from tigertag.model import Tag
from tigertag.services import tagging
from tigertag.services.tagging import Tagged


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--engine", "engines", multiple=True, help="Ask this engine (more than once: several)."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object a line, as it is ready."
)
def tag(paths: tuple[Path, ...], engines: tuple[str, ...], as_json: bool) -> None:
    """Print tags for pictures and folders of pictures; write nothing.

    Asks local engines only; one that sends pictures away has to be named with --engine.
    """
    with core(database=False) as built:
        chosen = tagging.local_engines(built, engines)
        if not chosen:
            raise RequestError("No local engine can be used; `tigertag engines` says why.")
        failed = 0
        with closing(tagging.tag(built, chosen, tagging.pictures(built, paths))) as results:
            for result in results:
                failed += bool(result.errors)
                (_print_json if as_json else _print_row)(result)
    if failed:
        sys.exit(SOME_FAILED)


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
