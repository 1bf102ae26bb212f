"""The process that works on scans beside the service: `tigertag work`.

A process of its own, and a nicer one: the pages answer while a scan takes all the machine has.
"""

import logging
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread

from tigertag.scan.worker import alone

logger = logging.getLogger(__name__)

_NICENESS = 10
_LOOK_S = 1.0
_AGAIN_S = 3.0
_STOP_S = 10.0


class Worker:
    """Keeps one such process alive for a home, among all the processes of the service.

    It ends when the pipe to it is closed, and so too when this process is killed.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._stopped = Event()
        self._guard = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._supervise, name="tigertag-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Let it look for a scan now; another process's one looks within a second."""
        with self._guard, suppress(OSError, ValueError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(b"\n")

    def stop(self) -> None:
        """Let it give back what it works on, and end."""
        self._stopped.set()
        with self._guard:
            process = self._process
        if process is not None:
            _end(process)
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def _supervise(self) -> None:
        while not self._stopped.is_set():
            with alone(self._home) as free:
                pass
            if free and not self._stopped.is_set():
                code = self._one()
                if not self._stopped.is_set() and code:
                    logger.error("the process that works on scans ended with %s", code)
                    self._stopped.wait(_AGAIN_S)
            self._stopped.wait(_LOOK_S)

    def _one(self) -> int:
        command = [sys.executable, "-m", "tigertag", "work", "--nice", str(_NICENESS)]
        with self._guard:
            # A session of its own: Ctrl-C is for the service, which then ends it in order.
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
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
