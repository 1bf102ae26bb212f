import os
import pickle
import random
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.inference.checkpoints import Stored, legacy, state_dict, text, zipped
from tigertag.errors import ModelError
from tigertag.inference.checkpoint import read_checkpoint

pytestmark = pytest.mark.slow

SIX = np.arange(6, dtype="<f4")
PLAIN = {"weight": Stored("FloatStorage", SIX.tobytes(), 6, (2, 3), (3, 1))}
FORMATS = pytest.mark.parametrize("written", [zipped, legacy])

Written = Callable[[Mapping[str, Stored]], bytes]


def read(data: bytes, folder: Path) -> dict[str, Any]:
    path = folder / "weights.pth"
    path.write_bytes(data)
    return read_checkpoint(path)


def running(command: str, argument: str) -> bytes:
    """Pickle a call of a function: `command` is "module name" with a newline for the space."""
    return b"\x80\x02c" + command.encode() + b"\n" + text(argument) + b"\x85R."


@pytest.mark.parametrize("command", ["os\nsystem", "posix\nsystem", "builtins\neval"])
def test_it_refuses_a_zip_file_that_would_run_code_and_runs_nothing(
    tmp_path: Path, command: str
) -> None:
    with pytest.raises(ModelError, match=r"would run code \((os|posix|builtins)\..*nothing was"):
        read(zipped({}, data_pkl=running(command, f"touch {tmp_path}/ran")), tmp_path)
    assert not (tmp_path / "ran").exists()


def test_it_refuses_a_legacy_file_that_would_run_code_and_runs_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="would run code"):
        read(legacy({}, pickled=running("os\nsystem", f"touch {tmp_path}/ran")), tmp_path)
    assert not (tmp_path / "ran").exists()


