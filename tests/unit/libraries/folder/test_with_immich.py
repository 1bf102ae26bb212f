"""A folder that is an external library of Immich, too: neither hides what is tagged in the other.

What is tagged in Immich goes into the sidecar, and what Immich then reads there are its tags: of
`digiKam:TagsList`, `lr:hierarchicalSubject` and keywords the first list that holds something.
"""

from collections.abc import Iterator
from random import Random

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.folder.folders import FolderPlace
from tests.unit.libraries.folder.test_hidden import iptc, owners, seen, words


class Shared:
    """One photo in a folder, and the same photo in Immich."""

    def __init__(self, place: FolderPlace, server: ImmichServer) -> None:
        self.place = place
        self.photo = place.root / "a.jpg"
        self._server = server
        place.add_photo("a.jpg")

    def open(self) -> None:
        """Let Immich find the folder as it is now."""
        self._server.add_library(self.place.root)
        (self._asset,) = self._server.assets

    def tag(self, *values: str) -> None:
        """Tag it in Immich, as its owner does."""
        self._server.tag(self._asset, *values)
        self._server.settle()

    def untag(self, *values: str) -> None:
        self._server.untag(self._asset, *values)
        self._server.settle()

    def send(self, *, adds: tuple[str, ...] = (), removes: tuple[str, ...] = ()) -> None:
        outcome = self.place.send("a.jpg", adds=adds, removes=removes)
        assert outcome.after is not None, outcome.reason

    @property
    def in_immich(self) -> set[str]:
        """The tags in Immich once it has read the file and its sidecar again."""
        self._server.extract_all()
        self._server.settle()
        return set(self._server.tags(self._asset))

    @property
    def in_folder(self) -> set[str]:
        return set(words(seen(self.place, "a.jpg")))


@pytest.fixture
def shared(place: FolderPlace) -> Iterator[Shared]:
    with ImmichServer() as server:
        server.extraction_s = 0.005
        yield Shared(place, server)


def test_tags_of_immich_are_read_and_those_added_and_removed_beside_them_are_seen_there(
    shared: Shared,
) -> None:
    shared.open()
    shared.tag("Holiday/Italy", "beach")
    assert shared.in_folder == {"Italy", "beach"}
    shared.send(adds=("koala",))
    assert shared.in_folder == {"Italy", "beach", "koala"}
    assert shared.in_immich == {"Holiday/Italy", "beach", "koala"}
    shared.send(removes=("koala",))
    assert shared.in_immich == {"Holiday/Italy", "beach"}


def test_immich_takes_over_keywords_of_the_file_and_tags_that_were_there_before_it(
    shared: Shared,
) -> None:
    shared.photo.write_bytes(iptc("Anna"))
    shared.send(adds=("koala",))
    shared.open()
    assert shared.in_immich == {"Anna", "koala"}
    shared.tag("Zoo")
    assert shared.in_folder == {"Anna", "koala", "Zoo"}
    shared.send(removes=("koala",))
    assert shared.in_folder == shared.in_immich == {"Anna", "Zoo"}


def test_a_hierarchy_stays_visible_when_immich_begins_a_list_of_its_own(shared: Shared) -> None:
    lightroom = {"lr:hierarchicalSubject": ["People|Anna"], "dc:subject": ["Anna"]}
    shared.place.sidecar("a.jpg").write_text(owners(lightroom))
    shared.open()
    shared.send(adds=("koala",))
    assert shared.in_immich == {"People/Anna", "koala"}
    shared.tag("Trip")
    shared.send(adds=("dog",), removes=("koala",))
    assert shared.in_folder == {"Anna", "Trip", "dog"}
    assert shared.in_immich == {"People/Anna", "Trip", "dog"}


def test_what_was_taken_off_in_immich_does_not_come_back_with_other_tags(shared: Shared) -> None:
    shared.send(adds=("koala", "dog"))
    shared.open()
    shared.untag("koala")
    shared.send(adds=("beach",))
    assert shared.in_immich == {"dog", "beach"}


def test_a_keyword_of_the_file_that_was_taken_off_in_immich_stays_off_there(shared: Shared) -> None:
    shared.photo.write_bytes(iptc("Anna"))
    shared.open()
    shared.untag("Anna")
    assert shared.in_immich == set()
    shared.send(adds=("koala",))
    assert shared.in_immich == {"koala"}
    shared.send(removes=("koala",))
    assert shared.in_immich == set()


@pytest.mark.parametrize("seed", range(8))
def test_in_whatever_order_both_write_nothing_of_the_owner_is_lost(
    shared: Shared, seed: int
) -> None:
    random = Random(seed)
    if seed % 2:
        shared.photo.write_bytes(iptc("Anna"))
    of_owner, of_tigertag = {"Anna"} if seed % 2 else set[str](), set[str]()
    shared.open()
    for _step in range(6):
        value = random.choice(["Trip", "Zoo", "Vienna"])
        word = random.choice(["koala", "dog", "beach"])
        if random.random() < 0.5:
            (shared.untag if value in of_owner else shared.tag)(value)
            of_owner ^= {value}
        elif word in of_tigertag:
            shared.send(removes=(word,))
            of_tigertag.remove(word)
        else:
            shared.send(adds=(word,))
            of_tigertag.add(word)
        in_immich = shared.in_immich
        assert of_owner | of_tigertag <= in_immich
        assert of_owner | of_tigertag <= shared.in_folder
        assert not in_immich & ({"koala", "dog", "beach"} - of_tigertag)
