"""What could not be done for items, and still cannot: a list that lasts until it is solved."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from tigertag.core import Core
from tigertag.services import browsing
from tigertag.services.views import Page, Problem, ProblemGroup, cursor_number, cut_page
from tigertag.store import Db, items, problems
from tigertag.store.problems import MOST_TRIES, ProblemFilter, ProblemRow, ReasonCount

__all__ = [
    "MOST_TRIES",
    "by_reason",
    "get",
    "group",
    "ignore",
    "listed",
    "of_item",
    "of_section",
    "unsolved",
]

_KEEP_COUNTS_S = 1.0
_MOST_GROUPS = 50


def listed(
    core: Core,
    *,
    library: str = "",
    section: str = "",
    ignored: bool = False,
    like: int | None = None,
    cursor: str | None = None,
    limit: int = 60,
) -> Page[Problem]:
    """Return the problems of items, the oldest first; `ignored`: those that the user has ignored.

    `like`: those with the engine and the reason of this problem. Raises `NotFound` for a library,
    section or problem that is unknown, `RequestError`.
    """
    after = cursor_number(cursor) or 0
    with core.store.read() as db:
        section_ids = browsing.section_ids(core, db, library, section)
        wanted = ProblemFilter(browsing.usable_engines(core), section_ids, ignored=ignored)
        if like is not None:
            same = problems.get(db, like)
            wanted = replace(wanted, engine=same.engine, reason=same.reason)
        rows = problems.page(db, wanted, after=after, limit=limit + 1)
        page = cut_page(rows, limit, after=lambda row: row.id)
        return Page(tuple(_shown(db, page.items)), page.next)


def of_item(core: Core, item_id: int) -> tuple[Problem, ...]:
    """Return the problems of an item, the ignored ones as well."""
    with core.store.read() as db:
        wanted = ProblemFilter(browsing.usable_engines(core), item_id=item_id, ignored=None)
        return tuple(_shown(db, problems.page(db, wanted)))


def unsolved(core: Core, *, since: datetime | None = None) -> ProblemFilter:
    """Which problems count: not the ignored ones, nor those of engines that are switched off."""
    return ProblemFilter(browsing.usable_engines(core), since=since)


def get(core: Core, problem_id: int) -> Problem:
    """Return a problem. Raises `NotFound`."""
    with core.store.read() as db:
        (shown,) = _shown(db, [problems.get(db, problem_id)])
    return shown


def of_section(core: Core, section_id: int) -> int:
    """Return how many items of a section have problems; some moments old, perhaps."""

    def count() -> dict[int, int]:
        with core.store.read() as db:
            return problems.counts(db, unsolved(core))

    return core.cache.get(("problems",), count, keep_s=_KEEP_COUNTS_S).get(section_id, 0)


def ignore(core: Core, problem_id: int, *, ignored: bool = True) -> Problem:
    """Leave a problem out of the lists until its item changes, or show it again.

    Raises `NotFound`.
    """
    with core.store.write() as db:
        problems.get(db, problem_id)
        problems.ignore(db, [problem_id], ignored=ignored)
        (shown,) = _shown(db, [problems.get(db, problem_id)])
    core.cache.forget("problems")
    return shown


def by_reason(core: Core, *, library: str = "", section: str = "") -> tuple[ProblemGroup, ...]:
    """Return the problems grouped by engine and reason, the largest group first."""
    with core.store.read() as db:
        section_ids = browsing.section_ids(core, db, library, section)
        wanted = replace(unsolved(core), section_ids=section_ids)
        rows = problems.by_reason(db, wanted, limit=_MOST_GROUPS)
    return tuple(map(group, rows))


def group(row: ReasonCount) -> ProblemGroup:
    return ProblemGroup(row.problem_id, row.engine, row.reason, row.number, row.given_up)


def _shown(db: Db, rows: Iterable[ProblemRow]) -> Iterable[Problem]:
    found = list(rows)
    listed = items.by_id(db, [row.item_id for row in found])
    cards = {card.id: card for card in browsing.cards(db, list(listed.values()))}
    for row in found:
        yield Problem(
            row.id,
            cards[row.item_id],
            row.engine,
            row.reason,
            row.since,
            row.again and not row.is_given_up,
            row.ignored,
            row.tries,
            row.retry_at,
            row.is_given_up,
        )
