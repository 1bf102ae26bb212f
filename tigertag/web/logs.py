"""The log of servers: the addresses that they name may hold a hook's token."""

import logging
import re

_TOKEN = re.compile(r"(/hooks/)[^\s/?\"']+")
_SERVERS = ("gunicorn.error", "gunicorn.access", "werkzeug")


class _WithoutTokens(logging.Filter):
    """Takes the tokens out of all lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            line = record.getMessage()
        except Exception:
            # The handlers report it; nothing of it is kept.
            return True
        if "/hooks/" in line:
            record.msg, record.args = _TOKEN.sub(r"\1***", line), ()
        return True


_without_tokens = _WithoutTokens()


def hide_tokens() -> None:
    """Let no server that serves the application log a hook's token. Idempotent."""
    for name in _SERVERS:
        logging.getLogger(name).addFilter(_without_tokens)
