"""Items that may have been moved, and the moving of what is known of them to their new places.

All that is kept of an item goes by its row: answers, ledger, standing, decisions. A move changes
the row's place, and copies nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, exists, select, update

from tigertag.model import Item, Section
from tigertag.store import items, schema
from tigertag.store.database import Db
from tigertag.store.items import ItemRow
from tigertag.store.sql import slices

_items = schema.items
_LONGEST_KEY = 2000
_OF_REVISION = (schema.answers, schema.work, schema.decisions, schema.problems)


@dataclass(frozen=True, slots=True)
class Unseen:
    """An item that the scan has not listed yet. `gone`: an earlier one had missed it already."""

    row: ItemRow
    section_id: int
    gone: bool


@dataclass(frozen=True, slots=True)
class Move:
    """`bare`: the tags that the item had have not come along. `content`: of the new file, or ""."""

    old: Unseen
    new: Item
    bare: bool
    content: str = ""


def any_unseen(db: Db, library: str, scan_id: int) -> bool:
    """Whether a library has items that the scan has not listed yet."""
    return bool(db.execute(select(exists().where(*_unseen(library, scan_id)))).scalar())


def unseen(db: Db, library: str, scan_id: int, listed: Sequence[Item]) -> list[Unseen]:
    """Return the items that may be one of these that were listed, at another place.

    They are of the same size or file, and not seen by the scan; items of sections in which another
    scan is at work are left out.
    """
    found: dict[int, Unseen] = {}
    for where in _alike(listed):
        statement = items.with_section().where(*_unseen(library, scan_id), where)
        found |= {row.id: _found(row) for row in db.execute(statement)}
    return list(found.values())


def _alike(listed: Sequence[Item]) -> Iterator[ColumnElement[bool]]:
    for sizes in slices(list({one.size_bytes for one in listed if one.size_bytes is not None})):
        yield _items.c.size_bytes.in_(sizes)
    for titles in slices(list({one.title for one in listed if one.size_bytes is None})):
        yield _items.c.size_bytes.is_(None) & _items.c.title.in_(titles)
    for files in slices(list({one.file for one in listed if one.file})):
        # A partial index serves a statement that says what its own condition says.
        yield (_items.c.file != "") & _items.c.file.in_(files)


def _unseen(library: str, scan_id: int) -> tuple[ColumnElement[bool], ...]:
    sections, scans = schema.sections, schema.scans
    of_library = select(sections.c.id).where(sections.c.library == library)
    busy = select(scans.c.section_id).where(scans.c.state.in_(schema.ACTIVE), scans.c.id != scan_id)
    return (
        _items.c.section_id.in_(of_library),
        _items.c.section_id.notin_(busy),
        _items.c.seen_scan != scan_id,
    )


def _found(row: Row[Any]) -> Unseen:
    section = Section(row.library, row.section_key, row.section_title)
    return Unseen(items.item_row(row, section), row.section_id, row.gone)


def carry_over(db: Db, section_id: int, moves: Sequence[Move], scan_id: int) -> None:
    """Take rows to new places. What was known at such a place has no place any more."""
    if not moves:
        return
    _displace(db, section_id, moves)
    for section in {move.old.section_id for move in moves}:
        left = [move.old.row.item for move in moves if move.old.section_id == section]
        items.unsettle(db, section, {key for item in left for key in item.within})
    values = [_place(move) | {"to_section": section_id, "by_scan": scan_id} for move in moves]
    columns = [name for name in _place(moves[0]) if name != "row_id"]
    new: dict[str, Any] = {name.removeprefix("new_"): bindparam(name) for name in columns}
    new |= {"section_id": bindparam("to_section"), "seen_scan": bindparam("by_scan")}
    place = update(_items).where(_items.c.id == bindparam("row_id"))
    db.execute(place.values(**new, gone=False, settled=""), values)
    _renew(db, moves)


def _place(move: Move) -> dict[str, Any]:
    columns = items.values_of(move.new)
    columns["refreshed"] = items.MOVED if move.bare else move.old.row.refreshed
    columns["content"] = move.content or move.old.row.content
    return {"row_id": move.old.row.id} | {f"new_{name}": value for name, value in columns.items()}


def _displace(db: Db, section_id: int, moves: Sequence[Move]) -> None:
    """Take another item's row away from a place; that item is gone, or moves itself."""
    coming = {move.new.key: move.old.row.id for move in moves}
    there = items.known_of(db, section_id, [move.new for move in moves])
    away = [row for key, row in there.items() if row.id != coming[key]]
    if away:
        values = [
            {"row_id": row.id, "parked": f"{row.key[:_LONGEST_KEY]} (gone, #{row.id})"}
            for row in away
        ]
        where = _items.c.id == bindparam("row_id")
        new = {"key": bindparam("parked"), "gone": True, "settled": ""}
        db.execute(update(_items).where(where).values(**new), values)


def _renew(db: Db, moves: Sequence[Move]) -> None:
    """Let what was said of the content at its old place hold at the new one.

    An answer that is there already, of a time when the file bore this revision, stays.
    """
    values = [
        {"of_item": move.old.row.id, "was": move.old.row.item.revision, "now": move.new.revision}
        for move in moves
        if move.old.row.item.revision != move.new.revision
    ]
    if not values:
        return
    for table in _OF_REVISION:
        where = [table.c.item_id == bindparam("of_item"), table.c.revision == bindparam("was")]
        if table is schema.answers:
            where.append(~_is_answered())
        db.execute(update(table).where(*where).values(revision=bindparam("now")), values)


def _is_answered() -> ColumnElement[bool]:
    answers = schema.answers
    other = answers.alias("other")
    names = ("item_id", "engine", "fingerprint", "sampler", "round")
    same = [other.c[name] == answers.c[name] for name in names]
    return exists().where(*same, other.c.revision == bindparam("now"))
