"""Commands of TigerTag in processes that are forked, so that they start in milliseconds.

A line of JSON each on standard input: the environment, the arguments, the file of the log; the
process id, a line each on standard output.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tigertag.cli import main as cli
from tigertag.engines import imagga, openai
from tigertag.libraries import folder, plex
from tigertag.scan import cluster_worker

IMPORTED = (imagga, openai, folder, plex, cluster_worker)


class Spawner:
    """This module in a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def spawn(self, environment: Mapping[str, str], words: Sequence[str], log: Path) -> int:
        """Start a command; return its process id, which is its process group's, too."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps([dict(environment), list(words), str(log)])
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def spawner() -> Iterator[Spawner]:
    command = [sys.executable, "-m", "bench.spawned"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Spawner(process)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        environment, words, log = json.loads(line)
        process = os.fork()
        if process == 0:
            _become(environment, words, log)
        print(process, flush=True)


def _become(environment: dict[str, str], words: list[str], log: str) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(environment)
    with open(log, "ab", buffering=0) as out, open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    try:
        cli.main(words, prog_name="tigertag")
    except SystemExit as exc:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exc.code if isinstance(exc.code, int) else 1)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
