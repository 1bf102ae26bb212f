"""A fake server as a process of its own."""

import json
import signal
import sys
from collections.abc import Callable
from threading import Event

from tests.wire import FakeServer


def ending() -> Event:
    """Return what is set by SIGTERM or Ctrl-C."""
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_told: ended.set())
    return ended


def serve(server: FakeServer, ended: Event, *, ready: str, told: Callable[[], object]) -> int:
    """Print `ready`, serve until the end, print what was `told` as JSON; return the exit status.

    It is 1 if the server was asked what nobody asks it.
    """
    try:
        with server:
            print(ready, flush=True)
            ended.wait()
    except AssertionError as exc:
        print(exc, file=sys.stderr)
        return 1
    finally:
        print(json.dumps(told()), flush=True)
    return 0
