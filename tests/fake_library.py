"""A library in memory: one-coloured pictures, in groups if so wished."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from PIL import Image

from tests.colours import COLOURS
from tigertag.contracts import Catalogued, EditOutcome, Need, NotRead, Source
from tigertag.errors import ItemGone, Unreadable
from tigertag.libraries.folder import FolderLibrary
from tigertag.model import Edit, Field, Item, Media, Section, Shown, TagRef

ADVICE = "The key lacks <tag.asset>."
SECTION = Section("photos", "1", "FakeLibrary")


class AdvisingFolder(FolderLibrary):
    """A class of its own: `isinstance` remembers for good which classes fit a protocol."""

    def advice(self) -> Sequence[str]:
        return [ADVICE]


class FakeLibrary:
    """Keeps to `Library`. `added` says when an item was; `listed` which were shown at all.

    `takes` says where new tags go on an item, `field` on all others; `genre_field` where genres go
    on those. `films` says what an item is; its genres are its tags in the field that this names, or
    those of what bears them.
    """

    def __init__(self) -> None:
        self.id = "photos"
        self.field = Field.TAG
        self.genre_field: Field | None = None
        self.takes: dict[str, Field] = {}
        self.films: dict[str, Catalogued] = {}
        self.held: dict[str, Item] = {}
        self.colours: dict[str, str] = {}
        self.tags: dict[str, list[TagRef]] = {}
        self.added: dict[str, datetime] = {}
        self.listed: list[str] = []
        self.reads = 0
        self.identity = ""
        self.footage = ""

    def put(self, key: str, colour: str, *within: str) -> None:
        item = Item(self.id, SECTION.id, key, "1", title=key, stamp="1", within=within)
        self.held = {key: item} | self.held
        self.colours[key] = colour

    def group(self, key: str, *within: str, file: str = "", title: str = "") -> None:
        """Make a group; the nearest first, as items come before what they are in."""
        name = title or key
        self.held[key] = Item(
            self.id, SECTION.id, key, "", Media.GROUP, name, stamp="1", within=within, file=file
        )

    def take(self, *keys: str) -> None:
        """Take items or groups away."""
        for key in keys:
            del self.held[key]

    def film(
        self,
        key: str,
        film: str,
        *,
        bearer: str = "",
        year: int | None = None,
        field: Field = Field.GENRE,
    ) -> None:
        """Put a video there, or say of what is there what it is."""
        if key not in self.held:
            self.held[key] = Item(self.id, SECTION.id, key, "1", Media.VIDEO, key, stamp="1")
        self.films[key] = Catalogued(key, film, film, (), bearer or key, year, field)

    def tag(self, key: str, *words: str, field: Field | None = None) -> None:
        """Tag it as a user would."""
        refs = [TagRef(field or self.field, word) for word in words]
        self.tags.setdefault(key, []).extend(refs)
        self._touch(key)

    def untag(self, key: str) -> None:
        self.tags[key] = []
        self._touch(key)

    def names(self, key: str) -> set[str]:
        return {tag.name for tag in self.tags.get(key, ())}

    def open(self) -> None:
        """There is nothing to reach."""

    def sections(self) -> Sequence[Section]:
        return (SECTION,)

    def items(self, section: Section, since: datetime | None = None) -> Iterator[Item]:
        for key, item in list(self.held.items()):
            if since is None or key not in self.added or self.added[key] >= since:
                self.listed.append(key)
                yield item

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[Source]:
        if item.key not in self.held:
            raise ItemGone("It is gone.")
        if item.media is Media.GROUP:
            raise Unreadable("It has no picture.")
        out = io.BytesIO()
        Image.new("RGB", (16, 16), COLOURS[self.colours[item.key]]).save(out, "PNG")
        yield out.getvalue()

    def read_tags(self, items: Sequence[Item]) -> Iterator[Shown | NotRead]:
        self.reads += 1
        for item in items:
            if item.key in self.held:
                yield self._shown(item.key)
            else:
                yield NotRead(item.key, "It is gone.")

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        for edit in edits:
            gone = {ref.word for ref in edit.removes}
            left = [ref for ref in self.tags.get(edit.item.key, ()) if ref.word not in gone]
            self.tags[edit.item.key] = [*left, *edit.adds]
            self._touch(edit.item.key)
            yield EditOutcome(edit.item.key, self._shown(edit.item.key))

    def catalogued(self, items: Sequence[Item]) -> Iterator[Catalogued]:
        for item in items:
            told = self.films.get(item.key)
            if told is not None:
                tags = self.tags.get(told.bearer, ())
                genres = tuple(tag.name for tag in tags if tag.field is told.field)
                yield replace(told, genres=genres)

    def _shown(self, key: str) -> Shown:
        tags = tuple(self.tags.get(key, ()))
        takes = self.takes.get(key, self.field)
        genres = None if key in self.takes else self.genre_field
        stamp = self.held[key].stamp
        return Shown(key, tags, stamp=stamp, field=takes, genre_field=genres)

    def _touch(self, key: str) -> None:
        item = self.held.get(key)
        if item is not None:
            self.held[key] = replace(item, stamp=str(int(item.stamp or 0) + 1))
