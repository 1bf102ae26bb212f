"""Where tags go on films, shows, seasons, episodes and clips, and their locks."""

from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from tests.plex import PlexServer
from tests.plex.holdings import FIELDS
from tests.unit.libraries.plex.plexes import FILM, PlexPlace
from tests.unit.libraries.server_place import refs
from tigertag.contracts import EditOutcome, PlacingGenres
from tigertag.libraries.plex import items as plex_items
from tigertag.model import Edit, Field, Item, Kind, Shown, TagRef

LABEL, GENRE, COLLECTION, TAG = Field.LABEL, Field.GENRE, Field.COLLECTION, Field.TAG


class Box(PlexPlace):
    """A server with one item of each type."""

    def __init__(self, plex: PlexServer) -> None:
        super().__init__(plex, kind="episode", roll_up="show")
        films, photos = plex.add_section("Films", kind="movie"), plex.add_section("Snaps")
        assert self.parent is not None
        self.number = {
            "movie": plex.add_film(films, "film", FILM),
            "show": self.show,
            "season": self.parent,
            "episode": plex.add_episode(self.parent, "episode", FILM),
            "clip": plex.add(photos, "clip", "clip", FILM),
            "photo": plex.add(photos, "photo", "photo", FILM),
        }

    def one(self, kind: str) -> Item:
        found = [one for each in self.library.sections() for one in self.library.items(each)]
        return next(item for item in found if item.key == str(self.number[kind]))

    def look(self, kind: str) -> Shown:
        (read,) = self.library.read_tags([self.one(kind)])
        assert isinstance(read, Shown)
        return read

    def change(
        self,
        kind: str,
        adds: tuple[TagRef, ...] = (),
        removes: tuple[TagRef, ...] = (),
        locked: frozenset[Field] | None = None,
    ) -> EditOutcome:
        (outcome,) = self.send(Edit(self.one(kind), adds, removes, locked))
        return outcome

    @property
    def written(self) -> list[str]:
        return [unquote(line) for line in self.asked("PUT")]


@pytest.fixture
def box(plex: PlexServer) -> Iterator[Box]:
    made = Box(plex)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("option", "kind", "field"),
    [
        ("label", "movie", LABEL),
        ("genre", "movie", GENRE),
        ("collection", "movie", COLLECTION),
        ("genre", "show", GENRE),
        ("genre", "season", LABEL),
        ("collection", "season", COLLECTION),
        ("genre", "episode", LABEL),
        ("collection", "episode", COLLECTION),
        ("genre", "clip", TAG),
        ("label", "photo", TAG),
    ],
)
def test_tags_go_where_they_are_wanted_or_to_what_the_item_has(
    box: Box, option: str, kind: str, field: Field
) -> None:
    box.library = box.built(field=option, roll_up="show")
    assert box.look(kind).field == field
    assert box.library.field == Field(option)
    (word,) = refs(("cat",), field)
    assert [tag.word for tag in after(box.change(kind, (word,))).tags] == [word.word]
    assert box.plex.locks(box.number[kind]) == {field}


@pytest.mark.parametrize(
    ("option", "kind", "field"),
    [
        ("genre", "movie", GENRE),
        ("collection", "movie", COLLECTION),
        ("genre", "show", GENRE),
        ("genre", "season", LABEL),
        ("genre", "episode", LABEL),
        ("collection", "episode", COLLECTION),
        ("genre", "clip", TAG),
        ("genre", "photo", TAG),
    ],
)
def test_genres_go_where_they_are_wanted_or_to_what_the_item_has(
    box: Box, option: str, kind: str, field: Field
) -> None:
    box.library = box.built(genre_field=option, roll_up="show")
    shown = box.look(kind)
    assert (shown.field_of(Kind.GENRE), box.library.genre_field) == (field, Field(option))
    assert shown.field_of(Kind.OBJECT) == shown.field == Field(FIELDS[kind][0])


def test_genres_go_where_all_tags_go_by_default(box: Box) -> None:
    assert isinstance(box.library, PlacingGenres)
    assert box.library.genre_field is None
    box.library = box.built(field="collection")
    assert box.look("movie").field_of(Kind.GENRE) == COLLECTION


def after(outcome: EditOutcome) -> Shown:
    assert outcome.after is not None, outcome.reason
    return outcome.after


def test_labels_are_the_default(box: Box) -> None:
    assert box.built().field == LABEL


def test_the_types_and_their_fields_are_those_of_the_protocol() -> None:
    known = (
        plex_items.FILM,
        plex_items.SHOW,
        plex_items.SEASON,
        plex_items.EPISODE,
        plex_items.CLIP,
        plex_items.PHOTO,
    )
    assert {one.name: tuple(one.fields) for one in known} == FIELDS


