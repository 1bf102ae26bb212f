"""What came of a scan, in a few lines, and by which code the command leaves."""

import sys

import click

from tigertag.cli.main import SOME_FAILED
from tigertag.core import Core
from tigertag.scan import left_out
from tigertag.services import browsing
from tigertag.services.scans import Status
from tigertag.text import about, count, printable


def report(built: Core, status: Status) -> None:
    """Say what came of the scan, and leave with an honest exit code."""
    scan = status.scan
    if scan.is_forecast:
        click.echo(f"Forecast {scan.id} of {scan.section.called}: {scan.state}.")
        sys.exit(0 if scan.state == "done" else 1)
    click.echo(
        f"Scan {scan.id} ({scan.kind}, {scan.mode}, {scan.write}) of {scan.section.called}:"
        f" {'it waits' if _is_waiting(status) else scan.state}."
    )
    click.echo(_counts(status))
    lines = (*_failed(built, status), *_problems(status), *_left_out(status), *_told(status))
    for line in lines:
        click.echo(line)
    if scan.state != "done" and not _is_waiting(status):
        sys.exit(1)
    if status.failed or status.waiting or status.waits:
        sys.exit(SOME_FAILED)


def waits(status: Status) -> list[str]:
    """What the scan waits for, and when it goes on."""
    lines = [
        f"  {line}" if line.startswith("waiting ") else f"  {engine}: {line}"
        for engine, line in status.waits.items()
    ]
    if status.due_at is not None:
        lines.append(f"  It goes on at {status.due_at.astimezone():%H:%M on %-d %B %Y}.")
    return lines


def _is_waiting(status: Status) -> bool:
    """Whether all that is left waits, and nobody has paused it."""
    return status.scan.state in ("running", "waiting") and bool(status.waits)


def _counts(status: Status) -> str:
    scan, wrote = status.scan, status.scan.write == "apply"
    return (
        f"  {count(scan.listed, 'item')}, {scan.unchanged} unchanged, {status.done} done,"
        f" {status.failed} failed; {count(status.asked, 'answer')};"
        f" {count(status.adds, 'tag')} {'added' if wrote else 'to add'},"
        f" {status.removes} {'removed' if wrote else 'to remove'}."
    )


def _failed(built: Core, status: Status) -> list[str]:
    """Which items failed, and what becomes of them."""
    if not status.failed:
        return []
    scan = status.scan
    lines = [f"  failed: {called}: {reason}" for called, reason in status.failures]
    if status.failed > len(status.failures):
        more = status.failed - len(status.failures)
        lines.append(f"  … and {more} more; `tigertag show {scan.id}` lists them.")
    if scan.kind in ("undo", "redo"):
        return [*lines, f"  `tigertag undo {scan.source_id}` tries them again."]
    return [*lines, f"  {_again(status.failed, len(browsing.given_up(built, scan.id)))}"]


def _problems(status: Status) -> list[str]:
    """What earlier scans could not do, and still stands: this one may have passed it over."""
    if not status.problems or (status.failed and status.problems == status.failed):
        return []
    have = "item still has a problem" if status.problems == 1 else "items still have problems"
    return [f"  {status.problems} {have}; `tigertag problems` shows why."]


def _left_out(status: Status) -> list[str]:
    return [f"  left out: {printable(left_out.said(one))}" for one in status.left_out]


def _again(failed: int, given_up: int) -> str:
    """Say what the next scan does with what failed, or failed for good."""
    tried = failed - given_up
    if not given_up:
        return "The next scan tries what failed again."
    left = f"leaves {given_up} of them out" if tried else "leaves what failed out"
    again = f"tries {tried} of them again and " if tried else ""
    return f"The next scan {again}{left} while the files are as they are; --force does not."


def _told(status: Status) -> list[str]:
    """What else the user should know."""
    scan, lines = status.scan, []
    for engine, reason in status.waiting.items():
        if engine not in status.waits:
            lines.append(f"  engine {engine} could not go on; a later scan asks it: {reason}")
    if status.left_alone:
        bear = "it bears" if status.left_alone == 1 else "they bear"
        left = count(status.left_alone, "item")
        lines.append(f"  {left} left alone: {bear} one of SKIP_TAGS.")
    lines += [
        f"  {engine} was spared {count(saving.items, 'item')}: {_saved(saving.cost_usd)}."
        for engine, saving in status.spared.items()
    ]
    if not scan.active:
        lines += waits(status)
    if _is_waiting(status):
        lines += waits(status)
        lines.append(
            f"  The service goes on by itself; without it, `tigertag resume {scan.id}` does."
        )
    elif scan.is_preview and (status.adds or status.removes):
        lines.append(f"  Nothing was written; `tigertag apply {scan.id}` writes it.")
    return lines


def _saved(cost_usd: float | None) -> str:
    return "what that saved is not known" if cost_usd is None else f"{about(cost_usd)} less"
