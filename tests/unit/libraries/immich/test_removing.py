"""Taking tags off again, one a step: Immich has no request for several."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.writers import WriterPlace, writes

TAGS = ("a", "b", "c", "d")


def delete_tag(server: ImmichServer, value: str) -> None:
    tag = server.tag_by_value(server.owner, value)
    assert tag is not None
    server.delete_tag(tag.id)


def test_tags_are_taken_off_one_a_step_and_none_comes_back(
    server: ImmichServer, place: WriterPlace
) -> None:
    edits = [
        place.edit(place.photo(f"{number}.jpg", tags=("Mine", *TAGS)), removes=TAGS)
        for number in range(3)
    ]
    assert place.send_all(*edits) == 4
    assert [place.words(edit) for edit in edits] == [{"Mine"}] * 3
    assert writes(server) == 4


def test_a_step_is_pending_until_immich_is_done_with_it(
    server: ImmichServer, place: WriterPlace
) -> None:
    edit = place.edit(place.photo(tags=TAGS), removes=TAGS)
    before = place.shown(edit)
    server.jobs.paused = True
    outcome = place.send(edit)[edit.item.key]
    assert outcome.sent
    assert outcome.look_again_s
    assert outcome.stamp == before.stamp
    assert not place.settling.settles(before, place.shown(edit))
    assert writes(server) == 1


def test_another_process_goes_on_with_what_is_left(
    server: ImmichServer, place: WriterPlace, new_writer: Callable[..., WriterPlace]
) -> None:
    edit = place.edit(place.photo(tags=("Mine", *TAGS)), removes=TAGS)
    for _step in TAGS:
        writer = new_writer(state=place.state)
        writer.send(edit)
        server.settle()
        writer.settling.read([edit.item])
    assert place.words(edit) == {"Mine"}


def test_an_edit_both_ways_puts_on_first(server: ImmichServer, place: WriterPlace) -> None:
    edit = place.edit(place.photo(tags=("old", "Mine")), "cat", "dog", removes=["old"])
    assert place.send_all(edit) == 2
    assert place.words(edit) == {"Mine", "cat", "dog"}
    assert writes(server) == 2


def test_a_remove_that_is_refused_is_a_problem_of_that_step_alone(
    server: ImmichServer, place: WriterPlace
) -> None:
    edit = place.edit(place.photo(tags=("a", "b")), "new", removes=["a", "b"])
    server.fail(500, at="DELETE", times=2)
    put_on = place.send(edit)[edit.item.key]
    assert put_on.sent or put_on.after
    server.settle()
    refused = place.send(edit)[edit.item.key]
    assert "500" in refused.reason
    assert not refused.sent
    assert place.words(edit) == {"a", "b", "new"}
    place.send_all(edit)
    assert place.words(edit) == {"new"}


def test_what_was_done_though_it_was_refused_is_pending(
    place: WriterPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = place.edit(place.photo(tags=TAGS), removes=TAGS)
    take_off = place.sender._tagging._take_off
    server = place.server

    def refused_when_done(tag_id: str, keys: list[str]) -> set[str]:
        take_off(tag_id, keys)
        server.fail(500, at="DELETE", times=1)
        return take_off(tag_id, keys)

    monkeypatch.setattr(place.sender._tagging, "_take_off", refused_when_done)
    outcome = place.send(edit)[edit.item.key]
    assert outcome.sent
    assert outcome.look_again_s


def test_a_tag_that_was_deleted_as_a_whole_needs_no_remove(
    server: ImmichServer, place: WriterPlace
) -> None:
    edit = place.edit(place.photo(tags=("a", "b")), removes=["a", "b"])
    place.shown(edit)
    delete_tag(server, "a")
    place.send_all(edit)
    assert place.words(edit) == set()


def test_a_tag_that_goes_right_before_its_remove_leaves_nothing_to_wait_for(
    server: ImmichServer, place: WriterPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = place.edit(place.photo(tags=("a",)), removes=["a"])
    read = place.settling.read_to_write
    with monkeypatch.context() as patched:

        def then_deleted(*args: object) -> object:
            result = read(*args)  # type: ignore[arg-type]
            delete_tag(server, "a")
            return result

        patched.setattr(place.settling, "read_to_write", then_deleted)
        outcome = place.send(edit)[edit.item.key]
    # It is planned anew: `updatedAt` does not move when a tag is deleted as a whole.
    assert not outcome.sent
    assert outcome.look_again_s
    assert place.send(edit)[edit.item.key].after is not None


def test_what_was_read_before_a_write_serves_no_other(place: WriterPlace) -> None:
    edit = place.edit(place.photo(), "cat")
    place.send_all(place.edit(place.photo("first.jpg"), "cat"), edit)
    place.send_all(replace(edit, adds=(), removes=edit.adds))
    assert place.words(edit) == set()


def test_tags_that_came_back_are_not_put_down_to_the_folder_alone(place: WriterPlace) -> None:
    edit = place.edit(place.photo(), "cat")
    place.send_all(edit)
    error = str(place.sender.dropped(edit.item))
    assert "put back tags that TigerTag took off" in error
    assert "it shows cat." in error
