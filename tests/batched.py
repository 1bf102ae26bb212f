"""An engine that names colours in hours: what it was sent is kept as a service would keep it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.colours import COLOURS
from tigertag.contracts import Capabilities, Collected, Failed, Labelled, Prepared, Progress
from tigertag.model import Label, Media, Sample


@dataclass
class Sent:
    """A batch as the service has it."""

    token: str
    lines: dict[str, str]
    state: Progress = field(default_factory=lambda: Progress("ended"))
    answered: set[str] | None = None
    cleared: bool = False


@dataclass
class BatchedEngine:
    """Keeps to `DeferredEngine`. `after` raises at a step once it was taken: the answer is lost."""

    id: str = "slow"
    fingerprint: str = "slow-1"
    host: str = "batches.test"
    max_lines: int = 1000
    max_bytes: int = 1_000_000
    cost_usd: float = 0.01
    units: int = 1
    sent: list[Sent] = field(default_factory=list)
    states: list[Progress] = field(default_factory=list)
    answered: set[str] | None = None
    silent_about: set[str] = field(default_factory=set)
    before: dict[str, BaseException] = field(default_factory=dict)
    after: dict[str, BaseException] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    local: bool = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            frozenset({Media.PHOTO}), 8, units_per_item=self.units, cost_usd=self.cost_usd
        )

    @property
    def asked(self) -> Counter[str]:
        """How often the service was asked about each item."""
        return Counter(name for one in self.sent for name in one.lines)

    def open(self) -> None:
        self._may("open")

    def close(self) -> None:
        """There is nothing to let go of."""

    def prepare(self, sample: Sample) -> Prepared | Failed:
        pixels = np.asarray(sample.frames[0].pixels)
        colour = list(COLOURS)[int(np.argmax(pixels.mean((0, 1))))]
        line = json.dumps([sample.id, colour]).encode() + b"\n"
        return Prepared(sample.id, line, 100, self.cost_usd)

    def submit(self, lines: Path, token: str) -> str:
        self._may("submit")
        requests = dict(json.loads(line) for line in lines.read_bytes().splitlines())
        assert len(requests) <= self.max_lines
        state = self.states.pop(0) if self.states else Progress("ended")
        self.sent.append(Sent(token, requests, state, self.answered))
        self._did("submit")
        return str(len(self.sent) - 1)

    def find(self, token: str) -> str | None:
        found = [number for number, one in enumerate(self.sent) if one.token == token]
        return str(found[0]) if found else None

    def poll(self, batch: str) -> Progress:
        self._may("poll")
        return self.sent[int(batch)].state

    def collect(self, batch: str) -> Iterator[Collected]:
        self._may("collect")
        sent = self.sent[int(batch)]
        assert not sent.cleared
        for number, (name, colour) in enumerate(sent.lines.items()):
            if colour in self.silent_about:
                continue
            if sent.answered is not None and colour not in sent.answered:
                yield Collected(name, None, 0, 0.0)
                continue
            cost_usd = self.cost_usd / 2
            answer = Labelled(name, (Label(colour, 0.9),), "slow-model", cost_usd=cost_usd)
            yield Collected(name, answer, 1, cost_usd)
            if number == 0:
                self._did("collect")

    def cancel(self, batch: str) -> None:
        self.cancelled.append(batch)
        self.sent[int(batch)].state = Progress("ended")

    def clear(self, batch: str, token: str) -> None:
        self._may("clear")
        if batch:
            self.sent[int(batch)].cleared = True
        self._did("clear")

    def _may(self, step: str) -> None:
        if step in self.before:
            raise self.before.pop(step)

    def _did(self, step: str) -> None:
        if step in self.after:
            raise self.after.pop(step)
