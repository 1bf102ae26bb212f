import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.unit.media.films import film, made, pictures
from tests.unit.media.pictures import encoded, halves
from tests.unit.media.video.asking import SAMPLINGS, frames, numbers, refusal, times
from tigertag.contracts import Sampling
from tigertag.errors import ItemError, ItemGone, Unreadable
from tigertag.media import video

pytestmark = pytest.mark.slow

SHOTS = (25, 25, 25, 25)
KEY, KEY_ID = "76a6c65c5ea762046bd749a2e632ccbb", "a7e61c373e219033c21091fa607bf3b8"


def sound(*, cover: bytes = b"") -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=8000, layout="mono")
        picture = output.add_stream("mjpeg") if cover else None
        if picture is not None:
            assert isinstance(picture, av.VideoStream)
            picture.width, picture.height, picture.pix_fmt = 96, 64, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if picture is not None:
            packet = av.Packet(cover)
            packet.stream, packet.pts, packet.dts = picture, 0, 0
            output.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_file_of_sound_only_is_refused(sampling: Sampling) -> None:
    assert "only sound" in str(refusal(sound(), sampling))


def test_the_cover_of_a_song_is_no_video() -> None:
    assert "only sound" in str(refusal(sound(cover=encoded(halves(), "JPEG"))))


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_video_without_frames_is_refused(sampling: Sampling) -> None:
    whole = film(muxing=(("movflags", "frag_keyframe+empty_moov"),))
    begun = whole[: whole.index(b"moof") - 4]
    assert "No frame" in str(refusal(begun, sampling))


@pytest.mark.parametrize(("form", "message"), [("matroska", "cut short"), ("mp4", "no video")])
def test_a_file_that_was_only_begun_is_refused(form: str, message: str) -> None:
    assert message in str(refusal(made([], form=form)))


def test_an_empty_file_is_refused() -> None:
    assert "empty" in str(refusal(b""))


@pytest.mark.parametrize("data", [b"some text\n" * 50, b"#EXTM3U\n#EXT-X-VERSION:3\n", bytes(500)])
def test_what_is_no_video_is_refused(data: bytes) -> None:
    assert "not a video" in str(refusal(data))


def test_a_play_list_does_not_open_other_files(tmp_path: Path) -> None:
    (tmp_path / "other.mp4").write_bytes(film())
    list_ = tmp_path / "list.mp4"
    list_.write_text("ffconcat version 1.0\nfile other.mp4\n")
    assert "not a video" in str(refusal(list_))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_with_the_name_of_a_video_is_named_as_such(tmp_path: Path, kind: str) -> None:
    (tmp_path / "film.mp4").write_bytes(encoded(halves(), kind))
    assert "picture" in str(refusal(tmp_path / "film.mp4"))


def test_a_moving_gif_is_a_video(tmp_path: Path) -> None:
    moving = [Image.fromarray(picture) for picture in pictures((30, 30))]
    file = io.BytesIO()
    moving[0].save(file, "GIF", save_all=True, append_images=moving[1:], duration=40)
    (tmp_path / "film.mp4").write_bytes(file.getvalue())
    assert len(times(tmp_path / "film.mp4")) == 6


def test_a_file_is_read_whatever_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(film((50,), form="matroska"))
    assert numbers(tmp_path / "film.mp4") == [0, 10, 20, 30, 40]


@pytest.mark.parametrize(
    "name", ["file:x.mp4", "concat:a|b.mp4", "50%.mp4", "ü 日本.mp4", "-i.mp4"]
)
def test_any_name_is_just_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(film())
    assert len(frames(Path(name))) == 5


