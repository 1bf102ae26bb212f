"""A strict fake of Plex Media Server on a real socket, and its owner's hands on it."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.plex.faults import Faults
from tests.plex.handler import Handler
from tests.plex.listing import Habits
from tests.plex.owner import Owner
from tests.wire import Wire

TOKEN = "t0ken-of-the-owner"


class PlexServer(Owner):
    """`with PlexServer() as plex:` serves on `plex.url` to whoever sends `plex.token`.

    What no client of Plex does, such as a token in a URL, is kept in `violations` and raised when
    the block ends. `counts` are the requests by kind, `log` their methods, paths and queries.
    `transcode_s`: how long a small picture takes, besides the work. `sent_bytes`: of files.
    `clips_take_tags`: whether an edit of a clip's tags changes them, which is not known of Plex.
    """

    def __init__(self, *, port: int = 0, token: str = TOKEN) -> None:
        super().__init__()
        self.token = token
        self.clips_take_tags = True
        self.bears_missing = True
        self.silence_s = 1.0
        self.transcode_s = 0.0
        self.habits = Habits()
        self.faults = Faults()
        self.sent_bytes = 0
        self.counts: Counter[str] = Counter()
        self.log: deque[str] = deque(maxlen=100_000)
        self.violations: list[str] = []
        self.before_edit: Callable[[], None] = lambda: None
        self._wire = _Wire(port, self)
        self._thread = threading.Thread(target=self._wire.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._wire.shutdown()
        self._thread.join()
        self._wire.hang_up()
        self._wire.server_close()
        if kind is None and self.violations:
            raise AssertionError(
                "Plex was asked what nobody asks it: " + "; ".join(self.violations)
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._wire.server_port}"

    def fail(
        self, kind: int | str, *, at: str = "", after: int = 0, times: float = float("inf")
    ) -> None:
        """Let requests fail whose `METHOD /path?query` holds `at`.

        `kind` is a status, "maintenance" (503), "html" or "empty" (both 200), "garbled" (XML that
        ends too early), "reset" (in the middle of the body), "silent" (an answer that comes too
        late), for lists "short", "twice" (an item) or "cut" (no items), and for spans of files
        "whole" (all of it). The first `after` requests that match are served, the next `times`
        fail; `mend()` ends all that.
        """
        self.faults.add(kind, at=at, after=after, times=times)

    def mend(self) -> None:
        self.faults.clear()

    def hang_up(self) -> None:
        """Cut all connections, as a restart does."""
        self._wire.hang_up()


class _Wire(Wire):
    def __init__(self, port: int, plex: PlexServer) -> None:
        self.plex = plex
        super().__init__(port, Handler)
