"""What goes with an item that is moved, on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from tigertag.model import Answer, Item, Label, Section
from tigertag.store import Store, answers, items, scans, schema
from tigertag.store.answers import AnswerRow
from tigertag.store.items import ItemRow, Move

SECTION = Section("photos", ".", "Photos")
OLD = Item("photos", ".", "a.jpg", "1", title="a.jpg", size_bytes=7, stamp="s")
NEW = Item("photos", ".", "b/c.jpg", "2", title="c.jpg", size_bytes=7, stamp="t")


def note(store: Store, *listed: Item, scan: int = 1) -> list[int]:
    with store.write() as db:
        section_id = scans.ensure_section(db, SECTION)
        return [row.id for row in items.note(db, section_id, SECTION, listed, scan)]


def answer(store: Store, item_id: int, revision: str, name: str) -> None:
    told = Answer("local", "f", "m", (Label(name, 0.5),))
    with store.write() as db:
        answers.keep(db, [AnswerRow(item_id, revision, 0, told)])


def unseen(store: Store, *listed: Item, scan: int = 2) -> list[ItemRow]:
    with store.read() as db:
        return items.unseen(db, "photos", scan, listed)


def move(store: Store, new: Item, *, bare: bool = False) -> None:
    (old,) = unseen(store, new)
    with store.write() as db:
        section_id = scans.find_section(db, "photos", ".")
        items.carry_over(db, section_id, [Move(old, new, bare)], 2)


def said(store: Store, item_id: int, revision: str) -> list[str]:
    with store.read() as db:
        (told,) = answers.current(db, {item_id: revision}, {"local": "f"})[item_id].now
        return [label.name for label in told.labels]


def test_the_row_takes_its_new_place_and_its_answers_the_new_revision(store: Store) -> None:
    (number,) = note(store, OLD)
    answer(store, number, "1", "cat")
    move(store, NEW)
    with store.read() as db:
        (row,) = items.get(db, [number])
        assert answers.answered(db, {number: "2"}, {"local": "f"}, round=0) == {(number, "local")}
    assert (row.item, row.settled, row.refreshed) == (NEW, "", "")


def test_an_answer_that_the_new_revision_has_already_stays(store: Store) -> None:
    (number,) = note(store, OLD)
    answer(store, number, "1", "cat")
    answer(store, number, "2", "dog")
    move(store, NEW)
    assert said(store, number, "2") == ["dog"]


def test_an_item_that_left_its_tags_behind_bears_a_mark(store: Store) -> None:
    (number,) = note(store, OLD)
    move(store, NEW, bare=True)
    with store.read() as db:
        assert items.get(db, [number])[0].refreshed == items.MOVED


def test_a_row_whose_place_is_taken_is_set_aside(store: Store) -> None:
    number, other = note(store, OLD, replace(NEW, revision="9", size_bytes=8))
    move(store, NEW)
    with store.read() as db:
        rows = {row.id: row for row in db.execute(select(schema.items))}
    assert (rows[number].key, rows[number].gone) == (NEW.key, False)
    assert (rows[other].key != NEW.key, rows[other].gone) == (True, True)


def test_content_is_forgotten_as_the_media_changes(store: Store) -> None:
    (number,) = note(store, OLD)
    with store.write() as db:
        items.note_contents(db, [(number, "1", "c"), (number, "0", "of another revision")])
    note(store, replace(OLD, stamp="2"), scan=2)
    with store.read() as db:
        assert items.get(db, [number])[0].content == "c"
    note(store, replace(OLD, revision="2"), scan=3)
    with store.read() as db:
        assert items.get(db, [number])[0].content == ""


@pytest.mark.parametrize(
    "listed",
    [NEW, replace(NEW, size_bytes=1, file="f"), replace(NEW, size_bytes=None, title="n")],
)
def test_what_may_have_been_moved_is_found_by_size_file_or_name(store: Store, listed: Item) -> None:
    note(store, replace(OLD, file=listed.file, size_bytes=listed.size_bytes, title=listed.title))
    assert [one.item.key for one in unseen(store, listed)] == [OLD.key]
    assert unseen(store, listed, scan=1) == []