def test_a_name_that_is_not_unicode_is_read(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4"))
    path.write_bytes(film())
    assert len(frames(path)) == 5


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_an_mp4_without_its_table_is_named_as_unfinished(sampling: Sampling) -> None:
    whole = film()
    assert "cut short" in str(refusal(whole[: whole.index(b"moov") - 4], sampling))


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("form", ["matroska", "mpegts", "faststart"])
def test_of_a_file_that_is_cut_what_is_there_is_seen(form: str, sampling: Sampling) -> None:
    fast = (("movflags", "faststart"),) if form == "faststart" else ()
    whole = film(SHOTS, form="mp4" if fast else form, muxing=fast)
    result = times(whole[: len(whole) // 2], sampling)
    assert len(result) > 1
    assert max(each or 0.0 for each in result) < 3.0


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_live_recording_without_a_table_or_a_length_is_read(sampling: Sampling) -> None:
    data = film(SHOTS, form="matroska", muxing=(("live", "1"),))
    result = times(data, sampling)
    assert max(each or 0.0 for each in result) > 3.0


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize(("form", "codec"), [("h264", "libx264"), ("hevc", "libx265")])
def test_a_bare_stream_without_any_time_is_read(form: str, codec: str, sampling: Sampling) -> None:
    result = times(film(SHOTS, form=form, codec=codec), sampling)
    assert max(each or 0.0 for each in result) > 3.0


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_protected_video_is_refused(sampling: Sampling) -> None:
    scheme = (
        ("encryption_scheme", "cenc-aes-ctr"),
        ("encryption_key", KEY),
        ("encryption_kid", KEY_ID),
    )
    assert "DRM" in str(refusal(film(muxing=scheme), sampling))


@pytest.mark.parametrize("kind", [b"encv", b"drmi"])
def test_a_video_that_only_its_shop_can_decode_is_refused(kind: bytes) -> None:
    assert "DRM" in str(refusal(film().replace(b"avc1", kind)))


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_frames_that_are_broken_are_left_out(sampling: Sampling) -> None:
    data = bytearray(film(SHOTS, form="mpegts"))
    data[len(data) // 3 : len(data) // 2] = np.random.default_rng(1).bytes(
        len(data) // 2 - len(data) // 3
    )
    assert 1 < len(times(bytes(data), sampling)) < 50


def seen_or_said(data: bytes) -> bool:
    try:
        return len(frames(data)) > 0
    except ItemError as exc:
        return "\n" not in str(exc)


@pytest.mark.parametrize("form", ["mp4", "matroska", "mpegts", "avi"])
def test_it_gives_frames_or_one_clear_word_whatever_bits_are_flipped(form: str) -> None:
    whole = film((50,), form=form)
    random = np.random.default_rng(3)
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(3):
            broken[random.integers(len(whole))] ^= 1 << int(random.integers(8))
        assert seen_or_said(bytes(broken))


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_video_of_one_frame_gives_it(sampling: Sampling) -> None:
    assert times(film((1,)), sampling) == [0.0]


def test_a_very_large_frame_is_read() -> None:
    large = np.full((4320, 7680, 3), 60, np.uint8)
    large[:, 3840:] = 180
    data = made([large], codec="mjpeg", pixel="yuvj420p", size=(7680, 4320))
    assert frames(data, short_side_px=256)[0].pixels.shape == (256, 455, 3)


def test_a_video_too_large_to_be_safe_is_refused() -> None:
    data = bytearray(film((1,), form="avi", codec="rawvideo"))
    place = data.index(b"strf") + 12
    data[place : place + 8] = struct.pack("<II", 12_000, 12_000)
    assert "12000 x 12000" in str(refusal(bytes(data)))


def test_a_file_that_went_away_is_gone(tmp_path: Path) -> None:
    with pytest.raises(ItemGone):
        frames(tmp_path / "gone.mp4")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "film.mp4")
    assert "regular" in str(refusal(tmp_path / "film.mp4"))


def test_an_error_of_the_disk_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "film.mp4").write_bytes(film())

    def fail(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(Unreadable, match="not permitted") as caught:
        frames(tmp_path / "film.mp4")
    assert caught.value.retryable


@pytest.mark.parametrize("package", ["av", "cv2", "scenedetect"])
def test_without_the_extra_it_says_what_to_install(package: str) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
from tigertag.contracts import Sampling
from tigertag.errors import Unreadable
from tigertag.media import video
try:
    video.footage(b"", Sampling(), short_side_px=96, most=1)
except Unreadable as exc:
    print(exc)
"""
    message = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert "tigertag[video]" in message


def test_the_decoder_is_loaded_when_it_is_needed() -> None:
    code = "import sys, tigertag.media.video; print(*{'av', 'cv2', 'scenedetect'} & {*sys.modules})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""


def test_a_still_of_what_is_no_video_is_refused() -> None:
    with pytest.raises(Unreadable, match="not a video"):
        video.still(b"text", short_side_px=96)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_film_whose_size_changes_midway_is_read(sampling: Sampling) -> None:
    small, large = film((50,), form="mpegts"), film((50,), form="mpegts", size=(192, 108))
    shapes = {frame.pixels.shape for frame in frames(small + large, sampling)}
    assert shapes
    assert shapes <= {(96, 128, 3), (96, 171, 3)}
