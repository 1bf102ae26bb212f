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
    "tag": "tigertag.cli.tag:tag",
    "scan": "tigertag.cli.scan:scan",
    "forecast": "tigertag.cli.forecast:forecast",
    "apply": "tigertag.cli.scan:apply",
    "undo": "tigertag.cli.scan:undo",
    "resume": "tigertag.cli.scan:resume",
    "pause": "tigertag.cli.scan:pause",
    "cancel": "tigertag.cli.scan:cancel",
    "scans": "tigertag.cli.listings:scans",
    "show": "tigertag.cli.listings:show",
    "problems": "tigertag.cli.problems:problems",
    "engines": "tigertag.cli.engines:engines",
    "libraries": "tigertag.cli.listings:libraries",
    "use": "tigertag.cli.use:use",
    "departures": "tigertag.cli.use:departures",
    "faces": "tigertag.cli.faces:faces",
    "genre": "tigertag.genres.cli:genre",
    "rules": "tigertag.cli.rules:rules",
    "tombstones": "tigertag.cli.rules:tombstones",
    "serve": "tigertag.cli.serve:serve",
    "work": "tigertag.cli.work:work",
    "password": "tigertag.cli.password:password",
    "db": "tigertag.cli.db:db",
}
_HELP = {
    "tag": "Print tags for pictures and videos; write nothing.",
    "scan": "Go through a library: a preview, or with --apply tags.",
    "forecast": "Count what a scan would ask and cost.",
    "apply": "Write what a preview decided.",
    "undo": "Take back what a scan wrote.",
    "resume": "Go on with a scan.",
    "pause": "Pause a scan.",
    "cancel": "End a scan; what it did is kept.",
    "scans": "List the newest scans.",
    "show": "Show what a scan decided, and why.",
    "problems": "List items that have problems; ignore some.",
    "engines": "List the engines; with --check, try each one.",
    "libraries": "List the libraries and their sections.",
    "use": "Show what engines took, this month and by day.",
    "departures": "List the pictures that left this machine.",
    "faces": "Check, enrol and list the faces to know.",
    "genre": "Train, evaluate and predict genres.",
    "rules": "Block, allow and rename words, set thresholds.",
    "tombstones": "Tags that you took off, and that stay off.",
    "serve": "Serve the dashboard and REST.",
    "work": "Work on the scans that were started elsewhere.",
    "password": "Set the dashboard's password, or a new key for REST.",
    "db": "Look after the database.",
}


class Lazy(click.Group):
    """Loads a command when it is called: `tigertag --help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_HELP.items()))

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
            reason = f"TigerTag ran into a bug of its own ({type(exc).__name__}), see above."
            raise click.ClickException(f"{reason} What was committed is kept.") from exc


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tigertag")
def main() -> None:
    """TigerTag looks at your photos and videos and gives them tags.

    It is set up by environment variables; the README lists them.
    """


if __name__ == "__main__":
    sys.exit(main())
