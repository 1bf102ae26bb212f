"""Items as they were last listed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, case, exists, func, select, update

from tigertag.model import Item, Media, Section
from tigertag.store import schema
from tigertag.store.database import Db, slices

_items = schema.items


KnownRow = Row[Any]

MOVED = "moved"
"""The refresh mark of an item that has come to a place without the tags it had at its old one."""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """`content`: its `media.source.identity`; "" before an engine has looked at it."""

    id: int
    item: Item
    settled: str
    refreshed: str
    content: str = ""

    @property
    def is_moved(self) -> bool:
        """Whether it has come to its place without its tags, and was not read since."""
        return self.refreshed == MOVED


def known_of(db: Db, section_id: int, page: Sequence[Item]) -> dict[str, KnownRow]:
    """Return the rows of those items of a page that are known, by key."""
    return {row.key: row for row in _by_key(db, section_id, [item.key for item in page])}


def note(
    db: Db,
    section_id: int,
    section: Section,
    page: Sequence[Item],
    scan_id: int,
    *,
    before: Mapping[str, KnownRow] | None = None,
) -> list[ItemRow]:
    """Take down a page of a listing; an item whose media or metadata changed is unsettled.

    `before`: what `known_of` tells of the page, if that was asked already. Returns a row an item,
    once even for one that is listed twice.
    """
    listed = {item.key: item for item in page}
    if before is None:
        before = known_of(db, section_id, page)
    known = {key: before[key] for key in listed if key in before}
    new = [item for key, item in listed.items() if key not in known]
    changed = [item for key, item in listed.items() if key in known and _differs(item, known[key])]
    if new:
        db.execute(_items.insert(), [_values(item, section_id, scan_id) for item in new])
        known |= known_of(db, section_id, new)
    if changed:
        mark_due(db, section_id, _groups(known[item.key].within for item in changed))
        _change(db, [(known[item.key].id, item) for item in changed], scan_id)
    _file(
        db,
        [(row.id, listed[key].file) for key, row in known.items() if row.file != listed[key].file],
    )
    _see(db, [row.id for row in known.values()], scan_id)
    unsettled = {item.key for item in changed}
    return [
        ItemRow(row.id, listed[key], "" if key in unsettled else row.settled, row.refreshed)
        for key, row in known.items()
    ]


def _by_key(db: Db, section_id: int, keys: Sequence[str]) -> Iterable[Row[Any]]:
    for some in slices(keys):
        wanted = (_items.c.section_id == section_id, _items.c.key.in_(some))
        yield from db.execute(select(_items).where(*wanted))


def numbers(db: Db, section_ids: Sequence[int], keys: Sequence[str]) -> dict[int, str]:
    """Return the keys of the items that have one of these, also of those that are gone, by id."""
    found: dict[int, str] = {}
    for some in slices(keys):
        where = (_items.c.section_id.in_(section_ids), _items.c.key.in_(some))
        rows = db.execute(select(_items.c.key, _items.c.id).where(*where))
        found |= {row.id: row.key for row in rows}
    return found


def _differs(item: Item, row: Row[Any]) -> bool:
    was = (row.revision, row.stamp, row.within, row.gone)
    return bool(was != (item.revision, item.stamp, _within(item), False))


def _values(item: Item, section_id: int, scan_id: int) -> dict[str, Any]:
    return values_of(item) | {"section_id": section_id, "seen_scan": scan_id}


def values_of(item: Item) -> dict[str, Any]:
    """The columns that a listing tells."""
    return {
        "key": item.key,
        "revision": item.revision,
        "stamp": item.stamp,
        "media": item.media.value,
        "title": item.title,
        "size_bytes": item.size_bytes,
        "sought": _sought(item),
        "within": _within(item),
        "file": item.file,
    }


def _within(item: Item) -> str:
    return "\n".join(item.within)


def _sought(item: Item) -> str:
    """What an item is found by: its title and key, case-folded."""
    return f"{item.title}\n{item.key}".casefold()


def _file(db: Db, filed: Sequence[tuple[int, str]]) -> None:
    """Take down what names the files of items; that changes nothing about them."""
    if filed:
        statement = update(_items).where(_items.c.id == bindparam("row_id"))
        values = [{"row_id": row_id, "new_file": file} for row_id, file in filed]
        db.execute(statement.values(file=bindparam("new_file")), values)


def _change(db: Db, changed: Sequence[tuple[int, Item]], scan_id: int) -> None:
    statement = update(_items).where(_items.c.id == bindparam("row_id"))
    columns = ("revision", "stamp", "title", "size_bytes")
    worked_out = ("sought", "within")
    values = [
        {"row_id": row_id, "new_sought": _sought(item), "new_within": _within(item)}
        | {f"new_{name}": getattr(item, name) for name in columns}
        for row_id, item in changed
    ]
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in (*columns, *worked_out)}
    same = _items.c.revision == bindparam("new_revision")
    new["content"] = case((same, _items.c.content), else_="")
    db.execute(statement.values(**new, settled="", gone=False), values)


def _see(db: Db, row_ids: Sequence[int], scan_id: int) -> None:
    for some in slices(row_ids):
        unseen = (_items.c.id.in_(some), _items.c.seen_scan != scan_id)
        db.execute(update(_items).where(*unseen).values(seen_scan=scan_id))


def known(db: Db, section_id: int) -> dict[bool, int]:
    """Return how many items are there by the last look: {False: items, True: groups}."""
    is_group = _items.c.media == Media.GROUP.value
    where = (_items.c.section_id == section_id, _items.c.gone.is_(False))
    rows = db.execute(select(is_group, func.count()).where(*where).group_by(is_group))
    return {False: 0, True: 0} | {bool(group): number for group, number in rows}


def missing(
    db: Db, section_id: int, section: Section, scan_id: int, *, after: int, limit: int
) -> list[ItemRow]:
    """Return items that were there and that a scan's listing has not shown, by rising id."""
    unseen = (_items.c.seen_scan != scan_id, _items.c.gone.is_(False))
    where = (_items.c.section_id == section_id, *unseen, _items.c.id > after)
    rows = db.execute(select(_items).where(*where).order_by(_items.c.id).limit(limit))
    return [item_row(row, section) for row in rows]


