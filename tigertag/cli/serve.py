"""`tigertag serve`: the dashboard and REST, and the scans that are started there."""

import click

from tigertag import settings
from tigertag.web import server


@click.command()
@click.option("--host", help="The address to listen at.  [HOST; 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to listen at.  [PORT; 5000]")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="How many."
)
def serve(host: str | None, port: int | None, processes: int) -> None:
    """Serve the dashboard and REST until interrupted."""
    read = settings.load()
    server.serve(host or read.host, port or read.port, processes=processes)
