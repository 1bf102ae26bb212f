"""The user's tags: which stands for a word, and how they are made, one request at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.writers import WriterPlace
from tigertag.contracts.host import PluginStateInMemory
from tigertag.errors import ItemError, LibraryUnavailable

MAKE = "PUT /api/tags"


def made(server: ImmichServer) -> list[str]:
    return sorted(tag.value for tag in server.tags_by_id.values())


def use(place: WriterPlace, *words: str) -> list[str]:
    place.tags.make(words)
    return [place.tags.use(word) for word in words]


def own(server: ImmichServer, *values: str) -> list[str]:
    """Make tags as their owner does."""
    tags = [server.tag_of(server.owner, value) for value in values]
    return [tag.id for tag in tags if tag is not None]


def test_only_missing_tags_are_made_in_few_requests(
    server: ImmichServer, place: WriterPlace
) -> None:
    own(server, "w0")
    use(place, *(f"w{number}" for number in range(250)))
    use(place, "w1", "w2")
    assert server.counts["PUT /tags"] == 3
    assert len(made(server)) == 250


def test_tags_are_made_one_request_at_a_time_by_all_threads_and_processes(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    state = PluginStateInMemory()
    places = [new_writer(state=state) for _process in range(12)]
    with ThreadPoolExecutor(12) as threads:
        ids = list(threads.map(lambda place: use(place, "cat", "dog"), places))
    assert not server.pool.hung
    assert all(each == ids[0] for each in ids)
    assert server.counts["PUT /tags"] == 1


@pytest.mark.parametrize(
    ("theirs", "word"), [("Cat", "cat"), ("cat", "Cat"), ("Cafe\u0301", "Café")]
)
def test_the_owners_tag_is_used_however_it_is_spelled(
    server: ImmichServer, place: WriterPlace, theirs: str, word: str
) -> None:
    ids = own(server, theirs)
    assert use(place, word) == ids
    assert server.counts["PUT /tags"] == 0


def test_words_that_differ_in_case_alone_become_one_tag(
    server: ImmichServer, place: WriterPlace
) -> None:
    first, second = use(place, "Cat", "cat")
    assert first == second
    assert made(server) == ["Cat"]


def test_an_answer_that_did_not_come_is_looked_up_and_not_asked_for_again(
    server: ImmichServer, place: WriterPlace
) -> None:
    server.fail("reset", at=MAKE, times=1)
    (id,) = use(place, "cat")
    assert server.tags_by_id[id].value == "cat"
    assert server.counts["PUT /tags"] == 1


def test_where_no_answer_came_and_nothing_was_made_no_tag_is_asked_for_again(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    place, server.silence_s = new_writer(timeout_s=1.0), 1.5
    server.fail("silent", at=MAKE)
    with pytest.raises(LibraryUnavailable):
        use(place, "cat")
    assert [line for line in server.log if line.startswith(MAKE)] == [MAKE]


def test_an_upsert_that_failed_at_the_server_is_made_once_more(
    server: ImmichServer, place: WriterPlace
) -> None:
    server.fail(500, at=MAKE, times=1)
    use(place, "cat")
    assert made(server) == ["cat"]


def test_a_tag_that_its_owner_renames_stays_the_tag_of_the_word(
    server: ImmichServer, place: WriterPlace, new_writer: Callable[..., WriterPlace]
) -> None:
    edit = place.edit(place.photo(), "cat")
    place.send(edit)
    server.settle()
    (id,) = use(place, "cat")
    server.rename_tag(id, "kitty")
    later = new_writer(state=place.state)
    assert later.words(edit) == {"cat"}
    assert use(later, "cat") == [id]
    assert made(server) == ["kitty"]


def test_a_cleaned_word_shows_as_it_was_asked_for_even_after_the_tag_came_back(
    server: ImmichServer, place: WriterPlace
) -> None:
    edit = place.edit(place.photo(), "AC/DC")
    place.send(edit)
    assert place.words(edit) == {"AC/DC"}
    (id,) = use(place, "AC/DC")
    server.delete_tag(id)
    server.jobs.extract(server.assets[edit.item.key])
    assert place.words(edit) == {"AC/DC"}
    assert use(place, "AC/DC") != [id]


def test_the_owners_tags_alone_are_paths_that_skip_an_item(
    new_writer: Callable[..., WriterPlace],
) -> None:
    place = new_writer(parent="TigerTag")
    edit = place.edit(place.photo(tags=("private", "Places/Vienna")), "cat")
    place.send(edit)
    place.server.settle()
    assert place.shown(edit).paths == ("private", "Places/Vienna")


def test_a_second_word_of_the_same_tag_is_refused(place: WriterPlace) -> None:
    place.tags.make(["AC/DC", "AC-DC"])
    place.tags.use("AC/DC")
    with pytest.raises(ItemError, match="AC/DC"):
        place.tags.use("AC-DC")


def test_a_word_that_cannot_be_kept_makes_no_tag(server: ImmichServer, place: WriterPlace) -> None:
    place.tags.make(["1.50", "null", " / "])
    assert made(server) == []
    with pytest.raises(ItemError):
        place.tags.use("1.50")


def test_below_a_parent_the_owners_tags_are_others(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    (theirs,) = own(server, "cat")
    place = new_writer(parent="TigerTag")
    (id,) = use(place, "cat")
    edit = place.edit(place.photo(tags=("cat", "TigerTag/cat")))
    assert id != theirs
    assert place.words(edit) == {"/cat", "cat"}
    assert made(server) == ["TigerTag", "TigerTag/cat", "cat"]


def test_a_parent_is_spelled_as_the_tag_that_is_there(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    own(server, "tigertag")
    use(new_writer(parent="TigerTag"), "cat")
    assert made(server) == ["tigertag", "tigertag/cat"]


def test_another_parent_takes_new_tags_and_the_former_ones_are_still_known(
    server: ImmichServer, place: WriterPlace, new_writer: Callable[..., WriterPlace]
) -> None:
    edit = place.edit(place.photo(), "cat")
    place.send(edit)
    server.settle()
    below = new_writer(parent="TigerTag", state=place.state)
    assert below.words(edit) == {"cat"}
    assert use(below, "cat") != use(place, "cat")


@pytest.mark.parametrize(("parent", "word"), [("", "Holiday/Italy"), ("Auto", "/Holiday/Italy")])
def test_an_owners_tag_with_levels_can_be_put_back(
    server: ImmichServer, new_writer: Callable[..., WriterPlace], parent: str, word: str
) -> None:
    _holiday, italy = *own(server, "Holiday"), *own(server, "Holiday/Italy")
    assert use(new_writer(parent=parent), word) == [italy]


def test_an_owners_tag_that_he_has_deleted_is_not_made_again(
    server: ImmichServer, new_writer: Callable[..., WriterPlace]
) -> None:
    place = new_writer(parent="Auto")
    place.tags.make(["/Holiday"])
    with pytest.raises(ItemError, match="Holiday"):
        place.tags.use("/Holiday")
    assert made(server) == []
