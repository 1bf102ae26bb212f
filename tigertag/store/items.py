"""Items as they were last listed, and the moving of what is known of them to their new places.

All that is kept of an item goes by its row: answers, ledger, ownership, decisions. A move changes
the row's place, and copies nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    bindparam,
    case,
    exists,
    false,
    func,
    or_,
    select,
    update,
)

from tigertag.model import Item, Media, Section
from tigertag.store import schema
from tigertag.store.database import Db, any_where, change_in, rows_in, update_each
from tigertag.store.retries import Retries
from tigertag.store.retries import due as retries_due

_items = schema.items
_LONGEST_KEY = 2000
_OF_REVISION = (
    *(schema.answers, schema.work, schema.decisions, schema.problems),
    schema.verdicts,
)

KnownRow = Row[Any]

MOVED = "moved"
"""The refresh mark of an item that has come to a place without the tags it had at its old one."""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item of a section, as it was last listed.

    `settled`: the signature with which nothing is left to be done for it, or "". `content`: its
    `media.files.identity`; "" before an engine has looked at it. `gone`: its library did not show
    it any more.
    """

    id: int
    item: Item
    section: Section
    section_id: int
    settled: str
    refreshed: str
    content: str = ""
    gone: bool = False

    @property
    def is_moved(self) -> bool:
        """Whether it has come to its place without its tags, and was not read since."""
        return self.refreshed == MOVED


@dataclass(frozen=True, slots=True)
class Move:
    """`bare`: the tags that the item had have not come along. `content`: of the new file, or ""."""

    old: ItemRow
    new: Item
    bare: bool
    content: str = ""


def known_of(db: Db, section_id: int, page: Sequence[Item]) -> dict[str, KnownRow]:
    """Return the rows of those items of a page that are known, by key."""
    of_section = select(_items).where(_items.c.section_id == section_id)
    return {row.key: row for row in rows_in(db, of_section, _items.c.key, [i.key for i in page])}


def note(
    db: Db,
    section_id: int,
    section: Section,
    page: Sequence[Item],
    scan_id: int,
    *,
    before: Mapping[str, KnownRow] | None = None,
) -> list[ItemRow]:
    """Take down a page of a listing; an item whose media or metadata changed is due.

    `before`: what `known_of` tells of the page, if that was asked already. Returns a row an item,
    once even for one that is listed twice.
    """
    listed = {item.key: item for item in page}
    before = known_of(db, section_id, page) if before is None else before
    known = {key: before[key] for key in listed if key in before}
    new = [item for key, item in listed.items() if key not in known]
    changed = {key: row for key, row in known.items() if _differs(listed[key], row)}
    if new:
        place = {"section_id": section_id, "seen_scan": scan_id}
        db.execute(_items.insert(), [_columns(item) | place for item in new])
        known |= known_of(db, section_id, new)
    mark_due(db, section_id, _groups(row.within for row in changed.values()))
    _change(db, [(row.id, listed[key]) for key, row in changed.items()])
    # The name of an item's file changes nothing about the item.
    files = [(row.id, listed[key].file, row.file) for key, row in known.items()]
    renamed = [{"id": row_id, "file": file} for row_id, file, was in files if file != was]
    update_each(db, _items, renamed)
    unseen = update(_items).where(_items.c.seen_scan != scan_id).values(seen_scan=scan_id)
    change_in(db, unseen, _items.c.id, [row.id for row in known.values()])
    settled = {key: "" if key in changed else row.settled for key, row in known.items()}
    return [
        ItemRow(row.id, listed[key], section, section_id, settled[key], row.refreshed)
        for key, row in known.items()
    ]


def numbers(db: Db, section_ids: Sequence[int], keys: Sequence[str]) -> dict[int, str]:
    """Return the keys of the items that have one of these, also of those that are gone, by id."""
    of_sections = select(_items.c.id, _items.c.key).where(_items.c.section_id.in_(section_ids))
    return {row.id: row.key for row in rows_in(db, of_sections, _items.c.key, keys)}


def _differs(item: Item, row: KnownRow) -> bool:
    was = (row.revision, row.stamp, row.within, row.gone)
    return bool(was != (item.revision, item.stamp, "\n".join(item.within), False))


def _columns(item: Item) -> dict[str, Any]:
    """What a listing tells. `sought`: what an item is found by."""
    return {
        "key": item.key,
        "revision": item.revision,
        "stamp": item.stamp,
        "media": item.media.value,
        "title": item.title,
        "size_bytes": item.size_bytes,
        "sought": f"{item.title}\n{item.key}".casefold(),
        "within": "\n".join(item.within),
        "file": item.file,
    }


def _change(db: Db, changed: Sequence[tuple[int, Item]]) -> None:
    kept = ("key", "media", "file")
    rows = [
        {"id": row_id} | {name: value for name, value in _columns(item).items() if name not in kept}
        for row_id, item in changed
    ]
    same = _items.c.revision == bindparam("new_revision")
    content = case((same, _items.c.content), else_="")
    update_each(db, _items, rows, content=content, settled="", gone=False)


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
    where = (*_not_shown(section_id, scan_id), _items.c.id > after)
    rows = db.execute(select(_items).where(*where).order_by(_items.c.id).limit(limit))
    return [_row(row, section) for row in rows]


