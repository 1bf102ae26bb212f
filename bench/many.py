"""A library of many tiny pictures that are made when they are asked for (by its dotted name)."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache

from PIL import Image
from pydantic import BaseModel, ConfigDict

from tigertag.contracts import EditOutcome, Host, Library, Need, NotRead
from tigertag.model import Edit, Field, Item, Section, Shown

SECTION = Section("many", "all", "All")


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int = 100_000


@cache
def picture(colour: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (96, 64), (colour * 4 % 256, 90, 255 - colour)).save(out, "JPEG")
    return out.getvalue()


class Many:
    """Keeps to `Library`; it bears no tags, and none can be written."""

    field = Field.TAG
    identity = ""
    footage = ""

    def __init__(self, id: str, count: int) -> None:
        self.id = id
        self._count = count

    def open(self) -> None:
        """There is nothing to reach."""

    def sections(self) -> Sequence[Section]:
        return (SECTION,)

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        for number in range(self._count):
            yield Item(self.id, section.id, f"{number:06}", "1")

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[bytes]:
        yield picture(int(item.key) % 64)

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        for item in items:
            yield Shown(item.key)

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        for edit in edits:
            yield EditOutcome(edit.item.key, None, "Nothing can be written here.")


def build(id: str, options: Options, host: Host) -> Library:
    return Many(id, options.count)
