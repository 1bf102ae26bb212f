"""The service's processes: gunicorn with the application, and a worker for scans."""

import logging
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any
from uuid import uuid4

from flask import Flask
from gunicorn.app.base import BaseApplication

from tigertag import bootstrap, settings
from tigertag.errors import RequestError, TigerTagError
from tigertag.scan.worker import home_lock
from tigertag.services import lifecycle
from tigertag.web import state
from tigertag.web.app import create_app

logger = logging.getLogger(__name__)

_THREADS = 16
_STOP_S = 15
_CANNOT_START = 4

_NICENESS = 10
_CHECK_EVERY_S = 1.0
_RESTART_AFTER_S = 3.0
_STOP_WORKER_S = 10.0


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._run = uuid4().hex
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return application(self._run)


def application(run: str = "") -> Flask:
    """Make the application from the settings; on an error print one line and exit.

    `run` is the same in all processes of one start of the service; without it, as under another
    server than ours, no start is recorded.

    Gunicorn starts no other process after one that exits with code 4 (its APP_LOAD_ERROR).
    """
    try:
        read = settings.load()
        settings.homes.check(read.home)
        bootstrap.log(read, "web")
        core = bootstrap.build(read)
        app = create_app(core, read.web, WorkerProcess(core.home))
        if run:
            lifecycle.started(core, run)
        return app
    except TigerTagError as exc:
        print(f"TigerTag cannot start: {exc}", file=sys.stderr, flush=True)
        sys.exit(_CANNOT_START)


def _note_stop(_arbiter: Any) -> None:
    """Record that the service has ended, when its processes have."""
    with suppress(TigerTagError):
        lifecycle.stopped(bootstrap.build(settings.load()))


def _end_streams_with(worker: Any) -> None:
    """Let streams of events end when their process is to end: it waits for its requests."""
    state.of(worker.wsgi).event_streams.end_unless(lambda: bool(worker.alive))


def _end_with_the_terminal(arbiter: Any) -> None:
    """End on SIGHUP, which a closing terminal sends: gunicorn would reload."""
    arbiter.handle_hup = arbiter.handle_term


def _check_free(host: str, port: int) -> None:
    """Raises `RequestError` if nothing can listen on the address."""
    try:
        (family, *_others, address), *_more = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        raise RequestError(
            f"Cannot listen on {host}:{port} ({exc.strerror}); set HOST and PORT, or use"
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
        # TIGERTAG_TRUSTED_PROXIES alone decides which proxies are trusted.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "on_starting": _end_with_the_terminal,
        "post_worker_init": _end_streams_with,
        "on_exit": _note_stop,
        "proc_name": "tigertag",
    }
    _Server(options).run()


class WorkerProcess:
    """Keeps one `tigertag work` alive for a home, among all processes of the service.

    It is a process of its own, and a nicer one: pages answer while a scan uses the whole machine.
    It ends when its pipe closes, so it ends too when this process is killed.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._stopping = Event()
        self._guard = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._supervise, name="tigertag-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Make it look for a scan now; the worker of another process looks within a second."""
        with self._guard, suppress(OSError, ValueError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(b"\n")

    def stop(self) -> None:
        """Let it release its scan, and end."""
        self._stopping.set()
        with self._guard:
            process = self._process
        if process is not None:
            _end(process)
        if self._thread.is_alive():
            self._thread.join(_STOP_WORKER_S)

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            with home_lock(self._home) as free:
                pass
            if free and not self._stopping.is_set():
                code = self._run()
                if not self._stopping.is_set() and code:
                    logger.error("the scan worker ended with code %s", code)
                    self._stopping.wait(_RESTART_AFTER_S)
            self._stopping.wait(_CHECK_EVERY_S)

    def _run(self) -> int:
        command = [sys.executable, "-m", "tigertag", "work", "--nice", str(_NICENESS)]
        with self._guard:
            # A session of its own: Ctrl-C goes to the service alone, which then ends it in order.
            process = self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, bufsize=0, start_new_session=True
            )
        try:
            return process.wait()
        finally:
            with self._guard:
                self._process = None
            if process.stdin is not None:
                process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_STOP_WORKER_S)
    except subprocess.TimeoutExpired:
        process.kill()
