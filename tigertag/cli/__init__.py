"""The command line: `tigertag …`."""

from tigertag.cli.main import main

__all__ = ["main"]
