"""`tigertag notify list|test`: channels for notices."""

import json
import sys

import click
from rich.table import Table

from tigertag.cli.session import console, core, print_table, say
from tigertag.services import channels
from tigertag.services.channels import ChannelView


@click.group()
def notify() -> None:
    """Channels for notices, and what was sent to them."""


@notify.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line: the channels.")
def list_channels(*, as_json: bool) -> None:
    """List the channels, what is wrong now, and the newest notices."""
    with core() as built:
        view = channels.overview(built)
        timezone = built.timezone
    if as_json:
        for channel in view.channels:
            click.echo(json.dumps(_as_object(channel)))
        return
    table = Table("channel", "notices", "summary", "waiting", "state", box=None)
    for channel in view.channels:
        on, digest = ", ".join(channel.on) or "none", channel.digest or "-"
        table.add_row(channel.id, on, digest, str(channel.waiting), channel.problem or "ready")
    print_table(table, empty="No channel is set up; set NOTIFY_<X>_URL.")
    for condition in view.conditions:
        since = condition.since.astimezone(timezone)
        say(f"Wrong since {since:%Y-%m-%d %H:%M}: {condition.title}")
    if view.notices:
        newest = Table("at", "channel", "notice", "state", box=None)
        for row in view.notices:
            at, problem = row.created_at.astimezone(timezone), row.problem and f": {row.problem}"
            newest.add_row(f"{at:%Y-%m-%d %H:%M}", row.channel, row.title, f"{row.state}{problem}")
        console.print(newest)


def _as_object(channel: ChannelView) -> dict[str, object]:
    return {
        "id": channel.id,
        "on": list(channel.on),
        "digest": channel.digest,
        "problem": channel.problem,
        "waiting": channel.waiting,
    }


@notify.command()
@click.argument("channel", required=False, default="")
def test(channel: str) -> None:
    """Send a test to CHANNEL, or to all that are set up."""
    with core() as built:
        results = channels.try_out(built, channel)
    for result in results:
        say(f"{result.channel}: {result.problem or 'sent'}")
    if any(result.problem for result in results):
        sys.exit(1)
