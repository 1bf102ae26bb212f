"""The local classifier, with a witness who takes down every picture that it is asked about.

A plugin by dotted name. The witness's file is named by WITNESS; a line is the picture's digest.
"""

import os
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import numpy as np
from pydantic import BaseModel, ConfigDict

from tigertag.contracts import Capabilities, Engine, Host, Outcome, RunContext
from tigertag.engines import classifier
from tigertag.model import Frame, Sample


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    file: str


def digest(frame: Frame) -> str:
    return blake2b(np.ascontiguousarray(frame.pixels).tobytes(), digest_size=12).hexdigest()


class Witness:
    """Asks the classifier, having written down what it is asked about."""

    def __init__(self, engine: Engine, file: str) -> None:
        self._engine = engine
        self._file = file

    @property
    def id(self) -> str:
        return self._engine.id

    @property
    def fingerprint(self) -> str:
        return self._engine.fingerprint

    @property
    def capabilities(self) -> Capabilities:
        return self._engine.capabilities

    def open(self) -> None:
        self._engine.open()

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        lines = "".join(f"{digest(sample.frames[0])}\n" for sample in batch)
        with open(self._file, "ab", buffering=0) as file:
            file.write(lines.encode())
            os.fsync(file.fileno())
        yield from self._engine.tag(batch, run)

    def close(self) -> None:
        self._engine.close()


def build(id: str, options: Options, host: Host) -> Engine:
    return Witness(classifier.build(id, classifier.Options(), host), options.file)
