"""A catalogue of two small models, for tests that fetch them from a server of theirs."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tests.flaky_server import FlakyServer
from tigertag.inference import catalogue

TINY, NANO = b"the tiny model" * 10_000, b"the nano model"


def publish(
    monkeypatch: pytest.MonkeyPatch, baked: Path, server: FlakyServer | None = None
) -> None:
    """Let there be these models only, fetched from the server, where there is one."""
    small = {
        name: replace(catalogue.catalogue()[name], bytes=len(data), sha256=sha256(data).hexdigest())
        for name, data in {"yolox-tiny": TINY, "yolox-nano": NANO}.items()
    }
    if server is not None:
        folder = server.url.rpartition("/")[0]
        for name, known in small.items():
            small[name] = replace(known, url=f"{folder}/{known.file}")
    monkeypatch.setattr(catalogue, "catalogue", lambda: small)
    monkeypatch.setattr(catalogue, "BAKED", baked)