def see_unread(db: Db, section_id: int, keys: Iterable[str], scan_id: int) -> int:
    """Take items that could not be looked up as seen: they are not gone. Returns how many.

    A key that ends with a slash stands for all that begin with it.
    """
    seen = 0
    for key in keys:
        begins = func.substr(_items.c.key, 1, len(key)) == key
        found = begins if key.endswith("/") else _items.c.key == key
        unseen = (_items.c.seen_scan != scan_id, _items.c.gone.is_(False))
        where = (_items.c.section_id == section_id, *unseen, found)
        seen += db.execute(update(_items).where(*where).values(seen_scan=scan_id)).rowcount
    return seen


def mark_gone(db: Db, section_id: int, scan_id: int) -> int:
    """Mark what a whole listing did not show; answers and ledger are kept. Returns how many.

    Groups that lost what was in them are due again.
    """
    mine = _items.c.section_id == section_id
    unseen = (mine, _items.c.seen_scan != scan_id, _items.c.gone.is_(False))
    mark_due(db, section_id, _groups(db.execute(select(_items.c.within).where(*unseen)).scalars()))
    statement = update(_items).where(*unseen)
    return db.execute(statement.values(gone=True, settled="")).rowcount


def mark_due(db: Db, section_id: int, keys: Collection[str]) -> None:
    """Let the next listing find that there is something to be done for these items."""
    for some in slices(list(keys)):
        where = (_items.c.section_id == section_id, _items.c.key.in_(some))
        db.execute(update(_items).where(*where).values(settled=""))


def _groups(within: Iterable[str]) -> set[str]:
    return {key for one in within if one for key in one.split("\n")}


def get(db: Db, row_ids: Sequence[int]) -> list[ItemRow]:
    """Return the items, in the order of the ids, each of the section in which it is now."""
    rows = {}
    for some in slices(row_ids):
        for row in db.execute(with_section().where(_items.c.id.in_(some))):
            section = Section(row.library, row.section_key, row.section_title)
            rows[row.id] = item_row(row, section)
    return [rows[row_id] for row_id in row_ids if row_id in rows]


def page(
    db: Db,
    section_id: int,
    section: Section,
    *,
    after: int,
    limit: int,
    but: str | None = None,
    groups: bool = False,
) -> list[ItemRow]:
    """Return the items that are there, by rising id from `after` on.

    `but`: those that are not so settled; `groups`: groups alone.
    """
    where = (_items.c.section_id == section_id, _items.c.id > after, _items.c.gone.is_(False))
    statement = select(_items).where(*where).order_by(_items.c.id).limit(limit)
    if but is not None:
        statement = statement.where(_items.c.settled != but)
    if groups:
        statement = statement.where(_items.c.media == Media.GROUP.value)
    return [item_row(row, section) for row in db.execute(statement)]


