"""TigerTag as a service in a process of its own, asked over REST; it can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from tests.free_port import free_port

KEY = "k" * 32
_CHECKOUT = Path(__file__).parents[1]
_FINAL = ("done", "failed", "cancelled")


class Served:
    """A service with a home. Its REST raises `AssertionError` for what is not answered well."""

    def __init__(
        self,
        home: Path,
        settings: Mapping[str, str],
        *,
        command: Sequence[str] = ("-m", "tigertag", "serve"),
    ) -> None:
        self.home = home
        self._command = command
        self.url = f"http://127.0.0.1:{free_port()}"
        self.session = requests.Session()
        self.session.headers["X-Api-Key"] = KEY
        self._settings = {
            "TIGERTAG_HOME": str(home),
            "TIGERTAG_API_KEY": KEY,
            "PORT": self.url.rpartition(":")[2],
            "GUNICORN_CMD_ARGS": f"--bind {self.url.removeprefix('http://')}",
            "LOG_LEVEL": "WARNING",
            **settings,
        }

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._command],
                cwd=_CHECKOUT,
                env=os.environ | self._settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, (self.home / "log").read_text()[-2000:]
            assert time.monotonic() < until
            time.sleep(0.05)

    def _answers(self) -> bool:
        with suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/healthz", timeout=30).ok
        return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    @contextmanager
    def running(self) -> Iterator["Served"]:
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def kill(self, *, only_worker: bool = False) -> None:
        """kill -9 all of its processes, or the one alone that works on scans."""
        for process in self.workers() if only_worker else self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if not only_worker:
            self._process.wait()

    def workers(self) -> list[int]:
        """Those of its processes that work on scans."""
        return [process for process in self.processes() if _is_worker(process)]

    def processes(self) -> list[int]:
        mark = f"TIGERTAG_HOME={self.home}".encode()
        found = []
        for path in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                if mark in (path / "environ").read_bytes().split(b"\0"):
                    found.append(int(path.name))
        return found

    def ask(self, method: str, path: str, **body: Any) -> Any:
        url = f"{self.url}/api/v1/{path}"
        answer = self.session.request(method, url, json=body or None, timeout=60)
        assert answer.ok, (method, path, answer.status_code, answer.text)
        return answer.json()

    def ended(self, scan: Mapping[str, Any]) -> Any:
        """Wait for the end of a scan."""
        while scan["state"] not in _FINAL:
            time.sleep(0.05)
            scan = self.ask("GET", f"scans/{scan['id']}")
        return scan


def _is_worker(process: int) -> bool:
    with suppress(OSError):
        return b"work" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    return False
