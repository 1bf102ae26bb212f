"""What turns a pooled vector into the probability of each genre: a small ONNX graph.

It runs on ONNX's own reference in a few milliseconds: OpenVINO lacks the `ai.onnx.ml` operators,
and ONNX Runtime is there only with the extra `cuda`.
"""

from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import ModelError
from tigertag.inference import head_graph
from tigertag.inference.head_graph import GIVEN

_SENSELESS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What the reference happens to raise where a graph makes no sense."""
_ROUNDING: Final = 1e-6


class Head:
    """From vectors, float32 [n, width], to probabilities, [n, genres]. Thread-safe."""

    def __init__(self, data: bytes) -> None:
        """Raises `ModelError`: this is no such graph."""
        try:
            from onnx.reference import ReferenceEvaluator
        except ImportError as exc:
            raise ModelError(
                f"Onnx cannot be imported ({exc}): pip install 'tigertag[genre]'"
            ) from exc
        model, self.width, self.genres = head_graph.read(data)
        self._lock = Lock()
        try:
            self._evaluator: Any = ReferenceEvaluator(model)
        except _SENSELESS as exc:
            raise ModelError("The head of the model cannot be used: it is broken.") from exc
        self._said(np.zeros((1, self.width), np.float32))

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of each genre, float64 [n, genres].

        NaN in a vector is what is not known. Raises `ModelError`: the vectors are of another
        width, or what comes out is no probability.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.width:
            shape = " x ".join(str(size) for size in vectors.shape)
            raise ModelError(f"The model takes vectors of {self.width} numbers, not {shape}.")
        return self._said(vectors) if len(vectors) else np.empty((0, self.genres))

    def _said(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        try:
            # Of what lies far off the exponential is too large for a float: the answer is 0 or 1.
            with self._lock, np.errstate(over="ignore"):
                [outputs] = self._evaluator.run(None, {GIVEN: vectors.astype(np.float32)})
            said: NDArray[np.float64] = np.asarray(outputs, np.float64)
        except _SENSELESS as exc:
            raise ModelError("The head of the model cannot be run: it is broken.") from exc
        # NaN is in no range.
        if said.ndim != 2 or not ((said >= -_ROUNDING) & (said <= 1 + _ROUNDING)).all():
            raise ModelError("The head of the model is broken: what it says is no probability.")
        if said.shape != (len(vectors), self.genres):
            raise ModelError("The head of the model is broken: it says too much or too little.")
        return said.clip(0.0, 1.0)