@pytest.mark.parametrize(
    ("kind", "field", "message"),
    [
        ("photo", LABEL, "a photo has tags, no labels"),
        ("movie", TAG, "a film has labels and genres and collections, no tags"),
        ("season", GENRE, "a season has labels and collections, no genres"),
        ("episode", GENRE, "an episode has labels and collections, no genres"),
        ("clip", COLLECTION, "a clip has tags, no collections"),
    ],
)
def test_a_tag_in_a_field_that_the_item_has_not_is_refused(
    box: Box, kind: str, field: Field, message: str
) -> None:
    outcome = box.change(kind, (TagRef(field, "cat"),))
    assert message in outcome.reason
    assert outcome.after is None
    assert box.written == []


@pytest.mark.parametrize("kind", FIELDS)
def test_an_edit_names_the_type_of_its_items(box: Box, kind: str) -> None:
    field = Field(FIELDS[kind][0])
    box.change(kind, (TagRef(field, "cat"),))
    item, number = box.one(kind), {"movie": 1, "show": 2, "season": 3, "episode": 4}.get(kind)
    (sent,) = box.written
    assert sent == (
        f"PUT /library/sections/{item.section}/all?id={item.key}&{field}.locked=1"
        f"&{field}[0].tag.tag=cat&type={number or (12 if kind == 'clip' else 13)}"
    )


def test_items_of_two_types_never_go_together(box: Box) -> None:
    cat = refs(("cat",), LABEL)
    some = [Edit(box.one(kind), cat) for kind in ("episode", "season", "show")]
    assert [after(one).tags for one in box.send(*some)] == 3 * [refs(("Cat",), LABEL)]
    assert [line[-6:] for line in box.written] == ["type=4", "type=3", "type=2"]


def test_labels_genres_and_collections_of_a_film_are_read(box: Box) -> None:
    number = box.number["movie"]
    for field in ("collection", "genre", "label"):
        box.plex.tag(number, "one", "two", "three", field=field)
    shown = box.look("movie")
    expected = [f"{field}:{name}" for field in FIELDS["movie"] for name in ("One", "Two", "Three")]
    assert [f"{tag.field}:{tag.name}" for tag in shown.tags] == expected


def test_tags_that_went_elsewhere_before_are_moved_in_one_request(box: Box) -> None:
    number = box.number["movie"]
    box.plex.tag(number, "dog, big", "mine", field="label")
    box.plex.tag(number, "Comedy", field="genre")
    moved = box.change("movie", refs(("cat",), GENRE), refs(("dog, big",), LABEL))
    assert [tag.name for tag in after(moved).tags] == ["Mine", "Comedy", "Cat"]
    assert box.written == [
        f"PUT /library/sections/2/all?genre.locked=1&genre[0].tag.tag=cat&id={number}"
        "&label.locked=0&label[].tag.tag-=Dog%2C%20big&type=1"
    ]


def test_the_same_word_in_another_field_is_another_tag(box: Box) -> None:
    box.plex.tag(box.number["movie"], "Comedy", field="genre")
    outcome = box.change("movie", refs(("comedy",), LABEL))
    assert after(outcome).tags == (TagRef(LABEL, "Comedy"), TagRef(GENRE, "Comedy"))


def test_a_lock_of_another_field_is_left_as_it_is(box: Box) -> None:
    number = box.number["movie"]
    box.plex.set_lock(number, locked=True, field="genre")
    box.plex.tag(number, "cat")
    box.plex.set_lock(number, locked=True)
    undone = box.change("movie", (), refs(("Cat",), LABEL), locked=frozenset())
    assert after(undone).locked == {GENRE}
    assert box.plex.locks(number) == {"genre"}


def test_an_edit_of_locks_alone_is_of_all_of_them(box: Box) -> None:
    number = box.number["movie"]
    box.plex.set_lock(number, locked=True, field="genre")
    box.plex.set_lock(number, locked=True, field="title")
    box.change("movie", locked=frozenset({LABEL}))
    assert box.plex.locks(number) == {"label", "title"}


def test_the_rest_of_a_film_is_all_but_its_tags_and_their_locks(box: Box) -> None:
    number, before = box.number["movie"], box.look("movie").rest
    for field in FIELDS["movie"]:
        box.plex.tag(number, "cat", field=field)
        box.plex.set_lock(number, locked=True, field=field)
    box.plex.view(number)
    box.plex.add_version(number, FILM, optimized=True)
    assert box.look("movie").rest == before
    box.plex.set_lock(number, locked=True, field="title")
    assert box.look("movie").rest != before


def test_what_is_seen_of_a_show_is_none_of_its_own(box: Box) -> None:
    before = box.look("show").rest
    assert box.parent is not None
    box.plex.add_episode(box.parent, "another", FILM)
    box.plex.view(box.number["show"])
    assert box.look("show").rest == before


def test_a_clip_whose_tags_plex_does_not_keep_shows_so(box: Box) -> None:
    box.plex.clips_take_tags = False
    assert after(box.change("clip", refs(("cat",)))).tags == ()
    assert len(box.written) == 1
