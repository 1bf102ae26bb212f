"""`tigertag logs|support-bundle`: what the service has logged, and a bundle for support."""

import time
from pathlib import Path
from typing import cast

import click

from tigertag.cli.session import core
from tigertag.errors import RequestError, os_reason
from tigertag.logs import ROLES, Role
from tigertag.services import logs as log_service
from tigertag.services import support

_LOOK_S = 0.5


@click.command()
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="web",
    show_default=True,
    help="web: the dashboard and REST. work: scans and background tasks.",
)
@click.option(
    "--lines",
    type=click.IntRange(1, log_service.MOST_LINES),
    default=100,
    show_default=True,
    help="How many of the last lines.",
)
@click.option("--follow", is_flag=True, help="Go on with each new line until interrupted.")
def logs(role: str, lines: int, *, follow: bool) -> None:
    """Print the last lines that the service has logged."""
    with core(database=False) as built:
        part = log_service.tail(built, cast(Role, role), lines)
        if not part.lines and not follow:
            click.echo(f"Nothing is logged in {log_service.path(built, part.role)}.", err=True)
        while True:
            for line in part.lines:
                click.echo(line)
            if not follow:
                return
            time.sleep(_LOOK_S)
            part = log_service.since(built, part.role, part.offset)


@click.command("support-bundle")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def support_bundle(file: Path | None) -> None:
    """Write a ZIP file for support: versions, settings, health, counts, events and logs.

    Secrets and the names of pictures and videos are left out. FILE is named after the time if it
    is left out.
    """
    path = file or Path(support.file_name())
    with core(database=False) as built:
        try:
            with path.open("wb") as stream:
                support.bundle(built, stream)
        except OSError as exc:
            raise RequestError(
                f"The bundle cannot be written to {path}: {os_reason(exc)}; choose another file."
            ) from exc
    click.echo(f"Written to {path}. Look through it before you pass it on.", err=True)
