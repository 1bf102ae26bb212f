"""What failed, tried again because a user wants it: at once, and counted anew."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tigertag.core import Core
from tigertag.errors import TigerTagError
from tigertag.model import Section
from tigertag.services import browsing, scans
from tigertag.services.problems import unsolved
from tigertag.services.scans import RETRY, Request
from tigertag.services.views import Retried
from tigertag.store import items, problems, retries
from tigertag.store.problems import ProblemFilter

_AT_ONCE = 500


def retry(core: Core, problem_ids: Sequence[int]) -> Retried:
    """Try problems again now, those too that were given up. Raises `NotFound`."""
    with core.store.read() as db:
        for problem_id in problem_ids:
            problems.get(db, problem_id)
    return _retry(core, replace(unsolved(core), ignored=None, ids=tuple(problem_ids)))


def retry_all(
    core: Core,
    *,
    engine: str | None = None,
    reason: str | None = None,
    library: str = "",
    section: str = "",
) -> Retried:
    """Try all problems again now, or those of an engine ("": of libraries), with one reason.

    Those that are ignored are left alone. Raises `NotFound`.
    """
    with core.store.read() as db:
        section_ids = browsing.section_ids(core, db, library, section)
    wanted = replace(unsolved(core), section_ids=section_ids, engine=engine, reason=reason)
    return _retry(core, wanted)


def _retry(core: Core, wanted: ProblemFilter) -> Retried:
    """Mark problems, in parts, and start a scan of each of their sections.

    Nothing is written that no scan was to write: a section is written to where all of its problems
    come from scans that write.
    """
    writes: dict[Section, bool] = {}
    number, after = 0, 0
    while True:
        with core.store.write() as db:
            rows = problems.page(db, wanted, after=after, limit=_AT_ONCE)
            retries.try_again(db, [row.id for row in rows], datetime.now(UTC))
            of_items = items.by_id(db, [row.item_id for row in rows])
            from_writing = retries.from_writing(db, [row.id for row in rows])
        if not rows:
            break
        for row in rows:
            section = of_items[row.item_id].section
            writes[section] = writes.get(section, True) and row.id in from_writing
        number, after = number + len(rows), rows[-1].id
    core.cache.forget("problems")
    return _started(core, writes, number)


def _started(core: Core, writes: dict[Section, bool], number: int) -> Retried:
    started: list[int] = []
    waiting: list[str] = []
    for section, is_written in writes.items():
        write = "apply" if is_written else "preview"
        try:
            request = Request(section.library, section.id, RETRY, write)
            started.append(scans.start(core, request))
        except TigerTagError as exc:
            waiting.append(f"{section.called}: {exc} The next scan of it tries them again.")
    return Retried(number, tuple(started), tuple(waiting))
