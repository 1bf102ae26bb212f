"""Libraries, their sections, and engines, as they are now or were last seen."""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread

from tigertag.contracts import Advising, Library
from tigertag.core import Core, LibraryEntry
from tigertag.errors import LibraryUnavailable, StoreError, TigerTagError
from tigertag.model import Section
from tigertag.plugins import is_switched_off
from tigertag.services import problems
from tigertag.services.views import LibraryView, SectionView
from tigertag.store import browse, service_state
from tigertag.store.browse import SectionCount

_LOOK_AGAIN_S = 20.0
_PATIENCE_S = 1.5
_LONG_PATIENCE_S = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What a library shows: its sections, why it cannot be used ("": it can), and its advice."""

    sections: tuple[Section, ...] = ()
    problem: str = ""
    advice: tuple[str, ...] = ()


def look(core: Core, library_id: str) -> Look:
    """Look at a library now; whatever keeps it from being used is its problem."""
    sections: tuple[Section, ...] = ()
    problem, is_reached = "", True
    try:
        library = core.unopened_library(library_id)
    except TigerTagError as exc:
        return Look(problem=str(exc))
    try:
        library.open()
        sections = tuple(library.sections())
    except TigerTagError as exc:
        problem, is_reached = str(exc), not isinstance(exc, LibraryUnavailable)
    return Look(sections, problem, _advice(library) if is_reached else ())


def writing_note(core: Core, library_id: str) -> str:
    """Return what to know before tags are written for the first time. Raises `NotFound`."""
    library = core.library_entry(library_id).library
    return library.writing_note if isinstance(library, Advising) else ""


def _advice(library: Library) -> tuple[str, ...]:
    """Return what there is to know; a library that refuses to say has shown its problem already."""
    if not isinstance(library, Advising):
        return ()
    try:
        return tuple(library.advice())
    except TigerTagError as exc:
        logger.info("library %s gave no advice: %s", library.id, exc)
        return ()


class LibraryStatus:
    """What a library showed when it was last looked at; looked at again beside the caller."""

    def __init__(self, core: Core, entry: LibraryEntry) -> None:
        self._core = core
        self._entry = entry
        self._looking: Thread | None = None
        self._since = 0.0
        self.sections: tuple[Section, ...] = ()
        self.advice: tuple[str, ...] = ()
        self.problem = entry.problem
        self.checked_at: datetime | None = None

    @property
    def library(self) -> str:
        return self._entry.id

    @property
    def is_broken(self) -> bool:
        """Whether it can never be looked at, as it is set up."""
        return self._entry.library is None

    def refresh(self) -> None:
        """Look again, beside the caller, if it is time."""
        if self._entry.library is None or self._fresh():
            return
        if self._looking is None or not self._looking.is_alive():
            self._since = time.monotonic()
            self._looking = Thread(target=self._look, name="tigertag-look", daemon=True)
            self._looking.start()

    def wait(self, patience_s: float) -> None:
        """Wait, but not for long, for the end of the first look, counted from its begin."""
        if self.checked_at is None and self._looking is not None:
            self._looking.join(max(0.0, self._since + patience_s - time.monotonic()))
            if self.checked_at is None:
                self.problem = "It has not answered yet."

    def _fresh(self) -> bool:
        if self.checked_at is None:
            return False
        return (datetime.now(UTC) - self.checked_at).total_seconds() < _LOOK_AGAIN_S

    def _look(self) -> None:
        try:
            seen = look(self._core, self._entry.id)
        except Exception:
            logger.exception("looking at library %s hit a bug", self._entry.id)
            seen = Look(problem="It failed because of a bug; see the log.")
        if not seen.problem:
            self.sections = seen.sections
        self._note(seen.problem)
        self.problem, self.advice = seen.problem, seen.advice
        self.checked_at = datetime.now(UTC)

    def _note(self, problem: str) -> None:
        """Record that it cannot be reached any more, or again, unless another process has."""
        store, library = self._core.store, self._entry.id
        try:
            with store.read() as db:
                was_down = service_state.is_library_down(db, library)
            if was_down != bool(problem):
                with store.write() as db:
                    service_state.note_library(db, library, problem)
        except StoreError as exc:
            logger.error("the state of library %s was not recorded: %s", library, exc)


def listed(core: Core) -> tuple[LibraryView, ...]:
    """Return the configured libraries; one that cannot be reached shows what was scanned of it."""
    known = _known(core)
    looks = _looked(core, patience_s=_PATIENCE_S)
    return tuple(_view(core, entry, seen, known) for entry, seen in looks)


def seen_sections(core: Core) -> set[Section]:
    """Return the sections of the libraries that can be reached now; a slow one is waited for."""
    looks = _looked(core, patience_s=_LONG_PATIENCE_S)
    return {section for _entry, seen in looks for section in seen.sections}


def reachable(core: Core) -> dict[str, bool]:
    """Return which libraries could be reached when last tried; waits for none.

    Those that are switched off, or were not tried yet, are left out.
    """
    found = [_seen(core, entry) for entry in core.libraries if not is_switched_off(entry.problem)]
    for seen in found:
        seen.refresh()
    return {
        seen.library: not seen.problem
        for seen in found
        if seen.checked_at is not None or seen.is_broken
    }


def _looked(core: Core, *, patience_s: float) -> list[tuple[LibraryEntry, LibraryStatus]]:
    """Look at all libraries at once: one that hangs costs the patience once, and no other's."""
    found = [(entry, _seen(core, entry)) for entry in core.libraries]
    for _entry, seen in found:
        seen.refresh()
    for _entry, seen in found:
        seen.wait(patience_s)
    return found


def _seen(core: Core, entry: LibraryEntry) -> LibraryStatus:
    return core.cache.get(
        ("seen", entry.id), lambda: LibraryStatus(core, entry), keep_s=float("inf")
    )


def _view(
    core: Core, entry: LibraryEntry, seen: LibraryStatus, known: dict[str, "_Counted"]
) -> LibraryView:
    scanned = [one.count.section for one in known.values() if one.count.section.library == entry.id]
    sections = seen.sections or tuple(scanned)
    views = tuple(_section(core, section, known) for section in sections)
    return LibraryView(entry.id, entry.name, views, seen.problem, seen.checked_at, seen.advice)


def sections(core: Core, library_id: str) -> tuple[SectionView, ...]:
    """Ask a library for its sections now. Raises `NotFound`, `PluginError`, `LibraryError`."""
    found = core.library(library_id).sections()
    known = _known(core)
    return tuple(_section(core, section, known) for section in found)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A section that was scanned, and its scans."""

    count: SectionCount
    newest: int | None
    active: int | None


def _known(core: Core) -> dict[str, _Counted]:
    def count() -> list[SectionCount]:
        with core.store.read() as db:
            return browse.section_counts(db)

    counts = core.cache.get(("sections",), count, keep_s=1.0)
    with core.store.read() as db:
        scans = browse.newest_scans(db)
    nothing = (None, None)
    return {one.section.path: _Counted(one, *scans.get(one.id, nothing)) for one in counts}


def _section(core: Core, section: Section, known: dict[str, _Counted]) -> SectionView:
    one = known.get(section.path)
    if one is None:
        return SectionView(section)
    count, failing = one.count, problems.of_section(core, one.count.id)
    return SectionView(section, count.items, count.canary_passed, one.active, one.newest, failing)
