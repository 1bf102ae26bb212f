"""The command `tigertag` and its exit codes.

0: done. 1: it could not be done. 2: the command was misspelt. 3: done, but some items failed or
wait for an engine. 130: interrupted.
"""

import importlib
import logging
import sys
from typing import Any

import click

from tigertag import __version__
from tigertag.errors import TigerTagError
from tigertag.text import printable

SOME_FAILED = 3
INTERRUPTED = 130

_COMMANDS = {
    "tag": ("cli.tag", "Print tags for pictures and videos; write nothing."),
    "scan": ("cli.scan", "Scan a library: a preview, or with --apply tags."),
    "forecast": ("cli.scan", "Count what a scan would send to engines, and its cost."),
    "apply": ("cli.scan", "Write what a preview decided."),
    "undo": ("cli.scan", "Undo what a scan wrote."),
    "resume": ("cli.scan", "Resume a scan."),
    "pause": ("cli.scan", "Pause a scan."),
    "cancel": ("cli.scan", "End a scan; what it did is kept."),
    "scans": ("cli.listings", "List the newest scans."),
    "show": ("cli.listings", "Show what a scan decided, and why."),
    "problems": ("cli.listings", "List items that have problems; retry or ignore some."),
    "review": ("cli.listings", "List doubtful decisions, the most useful to look at first."),
    "status": ("cli.system", "Show what runs, and what needs attention."),
    "overview": ("cli.system", "Show what was processed, failed, written and spent."),
    "events": ("cli.system", "List what happened."),
    "engines": ("cli.engines", "List the engines; with --check, try each one."),
    "models": ("cli.models", "List, fetch, verify and remove models."),
    "libraries": ("cli.listings", "List the libraries and their sections."),
    "use": ("cli.engines", "Show usage and cost of this month, and by day."),
    "egress": ("cli.engines", "List the pictures sent to other services."),
    "faces": ("cli.engines", "Check, enrol and list the faces to recognize."),
    "genre": ("genres.cli", "Train, evaluate and predict genres."),
    "rules": ("cli.rules", "Block, allow and rename tags, set thresholds."),
    "schedules": ("cli.schedules", "Start scans by themselves, at set times."),
    "hooks": ("cli.hooks", "Addresses where other programs announce what is new."),
    "tombstones": ("cli.rules", "Tags that you removed, and that stay off."),
    "notify": ("cli.notify", "List and test the channels for notices."),
    "serve": ("cli.admin", "Serve the dashboard and REST."),
    "work": ("cli.admin", "Work on the scans of the dashboard and REST."),
    "worker": ("cli.worker", "Work on scans of a service on another machine."),
    "workers": ("cli.workers", "List, drain and resume the workers."),
    "password": ("cli.admin", "Set the dashboard's password, or a new key for REST."),
    "logs": ("cli.support", "Print what the service has logged."),
    "support-bundle": ("cli.support", "Write a ZIP file for support, without secrets."),
    "backup": ("cli.backups", "Make, list, verify and restore backups."),
    "db": ("cli.admin", "Look after the database."),
    "prune": ("cli.history", "Drop history that is older than KEEP_DAYS."),
}
_OLD_NAMES = {"departures": "egress"}


class Lazy(click.Group):
    """Loads a command when it is called: `tigertag --help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = _OLD_NAMES.get(cmd_name, cmd_name)
        if name not in _COMMANDS:
            return None
        module, _help = _COMMANDS[name]
        command = getattr(importlib.import_module(f"tigertag.{module}"), name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_module, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except TigerTagError as exc:
            raise click.ClickException(printable(str(exc))) from exc
        except (click.exceptions.Exit, click.Abort, click.ClickException, BrokenPipeError):
            raise
        except Exception as exc:
            logging.getLogger(__name__).exception("a bug")
            reason = f"TigerTag hit a bug ({type(exc).__name__}), see above."
            raise click.ClickException(f"{reason} Committed results are kept.") from exc


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tigertag")
def main() -> None:
    """TigerTag looks at your photos and videos and gives them tags.

    It is set up by environment variables; the README lists them.
    """


if __name__ == "__main__":
    sys.exit(main())
