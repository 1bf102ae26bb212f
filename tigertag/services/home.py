"""Home: what needs the user, how much is tagged, and what is pending in each section."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from tigertag.core import Core
from tigertag.errors import Conflict, NotFound, StoreError, TigerTagError
from tigertag.services import health, libraries, rules, scan_status, scans, schedules, spending
from tigertag.services.views import LibraryView, Notice, SectionView
from tigertag.store import Db, browse, coverage, engine_state
from tigertag.store import scans as scan_rows
from tigertag.store.coverage import Covered

_DISMISSED = "dismissed/"
_KEEP_S, _KEEP_BUSY_S = 60.0, 15.0
"""Coverage is counted anew whenever a scan begins or ends."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs the user. `id` is of what it says: it changes when that does."""

    id: str
    source: str
    level: str
    message: str

    @property
    def may_be_dismissed(self) -> bool:
        """Where the database cannot be used, nothing can be kept."""
        return self.source != "database"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Items, and those that bear a tag which TigerTag wrote.

    `unreadable`: those that have none, and a problem that is not solved.
    """

    items: int = 0
    tagged: int = 0
    unreadable: int = 0

    @property
    def untagged(self) -> int:
        return self.items - self.tagged - self.unreadable

    @property
    def share(self) -> float:
        return self.tagged / self.items if self.items else 0.0


@dataclass(frozen=True, slots=True)
class SectionState:
    """A section. `preview`: its newest scan where that is a preview whose changes wait.

    `pending`: how many items that would change.
    """

    library: str
    section: str
    title: str
    coverage: Coverage
    pending: int
    preview: int | None
    active_scan: int | None
    newest_scan: int | None

    @property
    def path(self) -> str:
        return f"{self.library}/{self.section}"


@dataclass(frozen=True, slots=True)
class Home:
    """All that Home says in short. `next_run`: of the schedules; `cost_usd`: of this month."""

    needs: tuple[Need, ...]
    dismissed: int
    coverage: Coverage
    pending: int
    active_scans: tuple[int, ...]
    next_run: datetime | None
    cost_usd: float
    sections: tuple[SectionState, ...]


@dataclass(frozen=True, slots=True)
class PreviewedAll:
    """The previews that were started, and a line for each section where none was."""

    scans: tuple[int, ...]
    refused: tuple[str, ...]


def home(core: Core, listed: Iterable[LibraryView] | None = None) -> Home:
    """Return what Home says. Its coverage may be some moments old."""
    needs, dismissed = _needs(core)
    views = listed if listed is not None else libraries.listed(core)
    states = _sections(core, [view for library in views for view in library.sections])
    runs = [time for schedule in schedules.listed(core) for time in schedule.next_runs]
    return Home(
        needs,
        dismissed,
        _sum(state.coverage for state in states),
        sum(state.pending for state in states),
        tuple(status.scan.id for status in scan_status.active(core)),
        min(runs, default=None),
        sum(month.cost_usd for month in spending.months(core).values()),
        states,
    )


def _need(notice: Notice) -> Need:
    said = f"{notice.source}\n{notice.message}".encode()
    name = hashlib.sha256(said).hexdigest()[:16]
    return Need(name, notice.source, notice.level, notice.message)


def _needs(core: Core) -> tuple[tuple[Need, ...], int]:
    """Return what needs the user and was not dismissed, and how many were."""
    found = [_need(notice) for notice in health.notices(core)]
    dismissed: set[str] = set()
    with suppress(StoreError):
        dismissed = _dismissed(core, {need.id for need in found})
    shown = tuple(need for need in found if need.id not in dismissed)
    return shown, len(found) - len(shown)


def _dismissed(core: Core, now: set[str]) -> set[str]:
    """Return what is dismissed; forget what has passed, so that it is shown when it comes again."""
    with core.store.read() as db:
        kept = {name.removeprefix(_DISMISSED) for name in _kept(db)}
    if passed := kept - now:
        with core.store.write() as db:
            for name in passed:
                engine_state.drop_state(db, "", _DISMISSED + name)
    return kept & now


def _kept(db: Db) -> dict[str, str]:
    return engine_state.states_under(db, "", _DISMISSED)


def dismiss(core: Core, need_id: str) -> None:
    """Show a need no more until it changes, or has passed and comes again. Raises `NotFound`."""
    found = {need.id: need for need in map(_need, health.notices(core))}
    need = found.get(need_id)
    if need is None or not need.may_be_dismissed:
        raise NotFound("That has changed or passed meanwhile, so nothing was dismissed.")
    with core.store.write() as db:
        engine_state.put_state(db, "", _DISMISSED + need.id, need.source)


def show_dismissed(core: Core) -> None:
    """Show everything that was dismissed again."""
    with core.store.write() as db:
        for name in _kept(db):
            engine_state.drop_state(db, "", name)


def _sum(parts: Iterable[Coverage]) -> Coverage:
    every = list(parts)
    return Coverage(
        sum(part.items for part in every),
        sum(part.tagged for part in every),
        sum(part.unreadable for part in every),
    )


def _sections(core: Core, views: list[SectionView]) -> tuple[SectionState, ...]:
    of = tuple((view.newest_scan, view.active_scan) for view in views)
    keep_s = _KEEP_BUSY_S if any(view.active_scan for view in views) else _KEEP_S
    covered = core.cache.get(("coverage", of), lambda: _covered(core), keep_s=keep_s)
    return tuple(_state(core, view, covered) for view in views)


def _covered(core: Core) -> dict[str, Covered]:
    with core.store.read() as db:
        found = coverage.by_section(db)
        counts = browse.section_counts(db)
    return {one.section.path: found.get(one.id, Covered()) for one in counts}


def _state(core: Core, view: SectionView, covered: dict[str, Covered]) -> SectionState:
    section = view.section
    one = covered.get(section.path, Covered())
    preview, pending = _pending(core, view)
    return SectionState(
        section.library,
        section.id,
        section.title,
        Coverage(one.items, one.tagged, one.unreadable),
        pending,
        preview,
        view.active_scan,
        view.newest_scan,
    )


def _pending(core: Core, view: SectionView) -> tuple[int | None, int]:
    """Return the preview that waits to be applied, and how many items it would change."""
    if view.newest_scan is None or view.active_scan is not None:
        return None, 0
    with core.store.read() as db:
        scan = scan_rows.get(db, view.newest_scan)
        if scan.state != "done" or not rules.is_open_preview(db, scan):
            return None, 0
    changed = scan_status.status(core, scan.id).changed
    return (scan.id, changed) if changed else (None, 0)


def preview_all(core: Core) -> PreviewedAll:
    """Start a preview of each section, but where one is active or an engine would cost money."""
    started: list[int] = []
    refused: list[str] = []
    for view in (view for library in libraries.listed(core) for view in library.sections):
        section = view.section
        try:
            started.append(_preview(core, section.library, section.id))
        except TigerTagError as exc:
            refused.append(f"{section.path}: {exc}")
    return PreviewedAll(tuple(started), tuple(refused))


def _preview(core: Core, library: str, section: str) -> int:
    wanted = scans.Request(library, section)
    if paid := [entry.id for entry in scans.paid_engines(core, wanted)]:
        raise Conflict(
            f"{', '.join(paid)} may cost money, so nothing was started;"
            " preview the section by itself and see its forecast first."
        )
    return scans.start(core, wanted)
