from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from time import process_time

import pytest
from PIL.PngImagePlugin import PngInfo

from tests.tiffs import (
    COMMENT,
    LENS,
    MAKE,
    MODEL,
    NOTE,
    OFFSET,
    RENDERED,
    TAKEN,
    VIENNA,
    apple_note,
    exif,
    picture,
    xmp,
)
from tigertag.errors import ItemGone, Unreadable
from tigertag.media import metadata
from tigertag.media.metadata import marks
from tigertag.media.metadata.xmp import read as read_packet
from tigertag.model import Media, Metadata

PHONE = {MAKE: "Apple", MODEL: "iPhone 12"}
SUMMER = {TAKEN: "2021:07:01 14:00:00", OFFSET: "+02:00", LENS: "iPhone 12 front camera"}


def read(data: bytes) -> Metadata:
    return metadata.read(data, Media.PHOTO)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG", "AVIF"])
def test_camera_time_and_place_are_read_of_each_format(kind: str) -> None:
    known = read(picture(kind, exif(PHONE, SUMMER, VIENNA)))
    assert (known.make, known.camera, known.lens) == ("Apple", "iPhone 12", SUMMER[LENS])
    assert known.taken_at == datetime(2021, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert known.latitude == pytest.approx(48.2082)
    assert known.longitude == pytest.approx(16.3738)
    assert known.size_px == (64, 48)


def test_a_heic_is_read_without_its_decoder() -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    data = exif(PHONE, SUMMER, VIENNA)
    packet = xmp('GCamera:MotionPhoto="1"')
    known = read(picture("HEIF", data, (192, 128), xmp=packet))
    assert (known.camera, known.size_px) == ("iPhone 12", (192, 128))
    assert known.marks == {marks.MOTION_PHOTO}


def test_a_tiff_is_a_directory_of_tags_itself() -> None:
    assert read(picture("TIFF", exif(PHONE))).camera == "iPhone 12"


def test_a_file_is_read_as_its_bytes_are(tmp_path: Path) -> None:
    data = picture(data=exif(PHONE, SUMMER, VIENNA))
    (tmp_path / "a.jpg").write_bytes(data)
    assert metadata.read(tmp_path / "a.jpg", Media.PHOTO) == read(data)


def test_the_beginning_of_a_file_is_enough() -> None:
    data = picture(data=exif(PHONE, SUMMER, VIENNA), size=(1200, 1200))
    assert read(data[: len(data) // 2]) == read(data)


def test_a_picture_on_its_side_has_its_upright_size() -> None:
    assert read(picture(data=exif({0x0112: 6}))).size_px == (48, 64)


def test_xmp_marks_are_read() -> None:
    packet = xmp('GPano:ProjectionType="equirectangular" GCamera:MicroVideo="1"')
    assert read(picture(xmp=packet)).marks == {marks.PANORAMA, marks.MOTION_PHOTO}


def test_xmp_that_opens_element_after_element_takes_no_time() -> None:
    packet = b"exif:UserComment='<rdf:li " * 9000
    start = process_time()
    read_packet(packet)
    assert process_time() - start < 0.2


def test_xmp_that_is_cut_short_still_tells_what_is_there() -> None:
    data = picture(xmp=xmp('GCamera:BurstID="7" photoshop:Instructions="' + "x" * 9000 + '"'))
    assert read(data[:3000]).marks == {marks.BURST}


def test_the_maker_note_of_a_phone_tells_burst_live_photo_and_front_camera() -> None:
    note = apple_note({0x0B: "A-BURST", 0x11: "A-VIDEO"}, {0x2E: 6})
    known = read(picture(data=exif(PHONE, {NOTE: note})))
    assert known.marks == {marks.BURST, marks.LIVE_PHOTO, marks.FRONT_CAMERA}


def test_custom_rendered_6_is_a_panorama() -> None:
    assert read(picture(data=exif(PHONE, {RENDERED: 6}))).marks == {marks.PANORAMA}


@pytest.mark.parametrize("text", [b"ASCII\0\0\0Screenshot", b"UNICODE\0S\0c\0r\0e\0e\0n\0"])
def test_a_comment_is_read_in_its_character_set(text: bytes) -> None:
    assert read(picture(data=exif(photo={COMMENT: text}))).comment.startswith("Screen")


def test_a_png_names_its_program_in_a_text() -> None:
    info = PngInfo()
    info.add_text("Software", "gnome-screenshot")
    known = read(picture("PNG", pnginfo=info))
    assert (known.software, known.marks) == ("gnome-screenshot", frozenset({marks.PNG}))


def test_a_compressed_text_that_would_fill_the_memory_is_cut() -> None:
    info = PngInfo()
    info.add_text("Comment", "a" * 50_000_000, zip=True)
    assert len(read(picture("PNG", pnginfo=info)).comment) < 300_000


def test_without_an_offset_the_satellites_clock_tells_it() -> None:
    gps = VIENNA | {7: (12.0, 0.0, 3.0), 29: "2021:07:01"}
    known = read(picture(data=exif(photo={TAKEN: SUMMER[TAKEN]}, gps=gps)))
    assert known.taken_at == datetime(2021, 7, 1, 12, tzinfo=UTC)


def test_a_satellites_clock_that_is_hours_and_minutes_off_tells_nothing() -> None:
    gps = VIENNA | {7: (12.0, 7.0, 0.0), 29: "2021:07:01"}
    known = read(picture(data=exif(photo={TAKEN: SUMMER[TAKEN]}, gps=gps)))
    assert known.taken_at == datetime(2021, 7, 1, 14)


@pytest.mark.parametrize(
    "taken", ["0000:00:00 00:00:00", "2021:13:01 10:00:00", "    :  :     :  :  ", "soon", "0001"]
)
def test_a_time_that_cannot_be_is_none(taken: str) -> None:
    assert read(picture(data=exif(photo={TAKEN: taken}))).taken_at is None


@pytest.mark.parametrize(
    "place",
    [
        {2: (200.0, 0.0, 0.0)},
        {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
        {1: "?"},
        {3: ""},
        {2: (48.0,) * 9},
    ],
    ids=["latitude 200", "0, 0", "no hemisphere", "empty side", "nine parts"],
)
def test_a_place_that_cannot_be_is_none(place: dict[int, object]) -> None:
    known = read(picture(data=exif(gps=VIENNA | place)))
    assert (known.latitude, known.longitude) == (None, None)


def test_a_place_with_a_denominator_of_zero_is_none() -> None:
    data = bytearray(picture(data=exif(gps=VIENNA)))
    at = data.index((48).to_bytes(4, "big") + (1).to_bytes(4, "big"))
    data[at + 4 : at + 8] = bytes(4)
    assert read(bytes(data)).latitude is None


def test_ten_megabytes_of_maker_notes_are_passed_over() -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    note = apple_note({0x0B: "A-BURST"}) + b"\xff" * 10_000_000
    known = read(picture("HEIF", exif(PHONE, SUMMER | {NOTE: note})))
    assert (known.camera, known.marks) == ("iPhone 12", frozenset({marks.BURST}))


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"text", b"\x89PNG\r\n\x1a\n", b"II*\0"])
def test_what_is_no_picture_says_nothing(content: bytes) -> None:
    assert read(content).camera == ""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_bytes_that_were_cut_or_changed_never_raise(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    note = apple_note({0x0B: "A-BURST"})
    whole = picture(kind, exif(PHONE, SUMMER | {NOTE: note}, VIENNA))
    for at in range(0, min(len(whole), 1200), 3):
        for value in (0, 0x7F, 0xFF):
            read(whole[:at] + bytes([value]) + whole[at + 1 :])
        read(whole[:at])
    assert not caplog.records


def test_a_file_that_is_gone_is_an_error_of_the_item(tmp_path: Path) -> None:
    with pytest.raises(ItemGone):
        metadata.read(tmp_path / "gone.jpg", Media.PHOTO)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        metadata.read(tmp_path, Media.PHOTO)
