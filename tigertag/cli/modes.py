"""The options that say which items a scan looks at: one of them at most."""

import click

_TWO = "--{} and --{} cannot be said together; nothing was started. Choose one."


class Misspelt(click.ClickException):
    """The command makes no sense. The message is one line."""

    exit_code = 2


def chosen(**said: bool) -> str:
    """Return the mode whose option was said. Raises `Misspelt` for two."""
    modes = [mode for mode, is_said in said.items() if is_said]
    if len(modes) > 1:
        raise Misspelt(_TWO.format(*modes))
    return modes[0] if modes else "changed"
