"""The OpenAI engine, in front of its fake server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.counted import CountedCalls
from tests.openai_server import OpenAIServer
from tests.unit.engines.engine_contract import said
from tigertag.contracts import (
    DeferredEngine,
    Engine,
    Failed,
    Host,
    Labelled,
    Prepared,
    RunContext,
    is_deferred,
    is_prompt,
)
from tigertag.engines import openai
from tigertag.engines.openai import Options
from tigertag.model import Frame, Media, Sample
from tigertag.net import HttpClient, RetryPolicy

MODEL = "gpt-4.1-nano"
Colour = tuple[int, int, int]
RED, BLUE = (200, 10, 10), (10, 10, 200)


class Visions:
    """Engines for one server. Keeps to `Bench`."""

    def __init__(self, openai: OpenAIServer) -> None:
        self.openai = openai
        self._http = HttpClient(RetryPolicy(first_wait_s=0.01, longest_wait_s=0.05, attempts=4))
        self._made: list[Engine | DeferredEngine] = []
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            self._engine = self.now()
        return self._engine

    def again(self) -> Engine:
        return self.now()

    @property
    def bodies(self) -> list[bytes]:
        return list(self.openai.bodies)

    @property
    def requests(self) -> int:
        return self.openai.counts.total()

    def break_down(self) -> None:
        self.openai.fail("chat", 503, times=1000)

    def now(self, **options: Any) -> Engine:
        engine = self.built(**options)
        assert is_prompt(engine)
        return engine

    def opened(self, **options: Any) -> Engine:
        engine = self.now(**options)
        engine.open()
        return engine

    def batch(self, **options: Any) -> DeferredEngine:
        engine = self.built(**{"mode": "batch", **options})
        assert is_deferred(engine)
        engine.open()
        return engine

    def built(self, **options: Any) -> Engine | DeferredEngine:
        told = {"api_key": self.openai.key, "base_url": self.openai.url, "model": MODEL, **options}
        host = Host(Path("unused"), self._http)
        self._made.append(openai.build("vision", Options(**told), host))
        return self._made[-1]

    def close(self) -> None:
        for engine in self._made:
            engine.close()
        self._http.close()


def plain(name: str = "1", colour: Colour = RED) -> Sample:
    """A photo of one colour."""
    return Sample(name, Media.PHOTO, (Frame(np.full((48, 64, 3), colour, np.uint8)),))


def labelled(engine: Engine, sample: Sample | None = None) -> Labelled:
    (outcome,) = said(engine, sample or plain()).values()
    assert isinstance(outcome, Labelled)
    return outcome


def failed(engine: Engine, calls: CountedCalls | None = None) -> Failed:
    run = RunContext(calls=calls or CountedCalls())
    (outcome,) = said(engine, plain(), run=run).values()
    assert isinstance(outcome, Failed)
    return outcome


def words(outcome: Labelled) -> dict[str, float]:
    return {label.name: label.confidence for label in outcome.labels}


def prepared(engine: DeferredEngine, *samples: Sample) -> bytes:
    found = [engine.prepare(one) for one in samples]
    lines = [one.line for one in found if isinstance(one, Prepared)]
    assert len(lines) == len(samples)
    return b"".join(lines)


Spooled = Callable[[DeferredEngine, int], Path]
