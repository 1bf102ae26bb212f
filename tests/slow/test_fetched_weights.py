"""Weights fetched for real: a local server, the real HTTP, checkpoint reader, graph and runtime."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from tests.flaky_server import serving
from tests.unit.inference import golden
from tests.unit.inference.checkpoints import Stored, zipped
from tigertag.contracts import Host, Labelled, RunContext
from tigertag.engines import resnet
from tigertag.engines.classifier import ImageClassifier
from tigertag.errors import ModelError
from tigertag.inference import weights
from tigertag.inference.weights import Published
from tigertag.model import Frame, Media, Sample
from tigertag.net import HttpClient


def checkpoint() -> bytes:
    """A torch file of ResNet-18 with seeded random weights."""
    tensors = golden.seeded_weights(golden.shapes("resnet18"))
    return zipped({name: _stored(values) for name, values in tensors.items()})


def _stored(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Stored:
    strides = tuple(step // values.itemsize for step in values.strides)
    return Stored("FloatStorage", values.tobytes(), values.size, values.shape, strides)


def engine(url: str, models: Path) -> ImageClassifier:
    options = resnet.Options(model="resnet18", weights_url=url.rpartition("/")[0])
    return resnet.build("resnet", options, Host(models, HttpClient()))


@pytest.mark.slow
def test_a_resnet_is_fetched_through_a_cut_connection_and_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = checkpoint()
    known = Published("resnet18.pth", sha256(body).hexdigest()[:8])
    monkeypatch.setitem(weights.PUBLISHED, "resnet18", known)
    with serving(body) as server:
        server.faults = ["cut"]
        made = engine(server.url, tmp_path)
        made.open()
    sample = Sample("a", Media.PHOTO, (Frame(golden.images()[0]),))
    (outcome,) = made.tag([sample], RunContext())
    made.close()
    assert len(server.asked) == 2
    assert isinstance(outcome, Labelled)
    assert outcome.labels


@pytest.mark.slow
def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    with serving(b"something else") as server:
        made = engine(server.url, tmp_path)
        with pytest.raises(ModelError, match="could not be fetched"):
            made.open()
    assert not list(tmp_path.glob("*.pth"))
