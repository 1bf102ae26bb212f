"""An Imagga engine over a fake server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.counted import CountedCalls
from tests.imagga import KEY, SECRET, ImaggaServer
from tests.unit.engines.engine_contract import photo
from tigertag.contracts import NOTICE, Host, Labelled, Outcome, PluginStateInMemory, RunContext
from tigertag.engines.imagga import Imagga, Options, build
from tigertag.model import Sample
from tigertag.net import HttpClient, RetryPolicy

HASTE = RetryPolicy(connect_s=2.0, read_s=2.0, attempts=4, first_wait_s=0.005, longest_wait_s=0.05)


class Imaggas:
    """A fake server, and an engine that is set up for it; what it reserves, and what it keeps."""

    def __init__(
        self, imagga: ImaggaServer, *, patience: RetryPolicy = HASTE, **options: Any
    ) -> None:
        self.imagga = imagga
        self.calls = CountedCalls()
        self.kept = PluginStateInMemory()
        self.http = HttpClient(patience)
        self._options = {"api_url": imagga.url, "api_key": KEY, "api_secret": SECRET} | options
        self.engine = self.again()

    def again(self) -> Imagga:
        host = Host(Path("models"), self.http, self.kept)
        return build("im", Options.model_validate(self._options), host)

    def close(self) -> None:
        self.engine.close()
        self.http.close()

    @property
    def bodies(self) -> list[bytes]:
        return list(self.imagga.bodies)

    @property
    def requests(self) -> int:
        return self.imagga.requests

    def break_down(self) -> None:
        for at in ("uploads", "tags", "delete", "usage"):
            self.imagga.fail(at, 503, times=float("inf"))

    @property
    def notice(self) -> str | None:
        return self.kept.get(NOTICE)

    @property
    def settled(self) -> list[tuple[int, float | None] | None]:
        """What became of the reservations, in their order; None: counted as spent."""
        return [one.settled for one in self.calls.made]

    def open(self) -> "Imaggas":
        self.engine.open()
        return self

    def said(self, *batch: Sample) -> dict[str, Outcome]:
        run = RunContext(calls=self.calls)
        return {one.sample: one for one in self.engine.tag(batch, run)}

    def one(self) -> Outcome:
        """What it says of one photo, once all that comes afterwards is done."""
        outcome = self.said(photo())["1"]
        self.engine.close()
        return outcome

    def labelled(self) -> Labelled:
        outcome = self.one()
        assert isinstance(outcome, Labelled), outcome
        return outcome


def photos(number: int) -> Sequence[Sample]:
    return [photo(str(one), width_px=64, height_px=48) for one in range(number)]
