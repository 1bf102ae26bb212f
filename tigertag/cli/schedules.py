"""`tigertag schedules`: scans that the service starts by itself."""

from datetime import datetime, tzinfo

import click
from rich.table import Table

from tigertag.cli.session import core, print_table, say
from tigertag.services import schedule_changes
from tigertag.services import schedules as service
from tigertag.services.schedules import ScheduleView
from tigertag.settings import ScheduleSettings
from tigertag.settings.model import SCHEDULE_MODES, SCHEDULE_WRITES


@click.group()
def schedules() -> None:
    """Start scans by themselves, at times of a line of cron."""


@schedules.command("list")
def list_schedules() -> None:
    """List the schedules, with their next and last runs."""
    table = Table("schedule", "when", "what", "next", "last", box=None)
    with core() as built:
        views = service.listed(built)
        for view in views:
            table.add_row(view.schedule.id, *_row(view, built.timezone))
    print_table(table, empty="No schedules.")
    for view in views:
        if view.problem:
            say(f"Schedule {view.schedule.id} cannot run: {view.problem}")


def _row(view: ScheduleView, zone: tzinfo) -> tuple[str, str, str, str]:
    schedule = view.schedule
    where = f"{schedule.library}/{schedule.section}" if schedule.section else schedule.library
    what = f"{schedule.write} {schedule.mode} of {where}"
    following = _time(view.next_runs[0], zone) if view.next_runs else "paused"
    last = next((f"{_time(run.due_at, zone)}: {run.outcome}" for run in view.runs), "never")
    return view.words, what, "cannot run" if view.problem else following, last


def _time(time: datetime, zone: tzinfo) -> str:
    return f"{time.astimezone(zone):%-d %b %H:%M}"


_CRON_HELP = "When: minute, hour, day, month, day of the week."
_mode = click.option("--mode", type=click.Choice(SCHEDULE_MODES), help="Default: changed.")
_write = click.option("--write", type=click.Choice(SCHEDULE_WRITES), help="Default: preview.")
_section = click.option("--section", help="Its id or title. Default: every section.")
_engines = click.option("--engine", "engines", multiple=True, help="Only these. Default: all.")


@schedules.command()
@click.argument("name")
@click.argument("cron")
@click.argument("library")
@_section
@_mode
@_write
@_engines
def add(name: str, cron: str, library: str, **options: object) -> None:
    """Add a schedule NAME for LIBRARY. CRON is a line such as "0 2 * * *", every night at two."""
    given = {key: value for key, value in options.items() if value}
    with core() as built:
        new = ScheduleSettings(name, cron, library, **given)  # type: ignore[arg-type]
        saved = schedule_changes.add(built, new)
        _say_when(service.view(built, saved.id))


@schedules.command()
@click.argument("name")
@click.option("--cron", help=_CRON_HELP)
@click.option("--library")
@_section
@_mode
@_write
@_engines
@click.option("--pause/--resume", "paused", default=None, help="Pause it, or let it go on.")
def edit(name: str, paused: bool | None, **options: object) -> None:
    """Change, pause or resume the schedule NAME. `--section ""`: every section again."""
    changes = {key: value for key, value in options.items() if value not in (None, ())}
    if paused is not None:
        changes["enabled"] = not paused
    with core() as built:
        saved = schedule_changes.change(built, name, **changes)
        _say_when(service.view(built, saved.id))


def _say_when(view: ScheduleView) -> None:
    say(f"Schedule {view.schedule.id}: {view.words}{'' if view.schedule.enabled else ', paused'}.")


@schedules.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove the schedule NAME. Scans that it has started stay."""
    with core() as built:
        schedule_changes.remove(built, name)
    click.echo("Removed.")


@schedules.command()
@click.argument("name")
def run(name: str) -> None:
    """Run the schedule NAME now; the service starts its scan once the section is free."""
    with core() as built:
        schedule_changes.run(built, name)
    click.echo("Requested. The running service starts it; see `tigertag scans`.")
