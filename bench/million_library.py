"""A library of a million known items and 1 % new ones, made as they are listed (a plugin)."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b

from pydantic import BaseModel, ConfigDict

from bench.many import Many, picture
from tigertag.contracts import Host, Library, Need
from tigertag.model import Item, Section

KNOWN = 1_000_000
EACH = 101
"""Each item of this number is new, and spread over all folders."""
SECTION = Section("million", "all", "All")


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    known: int = KNOWN


class Million(Many):
    """Known items, and a new one after each hundred of them."""

    def __init__(self, id: str, known: int) -> None:
        super().__init__(id, known)
        self.known = known
        self.began_at = 0.0

    def sections(self) -> Sequence[Section]:
        return (SECTION,)

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        self.began_at = time.time()
        new = 0
        for number in range(self.known + self.known // (EACH - 1)):
            if number % EACH == EACH - 1:
                new += 1
                yield item(f"new/{number // 1000:04}/IMG_{number:07}.jpg", f"new {number}")
            else:
                row = number - new + 1
                yield item(f"{row // 1000:04}/IMG_{row:07}.jpg", str(row))

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[bytes]:
        yield picture(int(item.key[-8:-4]) % 64)


def item(key: str, seed: str) -> Item:
    """Sizes are spread as those of photographs are; a few new ones have that of a known one."""
    digest = blake2b(seed.encode(), digest_size=4).digest()
    size = 1_000_000 + int.from_bytes(digest) % 8_000_000
    return Item(SECTION.library, SECTION.id, key, f"{size}-1", title=key[5:], size_bytes=size)


def build(id: str, options: Options, host: Host) -> Library:
    return Million(id, options.known)
