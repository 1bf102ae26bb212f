"""Torch checkpoints, read without torch: tensors come in, code does not.

Both formats: the zip file (torch ≥ 1.6: `…/data.pkl` and one stored entry a storage) and the legacy
one (five pickles one after another, then each storage as a count and its elements). Source:
torch/serialization.py.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import ModelError, os_reason
from tigertag.inference import safe_pickle
from tigertag.inference.safe_pickle import Malformed, Storage, TensorRef, WouldRunCode

GRAPH_VERSION: Final = 1
"""Of the graphs that are built from checkpoints: it changes whenever they answer otherwise."""

LARGEST_FILE_BYTES: Final = 2 << 30
LEGACY_START: Final = b"\x80"
LEGACY_MAGIC: Final = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL: Final = 1001

Tensors = dict[str, NDArray[Any]]

# What zipfile really raises for broken files, found by cutting and flipping bytes.
_BROKEN_ZIP: Final = (
    zipfile.BadZipFile,
    struct.error,
    zlib.error,
    ValueError,
    OverflowError,
    EOFError,
    NotImplementedError,
)


def read_checkpoint(path: Path) -> Tensors:
    """Return the tensors of a state dict by name; bfloat16 comes as float32.

    Raises `ModelError`: the file is not there, truncated, or holds anything but tensors.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise ModelError(f"{path} is larger than any checkpoint that TigerTag can use.")
        data = path.read_bytes()
        file = io.BytesIO(data)
        refs, storages = _read_zip(file) if zipfile.is_zipfile(file) else _read_legacy(data)
        return {name: _array(ref, storages) for name, ref in refs.items()}
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {os_reason(exc)}.") from exc
    except WouldRunCode as exc:
        raise ModelError(
            f"{path} would run code ({exc}); nothing was run. Use a file that holds tensors only."
        ) from exc
    except (Malformed, *_BROKEN_ZIP) as exc:
        raise ModelError(
            f"{path} is damaged, or no checkpoint ({exc}); delete it, or name another as WEIGHTS."
        ) from exc


def _read_zip(file: io.BytesIO) -> tuple[dict[str, TensorRef], Mapping[Storage, bytes]]:
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise Malformed("it has no data.pkl")
        root = pickles[0].removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist():
            _require_little_endian(_stored(archive, f"{root}byteorder") == b"little")
        refs = _state_dict(safe_pickle.read(io.BytesIO(_stored(archive, pickles[0]))))
        storages = {ref.storage for ref in refs.values()}
        return refs, {each: _stored(archive, f"{root}data/{each.key}") for each in storages}


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read an entry as torch writes it: not compressed, so that it cannot grow on reading."""
    try:
        entry = archive.getinfo(name)
    except KeyError as exc:
        raise Malformed(f"it lacks {name}") from exc
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 0x1:
        raise Malformed(f"{name} is compressed")
    return archive.read(entry)


def _read_legacy(data: bytes) -> tuple[dict[str, TensorRef], Mapping[Storage, memoryview]]:
    file = io.BytesIO(data)
    if not data.startswith(LEGACY_START) or safe_pickle.read(file) != LEGACY_MAGIC:
        raise Malformed("it does not begin like one")
    if safe_pickle.read(file) != LEGACY_PROTOCOL:
        raise Malformed("it is of another version")
    system = safe_pickle.read(file)
    _require_little_endian(isinstance(system, dict) and system.get("little_endian") is True)
    refs = _state_dict(safe_pickle.read(file))
    by_key = {ref.storage.key: ref.storage for ref in refs.values()}
    keys = safe_pickle.read(file)
    if not isinstance(keys, list) or set(map(str, keys)) != set(by_key):
        raise Malformed("its storages are not those of its tensors")
    storages: dict[Storage, memoryview] = {}
    position = file.tell()
    for storage in (by_key[str(key)] for key in keys):
        count = int.from_bytes(data[position : position + 8], "little")
        end = position + 8 + storage.count * _dtype(storage.element).itemsize
        if count != storage.count or end > len(data):
            raise Malformed("it ends too early, or a storage has another size than it says")
        storages[storage] = memoryview(data)[position + 8 : end]
        position = end
    return refs, storages


def _require_little_endian(is_little: bool, /) -> None:
    if not is_little:
        raise Malformed("it was written on a big-endian machine")


def _state_dict(value: Any) -> dict[str, TensorRef]:
    if not isinstance(value, dict) or not value:
        raise Malformed("it holds no state dict")
    for name, tensor in value.items():
        if not isinstance(tensor, TensorRef):
            raise Malformed(f"{name} is no tensor")
    return value


def _array(ref: TensorRef, storages: Mapping[Storage, bytes | memoryview]) -> NDArray[Any]:
    """View the tensor in its storage; numpy refuses a view that reaches beyond it."""
    dtype, buffer = _dtype(ref.storage.element), storages[ref.storage]
    if len(buffer) != ref.storage.count * dtype.itemsize:
        raise Malformed("a storage has another size than it says")
    # A stride of 0 could declare more elements than any memory holds.
    if prod(ref.shape) > ref.storage.count:
        raise Malformed("a tensor is larger than its storage")
    strides = [step * dtype.itemsize for step in ref.strides]
    try:
        view: NDArray[Any] = np.ndarray(
            ref.shape, dtype, buffer, offset=ref.offset * dtype.itemsize, strides=strides
        )
    except (ValueError, TypeError, OverflowError) as exc:
        raise Malformed("a tensor reaches beyond its storage") from exc
    if ref.storage.element == "bfloat16":
        # It is the upper half of a float32.
        return (np.asarray(view, dtype="<u4", order="C") << 16).view("<f4")
    return np.asarray(view, order="C")


def _dtype(element: str) -> np.dtype[Any]:
    return np.dtype("uint16" if element == "bfloat16" else element).newbyteorder("<")
