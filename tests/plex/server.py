"""A strict fake of Plex Media Server on a real socket, and its owner's hands on it."""

from collections.abc import Callable

from tests.media_server import FakeMediaServer
from tests.plex.handler import Handler
from tests.plex.listing import Habits
from tests.plex.owner import Owner

TOKEN = "t0ken-of-the-owner"
MACHINE = "6d0b4e4c2a8f4b6f9a3e5c7d1f2a4b6c8d0e1f23"


class PlexServer(Owner, FakeMediaServer):
    """`with PlexServer() as plex:` serves on `plex.url` to whoever sends `plex.token`.

    What no client of Plex does, such as a token in a URL, is kept in `violations` and raised when
    the block ends. `counts` are the requests by kind, `log` their methods, paths and queries.
    `transcode_s`: how long a small picture takes, besides the work. `sent_bytes`: of files.
    `clips_take_tags`: whether an edit of a clip's tags changes them, which is not known of Plex.
    `machine` tells the server from others.
    """

    blame = "Plex was asked what nobody asks it"

    def __init__(self, *, port: int = 0, token: str = TOKEN) -> None:
        Owner.__init__(self)
        FakeMediaServer.__init__(self, port, Handler)
        self.token = token
        self.machine = MACHINE
        self.clips_take_tags = True
        self.bears_missing = True
        self.transcode_s = 0.0
        self.habits = Habits()
        self.sent_bytes = 0
        self.before_edit: Callable[[], None] = lambda: None
        self.retry_after = ""
        """What faults that are a status ask for."""
