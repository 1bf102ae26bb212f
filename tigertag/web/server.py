"""The service as a program: gunicorn, one process with threads unless more are asked for."""

import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from tigertag.errors import TigerTagError
from tigertag.web.app import create_app

_THREADS = 8
_STOP_S = 15
_CANNOT_START = 4


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in each process of its own."""
        return application()


def application() -> Flask:
    """Make the application; leave with one line when it cannot be.

    Gunicorn starts no other process after one that left with the code 4 (its APP_LOAD_ERROR).
    """
    try:
        return create_app()
    except TigerTagError as exc:
        print(f"TigerTag cannot start: {exc}", file=sys.stderr, flush=True)
        sys.exit(_CANNOT_START)


def serve(host: str, port: int, *, processes: int = 1) -> None:
    """Serve until interrupted."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = {
        "bind": address,
        "workers": processes,
        "worker_class": "gthread",
        "threads": _THREADS,
        "graceful_timeout": _STOP_S,
        "control_socket_disable": True,
        "proc_name": "tigertag",
    }
    _Server(options).run()
