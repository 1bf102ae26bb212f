"""Networks on an NVIDIA card, by ONNX Runtime."""

import contextlib
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
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
from tigertag.sequences import batched

CUDA: Final = "CUDAExecutionProvider"
BATCH: Final = 16


class OnnxruntimeSession:
    """A network in ONNX Runtime, on the device of `provider`. Keeps to `NetworkSession`."""

    def __init__(
        self,
        path: Path,
        *,
        provider: str = CUDA,
        precision: Literal["auto", "f32", "bf16"],
        side_px: int | None,
        most_px: int = MOST_SIDE_PX,
    ) -> None:
        """Load it. "auto" lets the card round to TF32. Raises `ModelError`."""
        if precision == "bf16":
            raise ModelError("PRECISION=bf16 is for the CPU; set auto or f32 with DEVICE=cuda.")
        self._errors, onnxruntime = _import_onnxruntime()
        if provider not in onnxruntime.get_available_providers():
            raise ModelError(
                "This ONNX Runtime cannot use CUDA: pip install 'tigertag[cuda]', or DEVICE=cpu."
            )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        tuning = {"use_tf32": 0} if (provider, precision) == (CUDA, "f32") else {}
        with self._mapped(f"{path} cannot be loaded"):
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=[(provider, tuning)]
            )
        if provider not in self._session.get_providers():
            raise ModelError("CUDA does not work here: look at the driver, or set DEVICE=cpu.")
        self._read_shapes(side_px, most_px)

    @property
    def classes(self) -> int:
        return read_classes(self.outputs[0].shape)

    def run(self, images: Iterable[NDArray[Any]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """See `NetworkSession`."""
        for number, outputs in self._run(images, self._output_names[:1]):
            yield number, outputs[0]

    def run_all(self, images: Iterable[NDArray[Any]]) -> Iterator[tuple[int, Arrays]]:
        """See `NetworkSession`."""
        return self._run(images, self._output_names)

    def _run(
        self, images: Iterable[NDArray[Any]], wanted: list[str]
    ) -> Iterator[tuple[int, Arrays]]:
        numbers = count()
        for batch in batched(images, self._batch):
            with self._mapped("ONNX Runtime failed"):
                outputs = self._session.run(wanted, {self._input: np.stack(batch)})
            for rows in zip(*outputs, strict=True):
                yield next(numbers), tuple(row.astype(np.float32) for row in rows)

    def _read_shapes(self, side_px: int | None, most_px: int) -> None:
        taken, given = self._session.get_inputs()[0], self._session.get_outputs()
        shape = _lengths(taken.shape)
        dtype = taken.type.removeprefix("tensor(").removesuffix(")")
        dtype = "float32" if dtype == "float" else dtype
        self.input = read_input(shape, dtype, side_px, most_px)
        self.outputs = tuple(
            Output(frozenset({each.name}), tuple(_lengths(each.shape))) for each in given
        )
        self._input, self._output_names = taken.name, [each.name for each in given]
        self._batch = 1 if shape[0] == 1 else BATCH

    @contextlib.contextmanager
    def _mapped(self, what: str) -> Iterator[None]:
        try:
            yield
        except self._errors as exc:
            raise ModelError(f"{what}: {' '.join(str(exc).split())}") from exc


def _import_onnxruntime() -> tuple[tuple[type[Exception], ...], ModuleType]:
    """Return the exceptions of ONNX Runtime, which have no parent of their own, and itself."""
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as native
    except ImportError as exc:
        raise ModelError(
            f"ONNX Runtime cannot be imported ({exc}): pip install 'tigertag[cuda]', or DEVICE=cpu."
        ) from exc
    onnxruntime.disable_telemetry_events()
    kinds = (each for each in vars(native).values() if isinstance(each, type))
    return tuple(kind for kind in kinds if issubclass(kind, Exception)), onnxruntime


def _lengths(shape: list[int | str | None]) -> Shape:
    return [side if isinstance(side, int) else None for side in shape]