class Trap:
    """What an attacker would pickle with Python itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_refuses_a_trap_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    trap = pickle.dumps({"weight": Trap(tmp_path / "ran")}, protocol)
    with pytest.raises(ModelError, match=r"nothing was run|damaged"):
        read(zipped({}, data_pkl=trap), tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "opcodes", [b"(ios\nsystem\n.", b"cos\nsystem\n)\x81.", b")}b.", b"\x82\x01."]
)
def test_it_refuses_the_other_ways_to_make_objects(tmp_path: Path, opcodes: bytes) -> None:
    with pytest.raises(ModelError, match="would run code"):
        read(zipped({}, data_pkl=opcodes), tmp_path)


def test_it_never_imports_what_a_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trap_module.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match=r"trap_module\.anything"):
        read(zipped({}, data_pkl=running("trap_module\nanything", "")), tmp_path)
    assert not (tmp_path / "ran").exists()


@FORMATS
def test_a_file_cut_anywhere_is_called_damaged(tmp_path: Path, written: Written) -> None:
    whole = written(PLAIN)
    for length in range(len(whole)):
        with pytest.raises(ModelError, match="damaged"):
            read(whole[:length], tmp_path)


@FORMATS
def test_a_file_with_wrong_bytes_raises_nothing_else(tmp_path: Path, written: Written) -> None:
    whole, chance = written(PLAIN), random.Random(3)
    refused = 0
    for _ in range(1500):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            read(bytes(broken), tmp_path)
        except ModelError:
            refused += 1
    assert refused


@FORMATS
@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 1 << 60},
        {"count": 5},
        {"shape": (1 << 40,), "strides": (0,)},
        {"shape": (7,), "strides": (1,)},
        {"shape": (2, 3), "strides": (4, 1)},
        {"shape": (2,), "strides": (1 << 70,)},
        {"offset": 1},
        {"offset": -1},
        {"shape": (2, -3)},
        {"strides": (3,)},
        {"strides": (-3, 1)},
        {"shape": (1,) * 70, "strides": (1,) * 70},
    ],
)
def test_a_tensor_that_reaches_beyond_its_storage_is_refused(
    tmp_path: Path, written: Written, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ModelError, match="damaged"):
        read(written({"weight": replace(PLAIN["weight"], **wrong)}), tmp_path)


def test_a_pickle_that_declares_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    long_text = b"\x80\x04\x8d" + struct.pack("<Q", 1 << 40) + b"x"
    for pickled in (long_text, b"\x80\x02}r\xff\xff\xff\xff.", b"\x85" * 9, b""):
        with pytest.raises(ModelError, match="damaged"):
            read(zipped({}, data_pkl=pickled or b"\x80"), tmp_path)


def test_deeply_nested_values_do_not_overrun_the_stack(tmp_path: Path) -> None:
    nested = b"\x80\x02})" + b"\x85" * 200_000 + b"Ns."
    with pytest.raises(ModelError, match="a key is not text"):
        read(zipped({}, data_pkl=nested), tmp_path)


def test_a_compressed_entry_is_refused_because_it_could_grow(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is compressed"):
        read(zipped(PLAIN, compression=zipfile.ZIP_DEFLATED), tmp_path)


def test_a_file_from_a_big_endian_machine_is_refused(tmp_path: Path) -> None:
    for data in (zipped(PLAIN, byteorder="big"), legacy(PLAIN, little_endian=False)):
        with pytest.raises(ModelError, match="big-endian"):
            read(data, tmp_path)


@pytest.mark.parametrize("value", [5, [1, 2], {}, {"epoch": 3}, {"nested": {}}])
def test_a_file_without_a_state_dict_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(ModelError, match=r"no state dict|no tensor"):
        read(zipped({}, data_pkl=pickle.dumps(value, protocol=2)), tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.pth cannot be read: No such file"):
        read_checkpoint(tmp_path / "absent.pth")


@FORMATS
def test_it_reads_a_tensor(tmp_path: Path, written: Written) -> None:
    result = read(written(PLAIN), tmp_path)
    assert list(result) == ["weight"]
    assert result["weight"].dtype == np.float32
    np.testing.assert_array_equal(result["weight"], SIX.reshape(2, 3))


@FORMATS
def test_it_honours_strides_and_offset(tmp_path: Path, written: Written) -> None:
    turned = replace(PLAIN["weight"], shape=(2, 2), strides=(1, 3), offset=1)
    result = read(written({"weight": turned}), tmp_path)
    np.testing.assert_array_equal(result["weight"], [[1, 4], [2, 5]])


@FORMATS
@pytest.mark.parametrize(
    ("torch_type", "dtype"),
    [
        ("DoubleStorage", "<f8"),
        ("HalfStorage", "<f2"),
        ("LongStorage", "<i8"),
        ("IntStorage", "<i4"),
        ("ByteStorage", "u1"),
        ("BoolStorage", "?"),
    ],
)
def test_it_reads_every_type(tmp_path: Path, written: Written, torch_type: str, dtype: str) -> None:
    values = np.array([0, 1, 1], dtype)
    result = read(written({"x": Stored(torch_type, values.tobytes(), 3, (3,), (1,))}), tmp_path)
    assert result["x"].dtype == np.dtype(dtype)
    np.testing.assert_array_equal(result["x"], values)


def test_it_widens_bfloat16(tmp_path: Path) -> None:
    bits = np.array([0x3F80, 0xC040], "<u2").tobytes()
    result = read(zipped({"x": Stored("BFloat16Storage", bits, 2, (2,), (1,))}), tmp_path)
    np.testing.assert_array_equal(result["x"], np.array([1.0, -3.0], "f4"))


def test_it_reads_scalars_and_empty_tensors(tmp_path: Path) -> None:
    number = Stored("LongStorage", np.array(7, "<i8").tobytes(), 1, (), ())
    nothing = Stored("FloatStorage", b"", 0, (0, 3), (3, 1))
    result = read(zipped({"count": number, "nothing": nothing}), tmp_path)
    assert result["count"] == 7
    assert result["nothing"].shape == (0, 3)


def test_it_reads_parameters_as_tensors(tmp_path: Path) -> None:
    whole = state_dict(PLAIN, legacy=False)
    tensor = whole[whole.index(b"ctorch._utils") : whole.index(b"u}X")]
    wrapped = b"ctorch._utils\n_rebuild_parameter\n(" + tensor + b"\x88NtR"
    result = read(zipped(PLAIN, data_pkl=whole.replace(tensor, wrapped)), tmp_path)
    np.testing.assert_array_equal(result["weight"], SIX.reshape(2, 3))
