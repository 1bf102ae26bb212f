"""A writer to a fake Immich, as the library has one, with waits of a few milliseconds."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from tests.immich import ImmichServer
from tigertag.contracts import EditOutcome, NotRead, PluginState
from tigertag.contracts.host import PluginStateInMemory
from tigertag.libraries.immich.errors import ImmichErrors
from tigertag.libraries.immich.names import TagNames
from tigertag.libraries.immich.server import REPEATABLE, ImmichClient
from tigertag.libraries.immich.settling import Pace, Settling
from tigertag.libraries.immich.tags import ShownByImmich, TagIndex
from tigertag.libraries.immich.writing import ImmichSender
from tigertag.libraries.mediaserver.sending import Reader
from tigertag.model import Edit, Field, Item, TagRef
from tigertag.net import HttpClient, RetryPolicy

PACE = Pace(
    settle_s=0.04,
    moved_within_s=3.0,
    look_s=0.02,
    slower_s=0.02,
    look_again_s=0.02,
)
EXTRACTION_S = 0.02
WRITE = "PUT /api/tags/assets"


class WriterPlace:
    """The owner of a fake Immich, and TigerTag's writer to it."""

    def __init__(
        self,
        server: ImmichServer,
        closing: ExitStack,
        *,
        parent: str = "",
        state: PluginState | None = None,
        pace: Pace = PACE,
        timeout_s: float = 5.0,
    ) -> None:
        self.server = server
        server.extraction_s = EXTRACTION_S
        self.state = state or PluginStateInMemory()
        http = HttpClient(RetryPolicy(read_s=timeout_s, attempts=1))
        closing.callback(http.close)
        headers = {"x-api-key": server.key}
        session = http.session(headers=headers, repeatable=REPEATABLE, repeats_timeouts=False)
        errors = ImmichErrors("photos", server.url)
        self.client = ImmichClient(server.url, session, errors)
        self.client.connect()
        self.tags = TagIndex(lambda: self.client, TagNames(parent), self.state)
        self.reader = Reader(self._read)
        self.settling = Settling(lambda: self.client, self.reader, pace)
        self.sender = ImmichSender(lambda: self.client, self.settling, self.tags, errors)

    def photo(self, name: str = "a.jpg", *, library: str | None = None, **fields: Any) -> str:
        """Add a photo that has been there for a while."""
        fields = {"updated": time.time() - 100} | fields
        return self.server.add_photo(library, name, b"not read here", **fields)

    def edit(self, key: str, *adds: str, removes: Iterable[str] = ()) -> Edit:
        item = Item("photos", "timeline", key, "revision", title=self.server.assets[key].name)
        return Edit(item, refs(adds), refs(removes))

    def send(self, *edits: Edit) -> dict[str, EditOutcome]:
        return {outcome.key: outcome for outcome in self.sender.send(edits)}

    def send_all(self, *edits: Edit) -> int:
        """Send edits step by step, as a scan does; return how many steps that were."""
        for step in range(100):
            outcomes = self.send(*edits)
            edits = tuple(edit for edit in edits if outcomes[edit.item.key].look_again_s)
            if not edits:
                return step
            self.server.settle()
            time.sleep(self.settling.pace.settle_s)
        raise AssertionError("it never ends")

    def settles(self, edit: Edit, outcome: EditOutcome) -> bool:
        """Whether what is shown now tells what came of an edit that put something on."""
        now = self.shown(edit)
        before = replace(now, tags=(), stamp=outcome.stamp)
        return self.settling.settles(before, now)

    def shown(self, edit: Edit) -> ShownByImmich:
        (shown,) = self.reader.read([edit.item])
        assert isinstance(shown, ShownByImmich)
        return shown

    def words(self, edit: Edit) -> set[str]:
        """The words that an asset shows once the server's queues are empty."""
        self.server.settle()
        return {tag.name for tag in self.shown(edit).tags}

    def _read(self, items: Sequence[Item]) -> Iterator[ShownByImmich | NotRead]:
        assets = self.client.assets(item.key for item in items)
        for item in items:
            asset = assets.get(item.key)
            yield NotRead(item.key, "gone") if asset is None else self.tags.shown(asset)


def writes(server: ImmichServer) -> int:
    return sum(line.startswith((WRITE, "DELETE")) for line in server.log)


def refs(names: Iterable[str]) -> tuple[TagRef, ...]:
    return tuple(TagRef(Field.TAG, name) for name in names)