def with_section() -> Select[Any]:
    """Items, and the library, key and title of their sections."""
    sections = schema.sections
    of = (sections.c.key.label("section_key"), sections.c.title.label("section_title"))
    return select(_items, sections.c.library, *of).join(sections)


def item_row(row: Row[Any], section: Section) -> ItemRow:
    item = Item(
        section.library,
        section.id,
        row.key,
        row.revision,
        Media(row.media),
        row.title,
        row.size_bytes,
        row.stamp,
        tuple(row.within.split("\n")) if row.within else (),
        row.file,
    )
    return ItemRow(row.id, item, row.settled, row.refreshed, row.content)


def note_contents(db: Db, contents: Sequence[tuple[int, str, str]]) -> None:
    """Take down (item, revision, content) of items; of another revision it is not."""
    if contents:
        same = (_items.c.id == bindparam("row_id"), _items.c.revision == bindparam("of"))
        values = [{"row_id": id, "of": of, "seen": seen} for id, of, seen in contents]
        db.execute(update(_items).where(*same).values(content=bindparam("seen")), values)


def parts(db: Db, section_id: int, keys: Collection[str]) -> dict[str, list[int]]:
    """Return, by the key of a group, the ids of the items in it that are there, but for groups."""
    found: dict[str, list[int]] = {key: [] for key in keys}
    there = (_items.c.section_id == section_id, _items.c.gone.is_(False))
    where = (*there, _items.c.within != "", _items.c.media != Media.GROUP.value)
    for row_id, within in db.execute(select(_items.c.id, _items.c.within).where(*where)):
        for key in within.split("\n"):
            if key in found:
                found[key].append(row_id)
    return found


def mark_current(db: Db, settled: Sequence[tuple[int, str]]) -> None:
    """Say with which signature nothing is left to be done for an item ("": something is)."""
    if settled:
        statement = update(_items).where(_items.c.id == bindparam("row_id"))
        values = [{"row_id": row_id, "signature": signature} for row_id, signature in settled]
        db.execute(statement.values(settled=bindparam("signature")), values)


def note_shown(db: Db, shown: Sequence[tuple[int, str | None, str]]) -> None:
    """Take down the stamp and the refresh mark that an item bears now."""
    if shown:
        statement = update(_items).where(_items.c.id == bindparam("row_id"))
        values = [
            {"row_id": row_id, "new_stamp": stamp, "new_refreshed": refreshed}
            for row_id, stamp, refreshed in shown
        ]
        new: dict[str, Any] = {
            "stamp": bindparam("new_stamp"),
            "refreshed": bindparam("new_refreshed"),
        }
        db.execute(statement.values(**new), values)


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
        statement = with_section().where(*_unseen(library, scan_id), where)
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
    return Unseen(item_row(row, section), row.section_id, row.gone)


def carry_over(db: Db, section_id: int, moves: Sequence[Move], scan_id: int) -> None:
    """Take rows to new places. What was known at such a place has no place any more."""
    if not moves:
        return
    _displace(db, section_id, moves)
    for section in {move.old.section_id for move in moves}:
        left = [move.old.row.item for move in moves if move.old.section_id == section]
        mark_due(db, section, {key for item in left for key in item.within})
    values = [_place(move) | {"to_section": section_id, "by_scan": scan_id} for move in moves]
    columns = [name for name in _place(moves[0]) if name != "row_id"]
    new: dict[str, Any] = {name.removeprefix("new_"): bindparam(name) for name in columns}
    new |= {"section_id": bindparam("to_section"), "seen_scan": bindparam("by_scan")}
    place = update(_items).where(_items.c.id == bindparam("row_id"))
    db.execute(place.values(**new, gone=False, settled=""), values)
    _renew(db, moves)


def _place(move: Move) -> dict[str, Any]:
    columns = values_of(move.new)
    columns["refreshed"] = MOVED if move.bare else move.old.row.refreshed
    columns["content"] = move.content or move.old.row.content
    return {"row_id": move.old.row.id} | {f"new_{name}": value for name, value in columns.items()}


def _displace(db: Db, section_id: int, moves: Sequence[Move]) -> None:
    """Take another item's row away from a place; that item is gone, or moves itself."""
    coming = {move.new.key: move.old.row.id for move in moves}
    there = known_of(db, section_id, [move.new for move in moves])
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
