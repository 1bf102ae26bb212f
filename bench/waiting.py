"""A paid service that takes 200 ms for each picture, and the engine that asks it (a plugin).

`python -m bench.waiting` serves until SIGTERM: it prints its address, and how many were asked
about at the end.
"""

import asyncio
import json
import signal
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from tigertag import concepts
from tigertag.contracts import Capabilities, Engine, Host, Labelled, Outcome, RunContext
from tigertag.engines.http.jpeg import to_jpeg
from tigertag.model import Label, Media, Sample

LATENCY_S = 0.2
_SIDE_PX = 64
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: str


class Waiting:
    """Asks about one picture after the other; each is reserved and settled in the ledger."""

    fingerprint = "waiting-1"
    capabilities = Capabilities(
        frozenset({Media.PHOTO}), short_side_px=_SIDE_PX, max_concurrency=1, units_per_item=1
    )

    def __init__(self, id: str, url: str) -> None:
        self.id = id
        self._host = urlsplit(url).netloc

    def open(self) -> None:
        tree = concepts.load()
        classes = tree.imagenet[281:283]
        self._labels = tuple(Label(tree.name(id), 0.9, id) for id in classes)
        self._connection = HTTPConnection(self._host)

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        for sample in batch:
            if run.cancelled():
                return
            picture = to_jpeg(sample.frames[0], short_side_px=_SIDE_PX)
            call = run.calls.reserve(
                sample.id, host=self._host, size_bytes=len(picture), units=1, cost_usd=0.0
            )
            self._connection.request("POST", "/", picture)
            self._connection.getresponse().read()
            call.settle(units=1, cost_usd=0.0)
            yield Labelled(sample.id, self._labels, "waiting")

    def close(self) -> None:
        self._connection.close()


def build(id: str, options: Options, host: Host) -> Engine:
    return Waiting(id, options.url)


class _Service:
    def __init__(self) -> None:
        self.asked = 0

    async def run(self) -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        print(f"http://{host}:{port}", flush=True)
        await ended.wait()
        print(json.dumps({"asked": self.asked}), flush=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes over one connection: a head, then a picture of the length it names."""
        while head := await self._head(reader):
            await reader.readexactly(_length(head))
            await asyncio.sleep(LATENCY_S)
            self.asked += 1
            writer.write(_ANSWER)
            await writer.drain()
        writer.close()

    @staticmethod
    async def _head(reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            return b""


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().splitlines())
    return next(int(value) for name, _colon, value in lines if name == b"content-length")


if __name__ == "__main__":
    asyncio.run(_Service().run())
