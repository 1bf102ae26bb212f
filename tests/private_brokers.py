"""Redis and RabbitMQ servers of one's own, started from the programs on this machine."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from random import randrange

NUMBERS = 64
"""How many databases, or virtual hosts, a server has: numbers from 0."""

_START_S = 60.0
_STOP_S = 20.0
# It leads a process group, with a process that kills the group once nobody owns the folder.
_LAUNCH = """echo $$ >"$1/pid"
flock --shared "$1/owner" sh -c 'kill -KILL 0' &
shift
exec "$@"
"""
# An epmd of its own, or erl starts one that stays: other nodes of this machine have another.
_RABBITMQ = """epmd -address 127.0.0.1 &
until epmd -names >/dev/null 2>&1; do sleep 0.05; done
exec "$0"
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A broker in a folder; it stays what it is, at the same port, when it is started again."""

    folder: Path
    port: int
    url_format: str
    command: tuple[str, ...]
    hello: bytes
    answer: bytes
    environment: dict[str, str] = field(default_factory=dict)
    flush_command: bytes = b""

    def url(self, number: int = 0) -> str:
        assert number < NUMBERS, f"There are only {NUMBERS} numbers."
        return self.url_format.format(port=self.port, number=number)

    def start(self) -> None:
        """Start it, unless it runs, and wait until it serves."""
        with _locked(self.folder / "lock"):
            if not self.is_running():
                self._launch()
            until = time.monotonic() + _START_S
            while not self._asked(self.hello).startswith(self.answer):
                log = self.folder / "log"
                assert self.is_running(), f"It did not start: {log.read_text()[-2000:]}"
                assert time.monotonic() < until, f"It does not answer: {log.read_text()[-2000:]}"
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in order: what it holds is kept."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it; what it had not written to its disk is lost."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def flush(self) -> None:
        """Lose all messages and queues; clients of Redis stay connected."""
        if self.flush_command:
            assert self._asked(self.flush_command).startswith(b"+OK")
        else:
            self.kill()
            shutil.rmtree(self.folder / "data")
            self.start()

    def is_running(self) -> bool:
        # Its processes inherit the lock; a process id may be a zombie's, or another's by now.
        with (self.folder / "alive").open("a") as alive:
            try:
                flock(alive, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _launch(self) -> None:
        line = ["setsid", "--fork", "sh", "-c", _LAUNCH, "sh", str(self.folder), *self.command]
        with (self.folder / "log").open("ab") as log, (self.folder / "alive").open("a") as alive:
            flock(alive, LOCK_EX)
            subprocess.run(
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
                cwd=self.folder,
                pass_fds=[alive.fileno()],
                check=True,
            )

    def _end(self, number: signal.Signals) -> None:
        while self.is_running():
            with suppress(ProcessLookupError):  # It may end in between.
                os.killpg(int((self.folder / "pid").read_text()), number)
            until = time.monotonic() + _STOP_S
            while self.is_running() and time.monotonic() < until:
                time.sleep(0.02)
            number = signal.SIGKILL

    def _asked(self, request: bytes) -> bytes:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as connection:
                connection.sendall(request)
                return connection.recv(64)
        except OSError:
            return b""


@contextmanager
def private_redis(folder: Path) -> Iterator[Server]:
    """Run a Redis server in a folder of its own."""
    with _running(folder, redis_server) as server:
        yield server


@contextmanager
def private_rabbitmq(folder: Path) -> Iterator[Server]:
    """Run a RabbitMQ server in a folder of its own; it takes about 5 s to start."""
    with _running(folder, rabbitmq_server) as server:
        yield server


@contextmanager
def _running(folder: Path, make: Callable[[Path], Server]) -> Iterator[Server]:
    with owned(folder):
        server = make(folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Own the servers of a folder: they are killed when this process ends, however it does."""
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "owner"):
        yield


def has_redis() -> bool:
    return shutil.which("redis-server") is not None


def has_rabbitmq() -> bool:
    return _rabbitmq_program() is not None and shutil.which("epmd") is not None


def redis_server(folder: Path) -> Server:
    """The Redis server of a folder; it keeps its messages when it is stopped in order."""
    (port,) = _ports(folder, 1)
    (folder / "data").mkdir(exist_ok=True)
    options = f"--bind 127.0.0.1 --port {port} --databases {NUMBERS} --appendonly no --dir data"
    return Server(
        folder,
        port,
        "redis://127.0.0.1:{port}/{number}",
        ("redis-server", *options.split(), "--save", "3600 1"),
        hello=b"PING\r\n",
        answer=b"+PONG",
        flush_command=b"FLUSHALL\r\n",
    )


def rabbitmq_server(folder: Path) -> Server:
    """The RabbitMQ server of a folder."""
    port, node_port, epmd_port = _ports(folder, 3)
    _write_rabbitmq_files(folder, port)
    program = _rabbitmq_program()
    assert program is not None, "RabbitMQ is not installed here"
    return Server(
        folder,
        port,
        "amqp://guest:guest@127.0.0.1:{port}/test{number}",
        ("sh", "-c", _RABBITMQ, program),
        hello=b"AMQP\x00\x00\x09\x01",
        answer=b"\x01",
        environment={
            "HOME": str(folder),  # The cookie lies there.
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_NODENAME": "tigertag@localhost",
            "RABBITMQ_DIST_PORT": str(node_port),
            "ERL_EPMD_PORT": str(epmd_port),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_PID_FILE": str(folder / "node.pid"),
            # Idle schedulers would spin, on the cores that the tests need.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none"
            " -kernel inet_dist_use_interface {127,0,0,1}",
        },
    )


def _rabbitmq_program() -> str | None:
    # Debian's /usr/sbin/rabbitmq-server works for its own account only, and for root as that.
    debian = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    return shutil.which(debian) or shutil.which("rabbitmq-server")


def _write_rabbitmq_files(folder: Path, port: int) -> None:
    hosts = ["/", *(f"test{number}" for number in range(NUMBERS))]
    anything = {"configure": ".*", "write": ".*", "read": ".*"}
    definitions = {
        "users": [{"name": "guest", "password": "guest", "tags": "administrator"}],
        "vhosts": [{"name": host} for host in hosts],
        "permissions": [{"user": "guest", "vhost": host} | anything for host in hosts],
    }
    (folder / "definitions.json").write_text(json.dumps(definitions), encoding="utf-8")
    (folder / "enabled_plugins").write_text("[].\n", encoding="utf-8")
    (folder / "advanced.config").write_text("[].\n", encoding="utf-8")
    (folder / "rabbitmq.conf").write_text(
        f"""listeners.tcp.1 = 127.0.0.1:{port}
load_definitions = {folder}/definitions.json
disk_free_limit.absolute = 10MB
log.file = false
log.console = true
log.console.level = warning
""",
        encoding="utf-8",
    )


def _ports(folder: Path, count: int) -> list[int]:
    """Return the ports of a folder's server.

    They lie below those that the kernel gives to clients: one that tries again and again to
    reach a port of those while nobody listens is connected to itself in the end.
    """
    with _locked(folder / "lock"):
        known = folder / "ports"
        if not known.exists():
            ports: set[int] = set()
            while len(ports) < count:
                port = randrange(12000, 32000)
                if _is_free(port):
                    ports.add(port)
            known.write_text(json.dumps(sorted(ports)), encoding="utf-8")
        read: list[int] = json.loads(known.read_text(encoding="utf-8"))
        return read


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        flock(lock, LOCK_EX)
        yield