def _not_shown(section_id: int, scan_id: int) -> tuple[ColumnElement[bool], ...]:
    unseen = (_items.c.seen_scan != scan_id, _items.c.gone.is_(False))
    return (_items.c.section_id == section_id, *unseen)


def see_unread(db: Db, section_id: int, keys: Iterable[str], scan_id: int) -> int:
    """Take items that could not be looked up as seen: they are not gone. Returns how many.

    A key that ends with a slash stands for all that begin with it.
    """
    seen = 0
    for key in keys:
        begins = func.substr(_items.c.key, 1, len(key)) == key
        where = (
            *_not_shown(section_id, scan_id),
            begins if key.endswith("/") else _items.c.key == key,
        )
        seen += db.execute(update(_items).where(*where).values(seen_scan=scan_id)).rowcount
    return seen


def mark_gone(db: Db, section_id: int, scan_id: int) -> int:
    """Mark what a whole listing did not show; answers and ledger are kept. Returns how many.

    Groups that lost what was in them are due again.
    """
    unseen = _not_shown(section_id, scan_id)
    mark_due(db, section_id, _groups(db.scalars(select(_items.c.within).where(*unseen))))
    return db.execute(update(_items).where(*unseen).values(gone=True, settled="")).rowcount


def mark_due(db: Db, section_id: int, keys: Collection[str]) -> None:
    """Let the next listing find that there is something to be done for these items."""
    of_section = update(_items).where(_items.c.section_id == section_id)
    change_in(db, of_section.values(settled=""), _items.c.key, keys)


def _groups(within: Iterable[str]) -> set[str]:
    return {key for keys in within if keys for key in keys.split("\n")}


def get(db: Db, row_ids: Sequence[int]) -> list[ItemRow]:
    """Return the items, in the order of the ids, each of the section in which it is now."""
    rows = by_id(db, row_ids)
    return [rows[row_id] for row_id in row_ids if row_id in rows]


def by_id(db: Db, row_ids: Collection[int]) -> dict[int, ItemRow]:
    return {row.id: of_section(row) for row in rows_in(db, with_section(), _items.c.id, row_ids)}


def page(
    db: Db,
    section_id: int,
    section: Section,
    *,
    after: int,
    limit: int,
    but: Collection[str] = (),
    retries: Retries | None = None,
    groups: bool = False,
) -> list[ItemRow]:
    """Return the items that are there, by rising id from `after` on.

    `but`: those that bear no such mark, and what is due of `retries`; `groups`: groups alone.
    """
    where = [_items.c.section_id == section_id, _items.c.id > after, _items.c.gone.is_(False)]
    if but:
        unsettled = _items.c.settled.not_in(but)
        is_due = false() if retries is None else _items.c.id.in_(retries_due(retries))
        where.append(or_(unsettled, is_due))
    if groups:
        where.append(_items.c.media == Media.GROUP.value)
    rows = db.execute(select(_items).where(*where).order_by(_items.c.id).limit(limit))
    return [_row(row, section) for row in rows]


def _there(section_id: int, media: Media) -> ColumnElement[bool]:
    in_section = (_items.c.section_id == section_id) & (_items.c.media == media.value)
    return in_section & _items.c.gone.is_(False)


def has_any(db: Db, section_id: int, media: Media) -> bool:
    """Whether an item of this kind is there, by the last look."""
    there = _there(section_id, media)
    return db.scalar(select(_items.c.id).where(there).limit(1)) is not None


