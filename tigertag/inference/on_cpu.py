"""Networks on the CPU, by OpenVINO.

A fixed number of requests, each with memory of its own, is shared by all threads. There are no
callbacks and no shared arrays: with them OpenVINO's threads take Python's lock, and a process that
ends at that moment aborts (seen with 2026.4).
"""

import atexit
import contextlib
import queue
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import ModelError
from tigertag.inference.preprocessing import (
    MOST_SIDE_PX,
    Arrays,
    Output,
    Shape,
    read_classes,
    read_input,
)

AT_ONCE: Final = 2
"""The images of one thread that are computed at a time: one runs while the next is put in place."""
THREADS: Final = 2
"""The threads, besides one for each of OpenVINO's streams, that find requests free."""
TELEMETRY: Final = "openvino_telemetry"

LAST_WAIT_S: Final = 3.0
"""How long a process that ends waits for threads that are in OpenVINO."""

# The first look at a tensor in the process must not be two threads' at once: the binding makes
# its numpy types then, and deadlocks (seen with 2026.4).
_opening = threading.Lock()

# As `_Pool.end` does for threads that infer, this holds a thread that loads a network.
atexit.register(_opening.acquire, timeout=LAST_WAIT_S)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request, and the memory of its input."""

    handle: Any
    image: NDArray[Any]


_Busy = deque[tuple[int, _Request]]


class _Pool:
    """The requests that are not at work."""

    def __init__(self) -> None:
        self._idle: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._count = 0
        self._ended = threading.Event()

    def add(self, request: _Request) -> None:
        self._count += 1
        self._idle.put(request)

    def give(self, request: _Request) -> None:
        self._idle.put(request)

    def take(self, busy: _Busy) -> _Request | None:
        """Return a free request; wait for it only when no own one is at work."""
        if self._ended.is_set() and not busy:
            threading.Event().wait()
        if self._ended.is_set() or len(busy) >= AT_ONCE:
            return None
        try:
            return self._idle.get(block=not busy)
        except queue.Empty:
            return None

    def end(self) -> None:
        """Wait until no thread is in OpenVINO, and let none in again.

        A daemon thread that comes back from there when Python has ended aborts the process. It is
        held instead, for the little time that is left to it.
        """
        self._ended.set()
        until = time.monotonic() + LAST_WAIT_S
        with contextlib.suppress(queue.Empty):
            for _ in range(self._count):
                self._idle.get(timeout=max(0.0, until - time.monotonic()))


class CpuSession:
    """A network on the CPU. Keeps to `NetworkSession`."""

    def __init__(
        self,
        path: Path,
        *,
        precision: Literal["auto", "f32", "bf16"],
        side_px: int | None,
        most_px: int = MOST_SIDE_PX,
    ) -> None:
        """Load and compile it; "auto" leaves the precision to OpenVINO. Raises `ModelError`."""
        self._pool = _Pool()
        hints = {"PERFORMANCE_HINT": "THROUGHPUT"}
        if precision != "auto":
            hints["INFERENCE_PRECISION_HINT"] = precision
        with _opening, _mapped(f"{path} cannot be loaded"):
            openvino = _import_openvino()
            core = openvino.Core()
            model = core.read_model(path)
            taken = model.input(0)
            dtype = taken.element_type.to_dtype().name
            self.input = read_input(_lengths(taken.partial_shape), dtype, side_px, most_px)
            model.reshape([1, *self.input.shape])
            self.outputs = tuple(
                Output(frozenset(output.get_names()), tuple(_lengths(output.partial_shape)))
                for output in model.outputs
            )
            self._make_requests(core.compile_model(model, "CPU", hints))

    @property
    def classes(self) -> int:
        return read_classes(self.outputs[0].shape)

    def run(self, images: Iterable[NDArray[Any]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """See `NetworkSession`."""
        for number, outputs in self._run(images, 1):
            yield number, outputs[0]

    def run_all(self, images: Iterable[NDArray[Any]]) -> Iterator[tuple[int, Arrays]]:
        """See `NetworkSession`."""
        return self._run(images, len(self.outputs))

    def _run(self, images: Iterable[NDArray[Any]], wanted: int) -> Iterator[tuple[int, Arrays]]:
        busy: _Busy = deque()
        try:
            for number, image in enumerate(images):
                while (request := self._pool.take(busy)) is None:
                    yield self._finished(busy, wanted)
                np.copyto(request.image, image)
                request.handle.start_async()
                busy.append((number, request))
            while busy:
                yield self._finished(busy, wanted)
        finally:
            while busy:
                with contextlib.suppress(ModelError):
                    self._finished(busy, wanted)

    def _make_requests(self, compiled: Any) -> None:
        streams = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        for _ in range(AT_ONCE * (streams + THREADS)):
            handle = compiled.create_infer_request()
            self._pool.add(_Request(handle, handle.get_input_tensor().data[0]))
        weakref.finalize(self, self._pool.end)

    def _finished(self, busy: _Busy, wanted: int) -> tuple[int, Arrays]:
        """Wait for the oldest and give its request back; return its first outputs."""
        number, request = busy.popleft()
        try:
            with _mapped("OpenVINO failed"):
                request.handle.wait()
                tensors = map(request.handle.get_output_tensor, range(wanted))
                return number, tuple(tensor.data[0].astype(np.float32) for tensor in tensors)
        finally:
            self._pool.give(request)


def _import_openvino() -> Any:
    """Import it without its telemetry, which would report the import itself to its maker.

    With None as a module, Python raises ImportError for it, and OpenVINO takes its stub.
    """
    if TELEMETRY not in sys.modules:
        sys.modules[TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino
    except ImportError as exc:
        raise ModelError(
            f"OpenVINO cannot be imported ({exc}): pip install 'tigertag[classifier]'"
        ) from exc
    return openvino


def _lengths(shape: Any) -> Shape:
    if shape.rank.is_dynamic:
        return ()
    return [None if side.is_dynamic else side.get_length() for side in shape]


@contextlib.contextmanager
def _mapped(what: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as exc:
        lines = [line for line in str(exc).splitlines() if not line.startswith("Exception from")]
        raise ModelError(f"{what}: {lines[0] if lines else exc}") from exc
