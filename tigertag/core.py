"""What the services work with, and how names are looked up in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, time, tzinfo
from pathlib import Path
from typing import Any, TypeVar

from tigertag.breakers import CircuitBreakers
from tigertag.cache import TtlCache
from tigertag.concepts import Concepts
from tigertag.contracts import AnyEngine, Host, Library, Sampling
from tigertag.errors import Conflict, NotFound, PluginError
from tigertag.model import Rule, Section, Thresholds
from tigertag.settings import ChannelSettings, ScheduleSettings
from tigertag.store import Store
from tigertag.store.usage import Limits
from tigertag.text import did_you_mean


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """A configured engine. `engine` is None, and `problem` says why, when it cannot be used.

    `min_confidence`, `max_tags`: None where the settings leave them to the engine.
    `only_uncertain`: it is asked where the engines before it found nothing sure enough.
    `waits_for_budget`: a scan waits for the next month when its budget is used up. `agrees_by`:
    what makes its answers the same on another machine, "" where the engine does not say.
    """

    id: str
    name: str
    engine: AnyEngine | None
    problem: str
    min_confidence: float | None = None
    max_tags: int | None = None
    prefix: str = ""
    sections: tuple[str, ...] = ()
    order: int = 100
    only_uncertain: bool = False
    limits: Limits = field(default_factory=Limits)
    waits_for_budget: bool = False
    agrees_by: str = ""

    @property
    def paid(self) -> bool:
        """Whether asking it takes from a quota or costs money."""
        return self.engine is not None and self.engine.capabilities.paid

    @property
    def thresholds(self) -> Thresholds:
        """What the settings say; where they are silent, what the engine says of itself now.

        An engine may take up another model, with thresholds of its own, without a restart.
        """
        if self.engine is None:
            return Thresholds(self.min_confidence or 1.0, self.max_tags or 0, self.prefix)
        default = self.engine.capabilities
        most, withheld = self.max_tags or default.max_tags, tuple(sorted(default.withheld))
        if self.min_confidence is not None:
            return Thresholds(self.min_confidence, most, self.prefix, withheld=withheld)
        each = tuple(default.each.items())
        models = tuple(
            (model, least.default, tuple(least.each.items()))
            for model, least in default.models.items()
        )
        return Thresholds(default.min_confidence, most, self.prefix, each, withheld, models)

    def unusable(self) -> PluginError:
        """Return the error for one that is asked for and cannot be used."""
        return PluginError(f"Engine {self.id} cannot be used: {self.problem}")


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A configured library. `library` is None, and `problem` says why, when it cannot be used.

    `sampling`: how frames of its videos are chosen. Items that bear a tag of `skip_tags` are left
    as they are.
    """

    id: str
    name: str
    library: Library | None
    problem: str
    sampling: Sampling = field(default_factory=Sampling)
    skip_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Core:
    """Everything that is configured, put together by `bootstrap`."""

    host: Host
    store: Store
    concepts: Concepts
    engines: tuple[EngineEntry, ...]
    libraries: tuple[LibraryEntry, ...]
    default_rules: tuple[Rule, ...]
    workers: int
    lease_s: float
    home: Path = Path()
    timezone: tzinfo = UTC
    rules_file: Path | None = None
    backup_at: time | None = None
    backup_folder: Path | None = None
    poll_s: float = 30.0
    default_schedules: tuple[ScheduleSettings, ...] = ()
    hook_quiet_s: float = 60.0
    keep_days: int = 90
    broker_url: str = ""
    paid_at_once: int = 4
    problems: tuple[str, ...] = ()
    channels: tuple[ChannelSettings, ...] = ()
    public_url: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What is set, as it may be shown."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """What must show nowhere: neither in the log nor in what is handed on."""
    cache: TtlCache = field(default_factory=TtlCache, compare=False)
    circuits: CircuitBreakers = field(default_factory=CircuitBreakers, compare=False)

    @property
    def is_clustered(self) -> bool:
        """Whether scans are worked on by `tigertag worker`, on any number of machines."""
        return bool(self.broker_url)

    @property
    def backups(self) -> Path:
        """The folder of the backups."""
        return self.backup_folder or self.home / "backups"

    def library(self, name: str) -> Library:
        """Return the library, open. Raises `NotFound`, `PluginError`, `LibraryError`."""
        library = self.unopened_library(name)
        library.open()
        return library

    def library_entry(self, name: str) -> LibraryEntry:
        """Return the library's entry. Raises `NotFound`."""
        return _named(self.libraries, name, "library", "LIBRARY_<X>_NAME")

    def unopened_library(self, name: str) -> Library:
        """Return the library, open or not. Raises `NotFound`, `PluginError`."""
        entry = self.library_entry(name)
        if entry.library is None:
            raise PluginError(f"Library {entry.id} cannot be used: {entry.problem}")
        return entry.library

    def section(self, library: Library, name: str | None) -> Section:
        """Return the section by id or title; the only one when no name is given."""
        sections = library.sections()
        titles = ", ".join(_called(section) for section in sections) or "none"
        if name is None:
            if not sections:
                raise NotFound(f"Library {library.id} has no sections that can be scanned.")
            if len(sections) == 1:
                return sections[0]
            raise Conflict(f"Library {library.id} has several sections; name one of: {titles}.")
        for section in sections:
            if name.casefold() in (section.id.casefold(), section.title.casefold()):
                return section
        names = [word for section in sections for word in (section.id, section.title)]
        raise NotFound(
            f"Library {library.id} has no section {name!r}{did_you_mean(name, names)}"
            f" It has: {titles}."
        )

    def engine(self, name: str) -> EngineEntry:
        """Return the engine's entry. Raises `NotFound`."""
        return _named(self.engines, name, "engine", "ENGINE_<X>_NAME")

    def usable_engines(self, names: Sequence[str] = ()) -> list[EngineEntry]:
        """Return the engines of these names, or all that can be used, in their order."""
        chosen = [_named(self.engines, name, "engine", "ENGINE_<X>_NAME") for name in names]
        for entry in chosen:
            if entry.engine is None:
                raise entry.unusable()
        usable = [entry for entry in chosen or self.engines if entry.engine is not None]
        return sorted(usable, key=lambda entry: (entry.order, entry.id))


def _called(section: Section) -> str:
    """How a section is named to people: its title, and its id where that says more."""
    return section.id if section.id == section.title else f"{section.title} ({section.id})"


_E = TypeVar("_E", EngineEntry, LibraryEntry)


def _named(entries: Iterable[_E], name: str, what: str, variable: str) -> _E:
    known = {entry.id: entry for entry in entries}
    entry = known.get(name.casefold())
    if entry is None:
        have = f"It has: {', '.join(known)}." if known else f"None is configured; set {variable}."
        raise NotFound(f"There is no {what} {name!r}{did_you_mean(name, known)} {have}")
    return entry
