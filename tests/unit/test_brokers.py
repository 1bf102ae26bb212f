"""The servers that the tests start: each test's part is empty, and none is left behind."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.private_brokers import Server, redis_server

CHECKOUT = Path(__file__).parents[2]


def ask(server: Server, request: str) -> str:
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(f"{request}\r\n".encode())
        return connection.recv(64).decode().strip()


def test_each_test_has_a_part_of_its_own(redis_broker: Server, redis_url: str) -> None:
    number = int(redis_url.rpartition("/")[2])
    assert redis_broker.url(number) == redis_url != redis_broker.url(number + 1)


def test_redis_keeps_its_messages_when_it_is_restarted_and_loses_them_when_it_is_killed(
    own_redis: Server,
) -> None:
    ask(own_redis, "SET kept 1")
    own_redis.restart()
    ask(own_redis, "SET lost 1")
    own_redis.kill()
    own_redis.start()
    assert (ask(own_redis, "EXISTS kept"), ask(own_redis, "EXISTS lost")) == (":1", ":0")
    own_redis.flush()
    assert ask(own_redis, "DBSIZE") == ":0"


def test_a_server_ends_with_the_process_that_owns_it_even_if_that_is_killed(
    own_redis: Server, tmp_path: Path
) -> None:
    program = """
import os, pathlib, sys
from tests.private_brokers import private_redis
with private_redis(pathlib.Path(sys.argv[1])) as server:
    assert server.is_running()
    os.kill(os.getpid(), 9)
"""
    folder = tmp_path / "killed"
    killed = subprocess.run([sys.executable, "-c", program, folder], cwd=CHECKOUT, check=False)
    assert killed.returncode == -9
    server = redis_server(folder)
    until = time.monotonic() + 10
    while server.is_running():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert own_redis.is_running()
