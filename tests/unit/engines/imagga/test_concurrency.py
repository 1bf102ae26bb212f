"""How many requests are under way at once: as many as the account allows, and no more."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.imagga import ImaggaServer
from tests.unit.engines.engine_contract import photo
from tests.unit.engines.imagga.imaggas import Imaggas, photos
from tigertag.contracts import Labelled, RunContext
from tigertag.engines.imagga import client

pytestmark = pytest.mark.slow

ALWAYS = float("inf")


@pytest.mark.parametrize("concurrency", [1, 3])
def test_never_more_at_once_than_the_account_allows(imagga: ImaggaServer, concurrency: int) -> None:
    imagga.concurrency, imagga.latency_s = concurrency, 0.01
    bench = Imaggas(imagga).open()
    with ThreadPoolExecutor(6) as pool:
        batches = list(pool.map(lambda _n: bench.said(*photos(5)), range(6)))
    bench.close()
    assert sum(map(len, batches)) == 30
    assert imagga.most_at_once == concurrency
    assert imagga.refused == 0


def test_it_narrows_where_less_is_allowed_than_was_told(
    imagga: ImaggaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_TOO_MANY_WAIT_S", 0.01)
    imagga.concurrency, imagga.latency_s = 3, 0.005
    imagga.overrides = {"concurrency": {"max": 6, "now": 0}}
    bench = Imaggas(imagga).open()
    outcomes = bench.said(*photos(30))
    assert all(isinstance(one, Labelled) for one in outcomes.values())
    assert imagga.refused > 0
    assert bench.engine.capabilities.max_concurrency < 6
    assert bench.calls.units == imagga.processed == 30
    bench.close()


def test_an_upload_goes_on_while_another_picture_is_tagged(imagga: ImaggaServer) -> None:
    imagga.latency_s = 0.1
    bench = Imaggas(imagga).open()
    began = time.monotonic()
    assert len(bench.said(*photos(16))) == 16
    assert time.monotonic() - began < 8 * 0.1
    assert imagga.most_taggings_at_once > 4
    bench.close()


def test_a_slow_delete_keeps_no_answer_waiting(imagga: ImaggaServer) -> None:
    imagga.silence_s = 1.0
    bench = Imaggas(imagga).open()
    imagga.fail("delete", "slow")
    began = time.monotonic()
    bench.said(photo())
    assert time.monotonic() - began < 0.9
    bench.close()


def test_closing_does_not_try_deletes_for_long(imagga: ImaggaServer) -> None:
    bench = Imaggas(imagga).open()
    imagga.fail("delete", 503, times=ALWAYS)
    bench.said(*photos(3))
    bench.close()
    assert len(imagga.asked("DELETE")) <= 3 * 4


def test_a_cancelled_run_begins_no_more_and_leaves_nothing_there(imagga: ImaggaServer) -> None:
    imagga.latency_s = 0.02
    bench, stop = Imaggas(imagga).open(), threading.Event()
    run = RunContext(stop.is_set, bench.calls)
    for outcome in bench.engine.tag(photos(40), run):
        assert isinstance(outcome, Labelled)
        stop.set()
    bench.close()
    assert imagga.processed < 40
    assert imagga.uploads == {}
    assert bench.calls.units == imagga.processed


def test_an_account_that_allows_very_much_is_not_taken_at_its_word(imagga: ImaggaServer) -> None:
    imagga.concurrency = 5000
    bench = Imaggas(imagga).open()
    assert bench.engine.capabilities.max_concurrency == 32
    bench.close()
