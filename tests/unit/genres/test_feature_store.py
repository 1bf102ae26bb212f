import errno
import io
import os
import random
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tigertag.errors import StoreFull, StoreUnavailable
from tigertag.genres.extraction import file_name, read_features, write_features
from tigertag.genres.features import Features
from tigertag.store.answers import FeatureKey

KEY = FeatureKey("c0ffee", "efficientnet-lite0:57934424:1.1", "scenes-27-60")


def features(frames: int = 3, fill: float = 0.5) -> Features:
    values = np.arange(4 * frames, dtype="f2").reshape(frames, 4) + np.float16(fill)
    return Features(values, tuple(n / 2 for n in range(frames)), (1.25, 0.75))


def same(one: Features | None, other: Features) -> bool:
    return (
        one is not None
        and np.array_equal(one.frames, other.frames)
        and (one.times_s, one.shots_s) == (other.times_s, other.shots_s)
    )


def kept(folder: Path) -> Path:
    """Keep `features` in a folder, and return their file."""
    write_features(folder, KEY, features())
    return folder / file_name(KEY)


def written(path: Path, compression: int = zipfile.ZIP_STORED, **changed: Any) -> None:
    """Write a record by hand; an array that is None is left out."""
    arrays = {
        "key": np.array(KEY.parts),
        "frames": features().frames,
        "times_s": np.array(features().times_s),
        "shots_s": np.array(features().shots_s),
    }
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, array in (arrays | changed).items():
            if array is not None:
                file = io.BytesIO()
                np.lib.format.write_array(file, np.asarray(array))
                archive.writestr(f"{name}.npy", file.getvalue())


def test_what_was_never_kept_is_not_there(tmp_path: Path) -> None:
    assert read_features(tmp_path / "absent", KEY) is None


def test_a_pipe_in_place_of_a_record_is_not_waited_for(tmp_path: Path) -> None:
    path = kept(tmp_path)
    path.unlink()
    os.mkfifo(path)
    assert read_features(tmp_path, KEY) is None


def test_a_link_in_place_of_a_record_is_not_followed(tmp_path: Path) -> None:
    path = kept(tmp_path)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert read_features(tmp_path, KEY) is None
    write_features(tmp_path, KEY, features())
    assert same(read_features(tmp_path, KEY), features())


def test_an_array_whose_header_makes_no_sense_is_no_record(tmp_path: Path) -> None:
    path = kept(tmp_path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data.replace(b"{'descr'", b"((('descr"))
    assert read_features(tmp_path, KEY) is None


def test_a_file_with_a_wrong_byte_is_no_record_or_the_same(tmp_path: Path) -> None:
    path = kept(tmp_path)
    whole, chance = path.read_bytes(), random.Random(4)
    lost = 0
    for _ in range(400):
        broken = bytearray(whole)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        path.write_bytes(broken)
        found = read_features(tmp_path, KEY)
        assert found is None or same(found, features())
        lost += found is None
    assert lost > 200


def test_a_file_that_is_cut_short_is_no_record(tmp_path: Path) -> None:
    path = kept(tmp_path)
    whole = path.read_bytes()
    for end in range(0, len(whole), 13):
        path.write_bytes(whole[:end])
        assert read_features(tmp_path, KEY) is None


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"\x80\x04K\x01.", b"PK" * 400])
def test_a_file_of_another_kind_is_no_record(tmp_path: Path, data: bytes) -> None:
    path = kept(tmp_path)
    path.write_bytes(data)
    assert read_features(tmp_path, KEY) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"key": np.array(("x", *KEY.parts[1:]))},
        {"key": np.array(3)},
        {"key": None},
        {"frames": None},
        {"frames": features().frames.astype("f4")},
        {"frames": features().frames.astype(">f2")},
        {"frames": features().frames[0]},
        {"frames": np.zeros((0, 4), "f2")},
        {"frames": np.full((3, 4), np.nan, "f2")},
        {"times_s": np.array([0.0, 1.0])},
        {"times_s": np.array([0.0, np.inf, 1.0])},
        {"times_s": np.array(["0", "1", "2"])},
        {"shots_s": np.zeros((2, 2))},
        {"shots_s": np.array([np.nan])},
    ],
)
def test_a_record_of_something_else_is_none(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = kept(tmp_path)
    written(path)
    assert same(read_features(tmp_path, KEY), features())
    written(path, **changed)
    assert read_features(tmp_path, KEY) is None


def test_a_pickle_within_is_not_run(tmp_path: Path) -> None:
    path = kept(tmp_path)
    written(path, frames=np.array([{"a": 1}], dtype=object))
    assert read_features(tmp_path, KEY) is None


def test_what_could_grow_on_reading_is_not_read(tmp_path: Path) -> None:
    path = kept(tmp_path)
    written(path, zipfile.ZIP_DEFLATED, frames=np.zeros((1000, 1000), "f2"), times_s=np.zeros(0))
    assert read_features(tmp_path, KEY) is None


def test_a_header_that_declares_more_than_there_is_takes_no_memory(tmp_path: Path) -> None:
    path = kept(tmp_path)
    header = b"{'descr': '<f2', 'fortran_order': False, 'shape': (999999999999, 4), }"
    written(path, frames=None)
    with zipfile.ZipFile(path, "a") as archive:
        huge = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        archive.writestr("frames.npy", huge)
    assert read_features(tmp_path, KEY) is None


def test_a_record_that_is_broken_is_replaced(tmp_path: Path) -> None:
    path = kept(tmp_path)
    path.write_bytes(b"broken")
    write_features(tmp_path, KEY, features(5))
    assert same(read_features(tmp_path, KEY), features(5))


def test_a_folder_in_the_place_of_a_record_is_an_error_when_it_is_to_be_replaced(
    tmp_path: Path,
) -> None:
    (tmp_path / file_name(KEY)).mkdir(parents=True)
    assert read_features(tmp_path, KEY) is None
    with pytest.raises(StoreUnavailable, match="cannot be kept"):
        write_features(tmp_path, KEY, features())


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        StoreFull, match=r"no space left for features in .*; all that were"
    ) as error:
        write_features(tmp_path, KEY, features())
    assert "\n" not in str(error.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable, match=r"cannot be kept in .*file/records: Not a dir"):
        write_features(tmp_path / "file" / "records", KEY, features())


@pytest.mark.parametrize(
    "some",
    [
        features(),
        features(1),
        Features(features(1).frames),
        Features(features().frames, (), (0.5,)),
    ],
)
def test_it_gives_back_what_was_kept(tmp_path: Path, some: Features) -> None:
    size = write_features(tmp_path, KEY, some)
    assert same(read_features(tmp_path, KEY), some)
    assert (tmp_path / file_name(KEY)).stat().st_size == size


def test_each_part_of_the_key_tells_records_apart(tmp_path: Path) -> None:
    kept(tmp_path)
    for part in ("content", "backbone", "sampler"):
        other: FeatureKey = replace(KEY, **{part: "another"})
        assert read_features(tmp_path, other) is None
        assert file_name(other) != file_name(KEY)


def test_writers_at_once_leave_one_that_is_whole(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: write_features(tmp_path, KEY, features(3, n)), range(40)))
    assert any(same(read_features(tmp_path, KEY), features(3, n)) for n in range(40))
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
