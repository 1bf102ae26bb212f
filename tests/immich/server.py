"""A strict fake Immich on a real socket: 3.1 lists by pages, 3.2 by a cursor too, if asked so."""

import time
from typing import Self

from tests.immich.admin import Admin
from tests.immich.handler import Handler
from tests.immich.holdings import LEAST
from tests.media_server import FakeMediaServer

KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF"
_VERSIONS = {"3.1": (3, 1, 0), "3.2": (3, 2, 0)}


class ImmichServer(Admin, FakeMediaServer):
    """`with ImmichServer() as server:` serves on `server.url` to whoever sends `server.key`.

    What a tagger must never do is raised when the block ends, unless the server is not `strict`.
    `counts` are the requests by route, `log` their methods, paths and queries, without keys.
    `State` says what else can be set.
    """

    blame = "Immich was asked what a tagger must never ask"

    def __init__(self, version: str = "3.1", *, port: int = 0, key: str = KEY) -> None:
        FakeMediaServer.__init__(self, port, Handler)
        Admin.__init__(self, _VERSIONS[version])
        self.version = version
        self.ranges = True
        self.preview_format, self.preview_size = "JPEG", 1_440
        self.key = self.add_key(*LEAST, name="tigertag", secret=key)

    def __enter__(self) -> Self:
        self.jobs.start()
        return super().__enter__()

    def _close(self) -> None:
        self.jobs.end()
        self.pool.restart()
        super()._close()

    def restart(self) -> None:
        """Cut all connections. What waits in the queues goes on; a pool that hung is free again."""
        self.pool.restart()
        self.hang_up()

    def settle(self, timeout_s: float = 10.0) -> None:
        """Wait until nothing is left to do in the queues."""
        end = time.monotonic() + timeout_s
        while not self.jobs.idle:
            if time.monotonic() > end:
                raise TimeoutError("The fake's queues are still at work")
            time.sleep(0.002)
