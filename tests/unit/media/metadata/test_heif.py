import struct
from time import process_time

from tests.tiffs import box
from tigertag.media import metadata
from tigertag.model import Media

_TIFF = (
    b"\0\0\0\0MM\0\x2a\0\0\0\x08\0\x01"  # no offset; a directory with one entry
    b"\x01\x10\0\x02\0\0\0\x04FC1\0\0\0\0\0"  # the model: FC1
)
_EXTENT = struct.Struct(">II")


def heic(*extents: tuple[int, int]) -> bytes:
    """A file whose second item is Exif data, at the end; its first item has these extents."""

    def made(exif_at: int) -> bytes:
        entry = struct.pack(">BxxxHH", 2, 2, 0) + b"Exif\0"
        iloc = struct.pack(">BxxxBBH", 0, 0x44, 0, 2)
        iloc += struct.pack(">HHH", 1, 0, len(extents))
        iloc += b"".join(_EXTENT.pack(*extent) for extent in extents)
        iloc += struct.pack(">HHH", 2, 0, 1) + _EXTENT.pack(exif_at, len(_TIFF))
        iinf = box(b"iinf", b"\0\0\0\0\0\1", box(b"infe", entry))
        meta = box(b"meta", b"\0\0\0\0", iinf, box(b"iloc", iloc))
        return box(b"ftyp", b"heic\0\0\0\0heic") + meta

    return made(len(made(0))) + _TIFF


def test_items_in_many_extents_are_passed_over() -> None:
    known = metadata.read(heic((1, 2), (3, 4), (5, 6)), Media.PHOTO)
    assert known.camera == "FC1"


def test_extents_that_take_no_room_take_no_time() -> None:
    items = b"".join(struct.pack(">HHH", number, 0, 65_535) for number in range(4096))
    iloc = box(b"iloc", struct.pack(">BxxxBBH", 0, 0, 0, 4096), items)
    data = box(b"ftyp", b"heic\0\0\0\0heic") + box(b"meta", b"\0\0\0\0", iloc)
    start = process_time()
    metadata.read(data, Media.PHOTO)
    assert process_time() - start < 1