def spread(db: Db, section_id: int, section: Section, media: Media, limit: int) -> list[ItemRow]:
    """Return at most so many items that are there, evenly spread over all in their order."""
    there = _there(section_id, media)
    ids = list(db.scalars(select(_items.c.id).where(there).order_by(_items.c.id)))
    count = min(limit, len(ids))
    chosen = [ids[number * len(ids) // count] for number in range(count)]
    found = db.execute(select(_items).where(_items.c.id.in_(chosen)).order_by(_items.c.id))
    return [_row(row, section) for row in found]


def some_keys(db: Db, section_id: int, *, most: int) -> list[str]:
    """Return the keys of a few items that are there, from all over a section; cheap."""
    there = (_items.c.section_id == section_id, _items.c.gone.is_(False))
    where = (*there, _items.c.media != Media.GROUP.value)
    first, last = db.execute(
        select(func.min(_items.c.id), func.max(_items.c.id)).where(*where)
    ).one()
    if first is None:
        return []
    keys: dict[str, None] = {}
    for number in range(most):
        from_id = first + (last - first) * number // max(1, most - 1)
        key = select(_items.c.key).where(*where, _items.c.id >= from_id).order_by(_items.c.id)
        if (found := db.scalar(key.limit(1))) is not None:
            keys[found] = None
    return list(keys)


def with_section() -> Select[Any]:
    """Select items, each with the library, key and title of its section; see `of_section`."""
    sections = schema.sections
    of = (sections.c.key.label("section_key"), sections.c.title.label("section_title"))
    return select(_items, sections.c.library, *of).join(sections)


def of_section(row: Row[Any]) -> ItemRow:
    return _row(row, Section(row.library, row.section_key, row.section_title))


def _row(row: Row[Any], section: Section) -> ItemRow:
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
    state = (row.settled, row.refreshed, row.content, row.gone)
    return ItemRow(row.id, item, section, row.section_id, *state)


def note_contents(db: Db, contents: Sequence[tuple[int, str, str]]) -> None:
    """Take down (item, revision, content) of items; of another revision it is not."""
    columns = ("id", "revision", "content")
    rows = [dict(zip(columns, values, strict=True)) for values in contents]
    update_each(db, _items, rows, key=("id", "revision"))


def parts(db: Db, section_id: int, keys: Collection[str]) -> dict[str, list[int]]:
    """Return, by the key of a group, the ids of the items in it that are there, but for groups."""
    members: dict[str, list[int]] = {key: [] for key in keys}
    there = (_items.c.section_id == section_id, _items.c.gone.is_(False))
    where = (*there, _items.c.within != "", _items.c.media != Media.GROUP.value)
    for row_id, within in db.execute(select(_items.c.id, _items.c.within).where(*where)):
        for key in members.keys() & within.split("\n"):
            members[key].append(row_id)
    return members


def mark_current(db: Db, settled: Sequence[tuple[int, str]]) -> None:
    """Say with which signature nothing is left to be done for an item ("": something is)."""
    update_each(db, _items, [{"id": row_id, "settled": mark} for row_id, mark in settled])


def note_shown(db: Db, shown: Sequence[tuple[int, str | None, str]]) -> None:
    """Take down the stamp and the refresh mark that an item has now."""
    columns = ("id", "stamp", "refreshed")
    update_each(db, _items, [dict(zip(columns, values, strict=True)) for values in shown])


def any_unseen(db: Db, library: str, scan_id: int) -> bool:
    """Whether a library has items that the scan has not listed yet."""
    return any_where(db, *_unseen(library, scan_id))


def unseen(db: Db, library: str, scan_id: int, listed: Sequence[Item]) -> list[ItemRow]:
    """Return the items that may be one of these that were listed, at another place.

    They are of the same size or file, and not seen by the scan, though an earlier one may have
    missed them already; items of sections in which another scan is at work are left out.
    """
    statement = with_section().where(*_unseen(library, scan_id))
    sizes = {item.size_bytes for item in listed if item.size_bytes is not None}
    titles = {item.title for item in listed if item.size_bytes is None}
    files = {item.file for item in listed if item.file}
    without_size = statement.where(_items.c.size_bytes.is_(None))
    # A partial index serves a statement that says what its own condition says.
    with_file = statement.where(_items.c.file != "")
    rows = [
        *rows_in(db, statement, _items.c.size_bytes, sizes),
        *rows_in(db, without_size, _items.c.title, titles),
        *rows_in(db, with_file, _items.c.file, files),
    ]
    return list({row.id: of_section(row) for row in rows}.values())


def _unseen(library: str, scan_id: int) -> tuple[ColumnElement[bool], ...]:
    sections, scans = schema.sections, schema.scans
    of_library = select(sections.c.id).where(sections.c.library == library)
    busy = select(scans.c.section_id).where(scans.c.state.in_(schema.ACTIVE), scans.c.id != scan_id)
    return (
        _items.c.section_id.in_(of_library),
        _items.c.section_id.notin_(busy),
        _items.c.seen_scan != scan_id,
    )


def carry_over(db: Db, section_id: int, moves: Sequence[Move], scan_id: int) -> None:
    """Take rows to new places. What was known at such a place has no place any more."""
    _displace(db, section_id, moves)
    for section in {move.old.section_id for move in moves}:
        left = [move.old.item for move in moves if move.old.section_id == section]
        mark_due(db, section, {key for item in left for key in item.within})
    place = {"section_id": section_id, "seen_scan": scan_id}
    update_each(db, _items, [_moved(move) | place for move in moves], gone=False, settled="")
    _renew(db, moves)


def _moved(move: Move) -> dict[str, Any]:
    return _columns(move.new) | {
        "id": move.old.id,
        "refreshed": MOVED if move.bare else move.old.refreshed,
        "content": move.content or move.old.content,
    }


def _displace(db: Db, section_id: int, moves: Sequence[Move]) -> None:
    """Take another item's row away from a place; that item is gone, or moves itself."""
    coming = {move.new.key: move.old.id for move in moves}
    there = known_of(db, section_id, [move.new for move in moves])
    rows = [
        {"id": row.id, "key": f"{row.key[:_LONGEST_KEY]} (gone, #{row.id})"}
        for key, row in there.items()
        if row.id != coming[key]
    ]
    update_each(db, _items, rows, gone=True, settled="")


def _renew(db: Db, moves: Sequence[Move]) -> None:
    """Let what was said of the content at its old place hold at the new one.

    An answer that is there already, of a time when the file bore this revision, stays.
    """
    values = [
        {"of_item": move.old.id, "was": move.old.item.revision, "now": move.new.revision}
        for move in moves
        if move.old.item.revision != move.new.revision
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
