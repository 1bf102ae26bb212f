import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from yt_dlp.utils import ExtractorError

from tests.unit.genres.trailers.site import LINK, VIDEO, Files, YoutubeIE, site
from tests.unit.media import films
from tigertag.errors import Unreadable
from tigertag.genres.trailers import TrailerLimits
from tigertag.genres.trailers.ytdlp import download

pytestmark = pytest.mark.slow


@pytest.fixture
def files() -> Iterator[Files]:
    with Files(small=films.film(), large=b"\0" * 400_000) as served:
        yield served


@pytest.fixture
def unswept() -> Iterator[None]:
    """yt-dlp leaves connections open where it fails; the process that it runs in ends then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def refusal(folder: Path, one: YoutubeIE, limits: TrailerLimits | None = None) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        download(LINK, folder, limits or TrailerLimits(), (one,))
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "told", [{"is_live": True}, {"live_status": "is_upcoming"}, {"live_status": "post_live"}]
)
def test_a_live_stream_is_refused_unopened(
    tmp_path: Path, files: Files, told: dict[str, Any]
) -> None:
    assert "live" in str(refusal(tmp_path, site(f"{files.url}/small", **told)))
    assert files.asked == []


def test_a_long_video_is_refused_unopened(tmp_path: Path, files: Files) -> None:
    said = str(refusal(tmp_path, site(f"{files.url}/small", duration=5400)))
    assert "90 minutes" in said
    assert files.asked == []


def test_a_video_of_unknown_length_is_refused_unopened(tmp_path: Path, files: Files) -> None:
    assert "how long" in str(refusal(tmp_path, site(f"{files.url}/small", duration=None)))
    assert files.asked == []


def test_a_large_file_is_refused_by_what_the_server_says(tmp_path: Path, files: Files) -> None:
    limits = TrailerLimits(most_bytes=100_000)
    assert "0.1 MB" in str(refusal(tmp_path, site(f"{files.url}/large"), limits))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("unswept")
def test_a_file_that_never_ends_is_cut_off(tmp_path: Path, files: Files) -> None:
    limits = TrailerLimits(most_bytes=1_000_000)
    assert "1 MB" in str(refusal(tmp_path, site(f"{files.url}/endless"), limits))
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) < 3_000_000


def test_a_video_that_lies_elsewhere_is_not_followed(tmp_path: Path, files: Files) -> None:
    elsewhere = {"_type": "url", "url": f"{files.url}/small"}
    assert "single video" in str(refusal(tmp_path, YoutubeIE(lambda: elsewhere)))
    assert files.asked == []


def test_a_file_of_this_machine_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "own"
    folder.mkdir()
    refusal(folder, site((tmp_path / "secret").as_uri()))
    assert [one for one in folder.iterdir() if b"secret" in one.read_bytes()] == []


@pytest.mark.usefixtures("unswept")
def test_a_list_of_parts_reaches_no_file_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "own"
    folder.mkdir()
    parts = f"#EXTM3U\n#EXTINF:9,\n{(tmp_path / 'secret').as_uri()}\n#EXT-X-ENDLIST\n".encode()
    with Files(**{"list.m3u8": parts}) as served:
        one = site(f"{served.url}/list.m3u8")
        one._tell()["formats"][0]["protocol"] = "m3u8_native"
        refusal(folder, one)
    assert [one for one in folder.iterdir() if b"secret" in one.read_bytes()] == []


def test_a_video_with_large_versions_only_is_refused(tmp_path: Path, files: Files) -> None:
    said = str(refusal(tmp_path, site(f"{files.url}/small", height=1080)))
    assert "small version" in said
    assert files.asked == []


@pytest.mark.usefixtures("unswept")
@pytest.mark.parametrize(
    ("status", "retryable"), [(404, False), (403, False), (429, True), (503, True)]
)
def test_a_status_says_whether_to_try_again(
    tmp_path: Path, files: Files, status: int, retryable: bool
) -> None:
    assert refusal(tmp_path, site(f"{files.url}/{status}")).retryable is retryable


@pytest.mark.usefixtures("unswept")
def test_a_server_that_is_gone_may_be_tried_again(tmp_path: Path, files: Files) -> None:
    address = files.url
    files._close()
    caught = refusal(tmp_path, site(f"{address}/small"))
    assert caught.retryable
    assert "reached" in str(caught)


def test_a_private_video_is_one_line_without_the_rest(tmp_path: Path) -> None:
    def tell() -> dict[str, Any]:
        raise ExtractorError("Private video. Sign in if you've been granted access", expected=True)

    assert str(refusal(tmp_path, YoutubeIE(tell))) == "The video is private."


def test_a_bug_of_an_extractor_is_no_crash(tmp_path: Path) -> None:
    told: dict[str, Any] = {}
    assert "update yt-dlp" in str(refusal(tmp_path, YoutubeIE(lambda: dict(told["nothing"]))))


def test_of_a_list_the_first_video_alone_is_taken(tmp_path: Path, files: Files) -> None:
    entries = [site(f"{files.url}/small")._tell() | {"id": f"{VIDEO}{n}"} for n in range(3)]
    several = YoutubeIE(
        lambda: {"_type": "playlist", "id": "list", "title": "A list", "entries": entries}
    )
    download(LINK, tmp_path, TrailerLimits(), (several,))
    assert files.asked == ["small"]


def test_the_small_version_is_taken(tmp_path: Path, files: Files) -> None:
    addresses = (f"{files.url}/small", f"{files.url}/large")
    name = download(LINK, tmp_path, TrailerLimits(), (site(*addresses),))
    assert name == f"{VIDEO}.mp4"
    assert (tmp_path / name).read_bytes() == films.film()
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_an_odd_id_stays_a_plain_name_in_the_folder(tmp_path: Path, files: Files) -> None:
    name = download(
        LINK, tmp_path, TrailerLimits(), (site(f"{files.url}/small", id="../../a b%(x)s"),)
    )
    assert (tmp_path / name).parent == tmp_path
    assert (tmp_path / name).is_file()
