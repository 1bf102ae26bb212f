"""`tigertag worker`: this machine works on scans of a service on another one.

Only what is needed is imported: `--healthy` is run every few seconds.
"""

import re
import signal
import socket
import sys

import click

from tigertag import settings
from tigertag.errors import RequestError
from tigertag.model import QUEUES, Queue
from tigertag.services import workers
from tigertag.text import did_you_mean

_NO_BROKER = "Set TIGERTAG_BROKER_URL to the service's Redis or RabbitMQ first."


@click.command()
@click.option(
    "--queues",
    default="default,video,paid",
    show_default=True,
    help="Which queues it serves: default, video, paid, gpu.",
)
@click.option("--concurrency", type=click.IntRange(1, 256), help="Threads.  [TIGERTAG_WORKERS]")
@click.option("--name", default="", help="Its name among the workers.  [HOST-PID]")
@click.option("--healthy", is_flag=True, help="Only exit with 0 if one runs here, else with 1.")
def worker(queues: str, concurrency: int | None, name: str, *, healthy: bool) -> None:
    """Work on the scans of a service on another machine, as TIGERTAG_BROKER_URL gives them out.

    It needs the service's settings, database and broker, and reaches the libraries itself. SIGTERM
    lets it give back what it is at.
    """
    if healthy:
        _check_health(name)
        return
    from tigertag.cli.session import core
    from tigertag.scan.cluster_worker import ClusterWorker
    from tigertag.services.preparing import Preparation

    # Until Celery takes the signal over: one that ends while it starts leaves no row behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = _queues(queues)
    if not re.fullmatch(r"[\w.@-]{0,100}", name, re.ASCII):
        raise click.BadParameter("--name takes up to 100 letters, digits and . _ @ - only.")
    with core(role="work", migrates=False, workers=concurrency) as built:
        if not built.is_clustered:
            raise RequestError(_NO_BROKER)
        prepare = Preparation(built).lacking
        ClusterWorker(built, queues=wanted, name=name, prepare=prepare).run()


def _check_health(name: str) -> None:
    """Exit with 1 unless this host's worker, or the one of this name, was heard of lately."""
    host = socket.gethostname()[:128]
    read = settings.load()
    if not read.broker_url:
        raise RequestError(_NO_BROKER)
    if not workers.is_healthy(read.db_url, name=name, host=host):
        which = f"Worker {name} has not" if name else "No worker of this host has"
        click.echo(f"{which} been heard of in the last 15 s; see its log.", err=True)
        sys.exit(1)


def _queues(names: str) -> tuple[Queue, ...]:
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted or [""]:
        if name not in QUEUES:
            known = f"The queues are {', '.join(QUEUES)}."
            if not name:
                raise click.BadParameter(f"--queues names none. {known}")
            raise click.BadParameter(
                f"There is no queue {name!r}{did_you_mean(name, QUEUES)} {known}"
            )
    return tuple(queue for queue in QUEUES if queue in wanted)
