"""Torch checkpoints of both formats, written byte by byte without torch."""

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAGIC = 0x1950A86A20F9469CFC6C


@dataclass(frozen=True)
class Stored:
    """A tensor: its storage's torch type and bytes, and how it lies in there."""

    type: str
    data: bytes
    count: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0


def zipped(
    tensors: Mapping[str, Stored],
    *,
    byteorder: str = "little",
    compression: int = zipfile.ZIP_STORED,
    data_pkl: bytes | None = None,
) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("archive/data.pkl", data_pkl or state_dict(tensors, legacy=False))
        archive.writestr("archive/byteorder", byteorder)
        for key, each in enumerate(tensors.values()):
            archive.writestr(f"archive/data/{key}", each.data)
    return file.getvalue()


def legacy(
    tensors: Mapping[str, Stored],
    *,
    little_endian: bool = True,
    pickled: bytes | None = None,
) -> bytes:
    system = {"protocol_version": 1001, "little_endian": little_endian, "type_sizes": {}}
    head = b"".join(pickle.dumps(part, protocol=2) for part in (MAGIC, 1001, system))
    keys = pickle.dumps([str(key) for key in range(len(tensors))], protocol=2)
    storages = (struct.pack("<q", each.count) + each.data for each in tensors.values())
    return b"".join((head, pickled or state_dict(tensors, legacy=True), keys, *storages))


def state_dict(tensors: Mapping[str, Stored], *, legacy: bool) -> bytes:
    """Pickle an OrderedDict of tensors as torch does, its `_metadata` included."""
    items = (
        text(name) + _tensor(str(key), each, legacy=legacy)
        for key, (name, each) in enumerate(tensors.items())
    )
    metadata = b"}" + text("_metadata") + b"}s"
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + b"".join(items) + b"u" + metadata + b"b."


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def _tensor(key: str, each: Stored, *, legacy: bool) -> bytes:
    name = b"ctorch\n" + each.type.encode() + b"\n"
    storage = text("storage") + name + text(key) + text("cpu") + _number(each.count)
    view = b"N" if legacy else b""
    parts = _number(each.offset) + _tuple(each.shape) + _tuple(each.strides)
    hooks = b"\x89ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n((" + storage + view + b"tQ" + parts + hooks + b"tR"


def _tuple(values: Sequence[int]) -> bytes:
    return b"(" + b"".join(map(_number, values)) + b"t"


def _number(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data
