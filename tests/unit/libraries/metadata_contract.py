"""What every library behind a media server must do where an engine wants an item's metadata.

Derive from a class, name it `Test…`, and override `place`, or `box`.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from tests.colours import ColourEngine
from tests.unit.libraries.scanned import Box
from tests.unit.libraries.server_place import PHOTO, ServerPlace, error_of
from tests.unit.media.pictures import encoded, halves
from tigertag.contracts import (
    Capabilities,
    KnowingMetadata,
    Labelled,
    Need,
    Outcome,
    RunContext,
)
from tigertag.errors import ItemError, ItemGone, LibraryUnavailable, Unreadable
from tigertag.libraries.mediaserver.files import PHOTO_BYTES
from tigertag.media import metadata
from tigertag.model import Item, Label, Media, Metadata, Sample

NOTHING_BUT_METADATA = Need(0, metadata=True)
LARGE = encoded(halves(), "JPEG") + bytes(2_000_000)


def told(place: ServerPlace, item: Item) -> Metadata:
    assert isinstance(place.library, KnowingMetadata)
    return place.library.metadata(item)


def add_photo(place: ServerPlace, photo: bytes = PHOTO) -> Item:
    place.server.add_photo(place.section, "a.jpg", photo)
    item = place.item("a.jpg")
    place.log.clear()
    return item


def with_reader(
    monkeypatch: pytest.MonkeyPatch, known: Metadata, *, only: Media | None = None
) -> list[bytes]:
    """Put a reader in place that finds the same in all it gets; return what is handed over to it.

    `only`: it refuses files of another kind.
    """
    handed_over: list[bytes] = []

    def reader(source: bytes, media: Media) -> Metadata:
        assert only in (None, media)
        handed_over.append(source)
        return known

    monkeypatch.setattr(metadata, "read", reader)
    return handed_over


class MetadataContract:
    """`read`: what was handed over to be read, as a reader that knows of one camera gets it."""

    @pytest.fixture(autouse=True)
    def read(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        return with_reader(monkeypatch, Metadata(camera="Pixel 8"), only=Media.PHOTO)

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (404, ItemGone),
            (403, Unreadable),
            (500, Unreadable),
            ("html", Unreadable),
            ("empty", Unreadable),
            ("reset", Unreadable),
        ],
    )
    def test_a_file_that_cannot_be_had_fails_its_item_alone_for_now(
        self, place: ServerPlace, fault: int | str, kind: type[ItemError]
    ) -> None:
        item = add_photo(place)
        place.server.fail(fault, at=place.file_path)
        with pytest.raises(kind) as caught:
            told(place, item)
        assert (caught.value.retryable, "\n" in str(caught.value)) == (True, False)

    def test_a_server_that_is_not_ready_is_unavailable(self, place: ServerPlace) -> None:
        item = add_photo(place)
        place.server.fail(503, at=place.file_path)
        assert isinstance(error_of(lambda place: told(place, item), place), LibraryUnavailable)

    def test_a_refused_secret_stops_the_library(self, place: ServerPlace) -> None:
        item = add_photo(place)
        place.server.fail(401, at=place.file_path)
        assert "rejected" in str(error_of(lambda place: told(place, item), place))

    def test_of_a_server_that_ignores_ranges_no_more_than_the_beginning_is_read(
        self, place: ServerPlace, read: list[bytes]
    ) -> None:
        item = add_photo(place, LARGE)
        place.ignore_ranges()
        assert told(place, item).camera == "Pixel 8"
        assert (read, len(place.log)) == ([LARGE[:PHOTO_BYTES]], 1)

    def test_a_photo_is_one_request_for_its_beginning(
        self, place: ServerPlace, read: list[bytes]
    ) -> None:
        item = add_photo(place, LARGE)
        assert told(place, item).camera == "Pixel 8"
        assert (read, len(place.log)) == ([LARGE[:PHOTO_BYTES]], 1)

    def test_a_small_photo_is_read_whole(self, place: ServerPlace, read: list[bytes]) -> None:
        told(place, add_photo(place))
        assert read == [PHOTO]

    def test_another_process_asks_no_more_than_that_which_has_listed_it(
        self, place: ServerPlace
    ) -> None:
        item = add_photo(place)
        place.library = place.another()
        place.log.clear()
        told(place, item)
        assert len(place.log) == 1

    def test_where_no_pixels_are_wanted_none_are_asked_for(self, place: ServerPlace) -> None:
        item = add_photo(place)
        with place.library.fetch(item, NOTHING_BUT_METADATA) as source:
            assert (source, len(place.log)) == (b"", 0)

    def test_nothing_secret_is_logged(
        self, place: ServerPlace, caplog: pytest.LogCaptureFixture
    ) -> None:
        item = add_photo(place)
        # yt-dlp, once a test of the same process has imported it, takes urllib3 to ERROR.
        caplog.set_level(logging.DEBUG, "urllib3.connectionpool")
        with caplog.at_level(logging.DEBUG):
            told(place, item)
        assert place.file_path in caplog.text
        assert place.secret not in caplog.text


@dataclass
class SizeEngine(ColourEngine):
    """Wants no pixels, or those as well; says how wide a photo is."""

    short_side_px: int = 0

    @property
    def capabilities(self) -> Capabilities:
        wants = super().capabilities
        return replace(wants, short_side_px=self.short_side_px, metadata=True)

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        for sample in batch:
            assert sample.metadata is not None
            assert sample.metadata.size_px is not None
            self.asked.append(str(sample.metadata.size_px[0]))
            yield Labelled(sample.id, (Label("small", 0.9),), "size-model")


class MetadataScanContract:
    """Whole scans. `counted`: the requests for files and pictures, as the server counts them."""

    counted: ClassVar[frozenset[str]]

    @pytest.mark.parametrize(("short_side_px", "pictures"), [(0, 0), (16, 5)])
    def test_each_photo_costs_one_request_for_its_metadata(
        self, box: Box, short_side_px: int, pictures: int
    ) -> None:
        box.engine = SizeEngine(short_side_px=short_side_px)
        box.photos(5)
        box.scan()
        requests = sum(count for name, count in box.server.counts.items() if name in self.counted)
        assert (box.engine.asked, requests) == (["40"] * 5, 5 + pictures)

    def test_an_unchanged_photo_costs_none(self, box: Box) -> None:
        box.engine = SizeEngine()
        box.photos(5)
        box.scan("apply")
        box.server.counts.clear()
        box.scan("apply")
        assert box.server.counts == box.costs_of_listing
