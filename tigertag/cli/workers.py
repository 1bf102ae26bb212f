"""`tigertag workers [drain|resume NAME]`: who works on scans, on which machines."""

import json
import sys
from dataclasses import asdict
from datetime import datetime

import click
from rich.table import Table

from tigertag.cli.session import core, print_table, say
from tigertag.services import workers as service
from tigertag.services.workers import Workers, WorkerView
from tigertag.text import count, printable

_NOBODY = 1


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print an object: workers, queues, problem.")
@click.option("--check", is_flag=True, help="Exit with 1 if work is due that nobody can do.")
@click.pass_context
def workers(ctx: click.Context, *, as_json: bool, check: bool) -> None:
    """List the workers, what each is at, and what waits for them."""
    if ctx.invoked_subcommand is not None:
        return
    with core() as built:
        shown = service.overview(built)
    if check:
        _check(shown)
    elif as_json:
        click.echo(json.dumps(asdict(shown), default=_as_text))
    else:
        _print(shown)


def _as_text(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def _check(shown: Workers) -> None:
    """Print the queues that have no worker, for monitoring; exit with 1 if there are any."""
    for line in _problems(shown):
        say(line)
    if not shown.is_clustered:
        say(shown.problem)
    elif shown.problem or shown.unserved:
        sys.exit(_NOBODY)


def _problems(shown: Workers) -> list[str]:
    if not shown.is_clustered:
        return []
    stuck = [
        f"Nobody for the queue {queue.queue}: {count(queue.waiting, 'chunk')} of scan"
        f" {queue.scan_id} of {queue.section}. {queue.problem}"
        for queue in shown.unserved
    ]
    return stuck or [shown.problem] * bool(shown.problem)


def _print(shown: Workers) -> None:
    if not shown.is_clustered:
        say(shown.problem)
        return
    table = Table("worker", "host", "state", "queues", "at work on", "items/s", "seen", box=None)
    for worker in shown.workers:
        table.add_row(*map(printable, _row(worker)))
    print_table(table, empty="No worker; run `tigertag worker` on any machine.")
    for worker in shown.workers:
        for refusal in worker.refusals:
            say(f"{worker.name} refuses scan {refusal.scan_id}: {refusal.reason}")
    for queue in shown.queues:
        if not queue.problem:
            able = count(queue.workers, "worker")
            waiting = count(queue.waiting, "chunk")
            say(f"Queue {queue.queue}: {waiting} of scan {queue.scan_id} for {able}")
    for line in _problems(shown):
        say(line)


def _row(worker: WorkerView) -> tuple[str, ...]:
    jobs = [f"scan {job.scan_id}, {count(job.items, 'item')}" for job in worker.jobs]
    return (
        worker.name,
        worker.host,
        worker.state,
        ",".join(worker.queues),
        "; ".join(jobs) or "-",
        f"{worker.items_s:.1f}",
        f"{worker.seen_s:.0f} s ago",
    )


@workers.command()
@click.argument("name")
def drain(name: str) -> None:
    """Let worker NAME end what it is at, take nothing more, and stop."""
    with core() as built:
        worker = service.drain(built, name)
    say(f"{worker.name} ends what it is at ({count(len(worker.jobs), 'chunk')}), and stops.")


@workers.command()
@click.argument("name")
def resume(name: str) -> None:
    """Let worker NAME go on that is being drained and has not stopped yet."""
    with core() as built:
        worker = service.resume(built, name)
    say(f"{worker.name} takes work again.")
