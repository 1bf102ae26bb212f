"""What a line of the log holds, as text or as JSON; no secret is in either."""

import json
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType

from tigertag import bounds
from tigertag.text import without_password

_LONGEST_LINE = 20_000
_ANYWHERE = 12
"""Secrets of so many letters are hidden inside of longer words as well."""
_SHORTEST = 4

_NOTHING: Mapping[str, object] = MappingProxyType({})
_about: ContextVar[Mapping[str, object]] = ContextVar("tigertag_log", default=_NOTHING)


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """Let lines that are logged meanwhile name these ids: `scan`, `engine`, `item`."""
    token = _about.set({**_about.get(), **ids})
    try:
        yield
    finally:
        _about.reset(token)


class Hider:
    """Hides secrets in texts: those it is given, and passwords in URLs."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        # The longest first: one may be part of another.
        words = sorted((word for word in secrets if len(word) >= _SHORTEST), key=len, reverse=True)
        self._secret = re.compile("|".join(map(_pattern, words))) if words else None

    def __call__(self, text: str) -> str:
        hidden = text if self._secret is None else self._secret.sub("***", text)
        return without_password(hidden)


def _pattern(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _ANYWHERE else rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"


class TextLines(logging.Formatter):
    """Text; a traceback goes on in lines that begin with a space, so no event looks like two."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._hide = Hider(secrets)

    def formatMessage(self, record: logging.LogRecord) -> str:
        ids = " ".join(f"{name}={value}" for name, value in _about.get().items())
        return super().formatMessage(record) + (f" [{ids}]" if ids else "")

    def format(self, record: logging.LogRecord) -> str:
        text = self._hide(bounds.cut(super().format(record), _LONGEST_LINE))
        return "\n    ".join(text.splitlines())


class JsonLines(logging.Formatter):
    """An object a line: time (UTC), level, logger, message, ids, and the traceback of a bug."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        super().__init__()
        self._hide = Hider(secrets)

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        event = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._text(record.getMessage()),
            **_about.get(),
        }
        if record.exc_info:
            event["exception"] = self._text(self.formatException(record.exc_info))
        return json.dumps(event, ensure_ascii=False, default=str)

    def _text(self, text: str) -> str:
        return self._hide(bounds.cut(text, _LONGEST_LINE))
