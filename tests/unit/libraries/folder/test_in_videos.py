"""The keywords within a video's file are read, shown and carried over as a photo's are."""

import io
import os
from pathlib import Path

import pytest

from tests.exiftool import ExifTool
from tests.unit.libraries.folder.folders import FolderPlace
from tests.unit.libraries.folder.test_hidden import (
    goes_there_and_back,
    in_xmp,
    owners,
    seen,
    words,
)
from tests.unit.media.films import film
from tigertag.media.embedded import keywords

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
PACKET = owners({"digiKam:TagsList": ["Family/Anna"], "dc:subject": ["Anna"]}).encode()
FTYP = b"\0\0\0\x10ftypisom\0\0\0\0"


def box(kind: bytes, *content: bytes, size: int | None = None) -> bytes:
    """A box; `size` is what it says of itself, rightly unless it is given."""
    inner = b"".join(content)
    return (len(inner) + 8 if size is None else size).to_bytes(4, "big") + kind + inner


def large(kind: bytes, length: int) -> bytes:
    """The head of a box of 64-bit size."""
    return box(kind, size=1)[:8] + (length + 16).to_bytes(8, "big")


def apple(*pairs: tuple[bytes, bytes], kind: int = 1) -> bytes:
    """QuickTime's metadata: the names of the keys, and a value for each."""
    names = b"".join(box(b"mdta", key) for key, _value in pairs)
    values = b"".join(
        box(number.to_bytes(4, "big"), box(b"data", kind.to_bytes(4, "big"), bytes(4), value))
        for number, (_key, value) in enumerate(pairs, 1)
    )
    handler = box(b"hdlr", bytes(8), b"mdta", bytes(13))
    keys = box(b"keys", bytes(4), len(pairs).to_bytes(4, "big"), names)
    return box(b"meta", handler, keys, box(b"ilst", values))


def in_uuid(packet: bytes) -> bytes:
    return box(b"uuid", XMP_UUID, packet)


def in_quicktime(packet: bytes) -> bytes:
    # QuickTime ends its user data with four bytes of zeros.
    udta = box(b"udta", box(b"\xa9nam", b"film"), box(b"XMP_", packet), bytes(4))
    return box(b"moov", box(b"mvhd", bytes(100)), udta)


MDAT = box(b"mdat", bytes(range(256)) * 20)
WRITTEN = {
    "clip.mp4": FTYP + MDAT + in_uuid(PACKET),
    "clip.m4v": FTYP + in_uuid(PACKET) + MDAT,
    "clip.MOV": FTYP + box(b"wide") + MDAT + in_quicktime(PACKET),
    "clip.3gp": FTYP + MDAT + box(b"uuid", XMP_UUID, PACKET, size=0),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_xmp_in_a_video_is_read(place: FolderPlace, name: str) -> None:
    (place.root / name).write_bytes(WRITTEN[name])
    assert (words(seen(place, name)), seen(place, name).paths) == (["Anna"], ("Family/Anna",))


@pytest.mark.parametrize("key", [b"com.apple.quicktime.keywords", b"keywords"])
def test_quicktimes_own_keywords_are_read(place: FolderPlace, key: bytes) -> None:
    title = (b"com.apple.quicktime.title", b"Zoo")
    moov = box(b"moov", apple(title, (key, "Änna, at home".encode())))
    (place.root / "a.mov").write_bytes(FTYP + moov)
    assert words(seen(place, "a.mov")) == ["Änna", "at home"]


def test_keywords_in_a_video_are_carried_over_and_never_taken_for_ours(place: FolderPlace) -> None:
    (place.root / "a.mp4").write_bytes(WRITTEN["clip.mp4"])
    goes_there_and_back(place, "a.mp4", "koala")
    found = {one.local: list(entries) for one, entries in in_xmp(place, "a.mp4").keywords.items()}
    assert found == {"subject": ["Anna", "koala"], "TagsList": ["Family/Anna", "koala"]}
    assert words(place.send("a.mp4", removes=("koala",)).after) == ["Anna"]


class Watched(io.BytesIO):
    """A file that counts what is read of it."""

    count = taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.count += 1
        self.taken += len(found)
        return found


def test_the_pictures_and_the_sound_are_not_read() -> None:
    stream = Watched(FTYP + MDAT * 10 + in_uuid(PACKET))
    assert keywords(stream).packets == (PACKET,)
    assert stream.taken < len(PACKET) + 500


def test_what_stands_behind_pictures_of_more_than_4_gb_is_read(place: FolderPlace) -> None:
    long = 5 << 30
    with (place.root / "a.mp4").open("wb") as file:
        file.write(FTYP + large(b"mdat", long))
        file.seek(long, os.SEEK_CUR)
        file.write(in_uuid(PACKET))
    assert words(seen(place, "a.mp4")) == ["Anna"]


BROKEN = {
    "empty": b"",
    "no video": PACKET,
    "cut short": FTYP + MDAT + in_uuid(PACKET)[:-9],
    "smaller than its head": FTYP + box(b"moov", size=7) + in_uuid(PACKET),
    "larger than what it is in": FTYP + box(b"moov", box(b"udta", box(b"XMP_", size=99))),
    "a size without end": FTYP + large(b"moov", (1 << 64) - 17) + in_uuid(PACKET),
    "keys of no names": FTYP + box(b"moov", box(b"meta", box(b"keys", b"\0\0"), box(b"ilst"))),
    "smaller than its own name": FTYP + box(b"uuid") + XMP_UUID + PACKET,
    "no XMP": FTYP + in_uuid(b"<x:xmpmeta"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_broken_in_a_video_is_none(place: FolderPlace, kind: str) -> None:
    (place.root / "a.mp4").write_bytes(BROKEN[kind])
    assert words(place.send("a.mp4", adds=("koala",)).after) == ["koala"]


def test_a_file_of_countless_boxes_ends() -> None:
    stream = Watched(FTYP + box(b"free") * 100_000 + in_uuid(PACKET))
    assert keywords(stream).packets == ()
    assert stream.count < 2000


def test_a_packet_without_measure_is_not_read() -> None:
    stream = Watched(FTYP + in_uuid(bytes(33 << 20)))
    assert keywords(stream).packets == ()
    assert stream.taken < 500


def test_a_video_without_such_boxes_is_not_opened(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.mkv", "a.avi"):
        (place.root / name).write_bytes(WRITTEN["clip.mp4"])
    monkeypatch.setattr(Path, "open", lambda *_about, **_how: pytest.fail("a film was opened"))
    assert [words(seen(place, name)) for name in ("a.mkv", "a.avi")] == [[], []]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_what_another_program_wrote_into_a_video_stays_visible(
    place: FolderPlace, exiftool: ExifTool, name: str
) -> None:
    video = place.root / name
    video.write_bytes(film((3,), form=name[2:]))
    exiftool.write(video, "XMP-digiKam:TagsList=Family/Anna", "Keys:Keywords=Zoo")
    assert words(seen(place, name)) == ["Anna", "Zoo"]
    before = exiftool.immich(video)
    goes_there_and_back(place, name, "koala")
    assert {*before, "Zoo", "koala"} <= {*exiftool.immich(video)}
