"""The service as a program: gunicorn, one process with threads unless more are asked for."""

import socket
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from tigertag.errors import RequestError, TigerTagError
from tigertag.web.app import create_app

_THREADS = 16
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


def _end_with_the_terminal(arbiter: Any) -> None:
    """A terminal that is closed sends SIGHUP, which gunicorn would take for `reload`."""
    arbiter.handle_hup = arbiter.handle_term


def _check_free(host: str, port: int) -> None:
    """Raises `RequestError` when the address cannot be listened at."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[0][4])
    except OSError as exc:
        raise RequestError(
            f"{host}:{port} cannot be listened at ({exc.strerror}); set HOST and PORT, or give"
            " --host and --port."
        ) from exc


def serve(host: str, port: int, *, processes: int = 1) -> None:
    """Serve until interrupted. Raises `RequestError` when the address is taken."""
    _check_free(host, port)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = {
        "bind": address,
        "workers": processes,
        "worker_class": "gthread",
        "threads": _THREADS,
        "graceful_timeout": _STOP_S,
        "control_socket_disable": True,
        # Whom to believe is TIGERTAG_TRUSTED_PROXIES' business alone.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "on_starting": _end_with_the_terminal,
        "proc_name": "tigertag",
    }
    _Server(options).run()
