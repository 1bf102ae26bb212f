"""Items, their tags and how they came by them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tigertag.core import Core
from tigertag.errors import NotFound, RequestError
from tigertag.query import Query, Term, parse
from tigertag.services import verdicts
from tigertag.services.views import (
    Answered,
    ItemCard,
    ItemDetail,
    Named,
    Page,
    SearchCounts,
    Stands,
    TagCount,
    cursor_number,
    cut_page,
)
from tigertag.store import Db, browse, decisions, search
from tigertag.store import tags as tag_rows
from tigertag.store.items import ItemRow
from tigertag.store.problems import ProblemFilter
from tigertag.store.search import ItemFilter
from tigertag.store.tags import CountRow, TagRow
from tigertag.text import did_you_mean

_KEEP_COUNTS_S = 3.0


def items(
    core: Core,
    *,
    library: str = "",
    section: str = "",
    tag: str = "",
    q: str = "",
    problems: ProblemFilter | None = None,
    cursor: str | None = None,
    limit: int = 60,
) -> Page[ItemCard]:
    """Return items that were listed, the oldest known first.

    `tag` is a whole word that is decided, `q` a query (`query.parse`); `problems`: those that have
    one. Raises `NotFound`, `RequestError`.
    """
    after = cursor_number(cursor) or 0
    query = parse(q)
    with core.store.read() as db:
        wanted = replace(
            _wanted(core, db, query, library=library, section=section),
            word=tag,
            after=after,
            limit=limit + 1,
            problems=problems,
        )
        page = cut_page(search.page(db, wanted), limit, after=lambda row: row.id)
        return Page(cards(db, page.items), page.next)


def counts(core: Core, *, library: str = "", section: str = "", q: str = "") -> SearchCounts:
    """Count what `items` finds, and the tags on it. Raises `NotFound`, `RequestError`."""
    query = parse(q)
    with core.store.read() as db:
        found = search.counts(db, _wanted(core, db, query, library=library, section=section))
    words = (TagCount(row.field, row.name, row.items, row.written) for row in found.words)
    return SearchCounts(found.items, found.is_more, found.counted, tuple(words))


def _wanted(core: Core, db: Db, query: Query, *, library: str, section: str) -> ItemFilter:
    """Say which items are meant. Raises `NotFound`, and `RequestError` for a part of the query."""
    of = section_ids(core, db, library, section)
    failed = ProblemFilter(usable_engines(core))
    return ItemFilter(of, query=query, places=_places(core, db, query), failed=failed)


def _places(core: Core, db: Db, query: Query) -> dict[Term, tuple[int, ...]]:
    terms = [term for term in query.terms if term.key in ("library", "section")]
    try:
        return {term: section_ids(core, db, **{term.key: term.value}) or () for term in terms}
    except NotFound as exc:
        raise RequestError(str(exc)) from exc


def usable_engines(core: Core) -> tuple[str, ...]:
    return tuple(entry.id for entry in core.engines if entry.engine is not None)


def cards(db: Db, rows: Sequence[ItemRow]) -> tuple[ItemCard, ...]:
    """Return the items with the tags that were last decided for them."""
    named = tag_rows.of_items(db, [row.id for row in rows])
    return tuple(
        ItemCard(row.id, row.item, row.section, row.gone, _named(named[row.id])) for row in rows
    )


def _named(rows: Iterable[TagRow]) -> tuple[Named, ...]:
    return tuple(Named(row.field, row.name, row.confidence) for row in rows)


def section_ids(core: Core, db: Db, library: str = "", section: str = "") -> tuple[int, ...] | None:
    """Return the sections that are meant; None: all. Raises `NotFound`."""
    if not library and not section:
        return None
    known = browse.section_counts(db)
    libraries = {one.section.library for one in known} | {one.id for one in core.libraries}
    if library and library.casefold() not in libraries:
        raise NotFound(f"There is no library {library!r}{did_you_mean(library, libraries)}")
    of_library = [one for one in known if library.casefold() in ("", one.section.library)]
    if not section:
        return tuple(one.id for one in of_library)
    wanted = section.casefold()
    names = [name for one in of_library for name in (one.section.id, one.section.title)]
    found = [
        one.id
        for one in of_library
        if wanted in (one.section.id.casefold(), one.section.title.casefold())
    ]
    if not found:
        raise NotFound(f"No section {section!r} was ever scanned{did_you_mean(section, names)}")
    return tuple(found)


def item(core: Core, item_id: int) -> ItemDetail:
    """Return all that is known of an item. Raises `NotFound`."""
    with core.store.read() as db:
        row = browse.item(db, item_id)
        (card,) = cards(db, [row])
        answered = [
            Answered(one.answer, one.revision, one.revision == row.item.revision, one.answered_at)
            for one in browse.answers_of(db, item_id)
        ]
        standing = [
            Stands(one.field, one.name, one.state, one.since)
            for one in browse.ownership_of(db, item_id)
        ]
        reason, left_alone = _reason(core, db, row, answered)
        return ItemDetail(
            card,
            browse.decided_tags(db, item_id),
            tuple(answered),
            tuple(standing),
            tuple(browse.edits_of(db, item_id)),
            reason,
            left_alone,
            verdicts.of_item(db, item_id),
        )


def _reason(core: Core, db: Db, row: ItemRow, answered: Sequence[Answered]) -> tuple[str, bool]:
    """Say why an item is without what it might have, and whether it was left alone.

    What failed for good is asked about once: decisions after that say nothing of it.
    """
    newest = decisions.newest(db, [row.id]).get(row.id)
    if newest is not None and newest.reason and newest.revision == row.item.revision:
        return newest.reason, newest.state == "done"
    said = {one.answer.engine for one in answered if one.current}
    asked = {entry.id for entry in core.engines if entry.engine is not None} - said
    refused = browse.refusals(db, row.id, row.item.revision)
    return next((reason for engine, reason in refused.items() if engine in asked), ""), False


def section_names(core: Core) -> dict[str, str]:
    """Return what people call the sections that were ever scanned, by their paths."""
    with core.store.read() as db:
        return {one.section.path: one.section.called for one in browse.section_counts(db)}


def given_up(core: Core, scan_id: int) -> set[int]:
    """Return the items that failed in a scan and are not tried again while they are as they are."""
    with core.store.read() as db:
        return browse.given_up(db, scan_id)


def _tags_page(rows: Sequence[CountRow], start: int, limit: int) -> Page[TagCount]:
    some = rows[start : start + limit]
    more = len(rows) > start + limit
    counts = tuple(TagCount(row.field, row.name, row.items, row.written) for row in some)
    return Page(counts, str(start + limit) if more else None)


def tags(
    core: Core,
    *,
    library: str = "",
    section: str = "",
    q: str = "",
    cursor: str | None = None,
    limit: int = 100,
) -> Page[TagCount]:
    """Return the words that are decided for items, most items first; `q` is a part of a word.

    The counts may be some seconds old. Raises `NotFound`, `RequestError`.
    """
    start = cursor_number(cursor) or 0
    with core.store.read() as db:
        of = section_ids(core, db, library, section)
    counted = core.cache.get(("tags", of), lambda: _counted(core, of), keep_s=_KEEP_COUNTS_S)
    return _tags_page([row for row in counted if q.casefold() in row.word], start, limit)


def _counted(core: Core, section_ids: tuple[int, ...] | None) -> list[CountRow]:
    with core.store.read() as db:
        return tag_rows.counted(db, section_ids)
