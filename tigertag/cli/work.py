"""`tigertag work`: the process that works on scans for a service."""

import os
import sys
from threading import Thread

import click

from tigertag.cli.session import core
from tigertag.scan.worker import Workshop


@click.command()
@click.option("--nice", type=click.IntRange(0, 19), default=0, help="How much to stand back.")
def work(nice: int) -> None:
    """Work on the scans that were started in the dashboard or over REST, until end of input.

    One such process works for a home; `tigertag serve` starts it by itself.
    """
    os.nice(nice)
    with core() as built:
        shop = Workshop(built)
        Thread(target=_listen, args=(shop,), daemon=True).start()
        if not shop.run():
            click.echo("Another process works on the scans of this home.", err=True)


def _listen(shop: Workshop) -> None:
    """A line wakes the workshop, the end of input stops it."""
    for _line in sys.stdin:
        shop.wake()
    shop.stop()
