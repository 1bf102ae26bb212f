"""A site of videos: what yt-dlp's extractor would tell of one, and the server that has its file."""

from collections.abc import Callable
from typing import Any

from yt_dlp.extractor.common import InfoExtractor

from tests.wire import FakeHandler, FakeServer

VIDEO = "eUTtt14G31c"
LINK = f"https://www.youtube.com/watch?v={VIDEO}"


class YoutubeIE(InfoExtractor):  # type: ignore[misc]
    """Stands where yt-dlp's own of this name does, and tells what it is given."""

    _VALID_URL = r"https://www\.youtube\.com/watch\?v=(?P<id>[\w-]{11})"

    def __init__(self, tell: Callable[[], dict[str, Any]]) -> None:
        super().__init__()
        self._tell = tell

    def _real_extract(self, _url: str) -> dict[str, Any]:
        return self._tell()


def site(*addresses: str, height: int = 360, **more: Any) -> YoutubeIE:
    """A site whose video has these files; the first is 360 lines high, the next twice that."""
    formats = [
        {"format_id": str(n), "url": url, "ext": "mp4", "height": height * 2**n, "vcodec": "h264"}
        for n, url in enumerate(addresses)
    ]
    told = {"id": VIDEO, "title": "A trailer", "duration": 90, "formats": formats}
    return YoutubeIE(lambda: told | more)


class Files(FakeServer):
    """Serves these, and fails as their names say. Whatever else is asked for is a violation."""

    def __init__(self, **files: bytes) -> None:
        super().__init__(0, _Handler)
        self.files = files
        self.asked: list[str] = []


class _Handler(FakeHandler):
    def do_GET(self) -> None:
        fake = self.server.fake  # type: ignore[attr-defined]
        name = self.path.lstrip("/")
        fake.asked.append(name)
        if name.isdigit():
            self.send_error(int(name))
        elif name == "endless":
            self._endless()
        elif name in fake.files:
            self._whole(fake.files[name])
        else:
            fake.violations.append(f"GET {self.path}")
            self.send_error(404)

    def _whole(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(b"\0" * 65536)
        except OSError:
            return
