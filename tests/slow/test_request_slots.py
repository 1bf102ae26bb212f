"""Processes that share a service's limit, and one of them that is killed."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.imagga import KEY, SECRET, ImaggaServer

pytestmark = pytest.mark.slow

ASKING = """
import sys
from pathlib import Path
from tests.counted import CountedCalls
from tests.unit.engines.imagga.imaggas import HASTE, photos
from tigertag.contracts import Host, RunContext
from tigertag.engines import imagga
from tigertag.net import HttpClient
from tigertag.scan.request_slots import Places, SharedSlots
from tigertag.store import Store

db_url, url, key, secret, count = sys.argv[1:]
slots = SharedSlots(Places(Store(db_url), "one", lease_s=2.0), "im")
options = imagga.Options.model_validate({"api_url": url, "api_key": key, "api_secret": secret})
engine = imagga.build("im", options, Host(Path("models"), HttpClient(HASTE), slots=slots))
engine.open()
print("open", flush=True)
for outcome in engine.tag(photos(int(count)), RunContext(calls=CountedCalls())):
    print(type(outcome).__name__, flush=True)
engine.close()
"""


@pytest.fixture
def server() -> Iterator[ImaggaServer]:
    with ImaggaServer(concurrency=2, latency_s=0.1, other_latency_s=0.01) as started:
        yield started


def test_a_killed_process_leaves_its_slots_to_the_others(
    server: ImaggaServer, postgres_url: str
) -> None:
    def start(stack: ExitStack, photos: int) -> "subprocess.Popen[str]":
        line = [sys.executable, "-c", ASKING, postgres_url, server.url, KEY, SECRET, str(photos)]
        process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        stack.enter_context(process)
        stack.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        return process

    with ExitStack() as stack:
        # The later ones wait for the first, which holds both slots most of the time.
        first = start(stack, 10_000)
        while server.most_at_once < 2:
            time.sleep(0.01)
        others = [start(stack, 10) for _ in range(2)]
        first.kill()
        said = [process.communicate(timeout=60)[0].split() for process in others]
    assert said == [["Labelled"] * 10] * 2
    assert (server.most_at_once, server.refused) == (2, 0)
