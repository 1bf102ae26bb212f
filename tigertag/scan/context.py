"""What holds for the whole of one scan: its rules, its engines, its signature."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from hashlib import blake2b
from typing import Any

from tigertag import policy
from tigertag.bounds import NAME, mark
from tigertag.concepts import Concepts
from tigertag.contracts import AnyEngine, Enrolling, Library, Need, PlacingGenres, Sampling
from tigertag.core import Core, EngineEntry, LibraryEntry
from tigertag.model import Media, Section, Thresholds, fold
from tigertag.policy import Rules
from tigertag.store import Db, answers, engine_state, scans, tags
from tigertag.store.answers import PHOTO
from tigertag.store.items import ItemRow
from tigertag.store.scans import ScanRow

_FAILED = "failed "


def while_failed(settles: str) -> str:
    """Return the mark of an item that only has to be retried, instead of the one of a settled item.

    "" stays "": something else is to be done for it. Whatever takes the mark off an item, such as a
    changed file or rule, lets it be tried at once.
    """
    return _FAILED + settles.removeprefix(_FAILED) if settles else ""


def is_final(settles: str) -> bool:
    """Whether nothing is left to be done for an item that bears this mark."""
    return bool(settles) and not settles.startswith(_FAILED)


@dataclass(frozen=True, slots=True)
class Context:
    """One scan's view of the world, taken when it starts or goes on.

    `engines` are those that may see the section, in the order in which they are asked, `asked`
    those that this scan asks, `only_uncertain` those asked where the earlier ones are not sure.
    `fingerprints` are those of all engines that ever answered, as they are now or last were.
    `sampling`: how frames of videos are chosen. Items that bear one of `skip_tags` (in lower case)
    are left as they are. `of_preview`: it applies a preview, and does at most what that has shown.
    `signature` changes whenever an unchanged item may need to be asked about or decided again.
    """

    scan: ScanRow
    library: Library
    engines: Mapping[str, AnyEngine]
    fingerprints: Mapping[str, str]
    asked: frozenset[str]
    rules: Rules
    thresholds: Mapping[str, Thresholds]
    concepts: Concepts
    signature: str
    of_preview: bool = False
    only_uncertain: frozenset[str] = frozenset()
    paid: frozenset[str] = frozenset()
    sampling: Sampling = field(default_factory=Sampling)
    skip_tags: frozenset[str] = frozenset()

    @property
    def section(self) -> Section:
        return self.scan.section

    @property
    def round(self) -> int:
        """The round of answers that counts: a forced scan asks anew, once."""
        return self.scan.id if self.scan.mode == "force" else 0

    @property
    def settles(self) -> str:
        """The signature of an item when all engines have ended; "" if this scan asks not all."""
        whole = self.scan.mode != "decide" and self.asked >= self.engines.keys()
        return self.signature if whole else ""

    def sampler(self, media: Media) -> str:
        """What an answer depends on, besides the engine: how frames are chosen, and of what."""
        if media is not Media.VIDEO:
            return PHOTO
        footage = self.library.footage
        return mark(f"{self.sampling.name}-{footage}" if footage else self.sampling.name, NAME)

    def identifies(self, media: Media) -> bool:
        """Whether what is looked at of an item is its own file: a trailer is that of many."""
        return media is Media.PHOTO or not self.library.footage

    def samplers(self, rows: Sequence[ItemRow]) -> dict[int, str]:
        return {row.id: self.sampler(row.item.media) for row in rows}

    def answered(self, db: Db, rows: Sequence[ItemRow]) -> set[tuple[int, str]]:
        """Return the (item, engine) that need not be asked: an answer that counts is kept."""
        return answers.answered(
            db,
            {row.id: row.item.revision for row in rows},
            self.fingerprints,
            samplers=self.samplers(rows),
            round=self.round,
            paid=self.paid,
        )

    def before(self, engine: str) -> list[str]:
        """Return the engines before this one that may make asking it needless.

        One that knows faces does not: it says nothing of the rest of the picture.
        """
        names = list(self.engines)
        before = names[: names.index(engine)] if engine in names else names
        return [name for name in before if not isinstance(self.engines[name], Enrolling)]


def make(core: Core, db: Db, scan: ScanRow, library: Library) -> Context:
    """Take the world's measure for a scan, and remember the engines' settings. Writes."""
    entries = [entry for entry in core.usable_engines() if may_see(entry, scan.section)]
    engines = {entry.id: entry.engine for entry in entries if entry.engine is not None}
    fingerprints = {name: engine.fingerprint for name, engine in engines.items()}
    known = {entry.id: (fingerprints[entry.id], entry.thresholds) for entry in entries}
    engine_state.remember(db, known)
    entry = core.library_entry(scan.section.library)
    rules = effective_rules(core, db).of(scan.section)
    limits = thresholds(core, db)
    return Context(
        scan=scan,
        library=library,
        engines=engines,
        fingerprints=engine_state.remembered_fingerprints(db) | fingerprints,
        asked=frozenset(scan.engines or engines) & engines.keys(),
        rules=rules,
        thresholds=limits,
        concepts=core.concepts,
        signature=_signature(entries, fingerprints, rules, limits, entry),
        of_preview=scan.source_id is not None and scans.get(db, scan.source_id).is_preview,
        only_uncertain=frozenset(entry.id for entry in entries if entry.only_uncertain),
        paid=frozenset(entry.id for entry in entries if entry.paid),
        sampling=entry.sampling,
        skip_tags=frozenset(fold(word) for word in entry.skip_tags),
    )


def needed(engines: Iterable[AnyEngine]) -> Need:
    """Return what these engines together need of an item."""
    wants = [engine.capabilities for engine in engines]
    return Need(
        short_side_px=max((want.short_side_px for want in wants), default=1),
        max_frames=max((want.max_frames for want in wants), default=1),
        metadata=any(want.gets_metadata for want in wants),
    )


def effective_rules(core: Core, db: Db) -> Rules:
    """The environment's rules, overridden by the database's."""
    defaults = sorted(core.default_rules, key=lambda rule: (rule.section != "", rule.engine != ""))
    return Rules((*defaults, *(row.rule for row in tags.rules(db))))


def thresholds(core: Core, db: Db) -> dict[str, Thresholds]:
    """The thresholds of every engine that is configured, or once was."""
    return engine_state.remembered_thresholds(db) | {
        entry.id: entry.thresholds for entry in core.engines if entry.engine is not None
    }


def may_see(entry: EngineEntry, section: Section) -> bool:
    """Whether the engine's settings let it see the section."""
    names = {name.casefold() for name in entry.sections}
    return not names or bool(names & {section.id.casefold(), section.title.casefold()})


def _signature(
    entries: Sequence[EngineEntry],
    fingerprints: Mapping[str, str],
    rules: Rules,
    thresholds: Mapping[str, Thresholds],
    library: LibraryEntry,
) -> str:
    facts: list[Any] = [
        policy.VERSION,
        library.sampling.name,
        sorted(library.skip_tags),
        library.library.field if library.library else "",
        library.library.footage if library.library else "",
        sorted(fingerprints.items()),
        [astuple(rule) for rule in rules.rules],
        sorted((engine, _told(limits)) for engine, limits in thresholds.items()),
    ]
    if isinstance(library.library, PlacingGenres) and library.library.genre_field:
        facts.append(["genres", library.library.genre_field])
    if any(entry.only_uncertain for entry in entries):
        facts.append([(entry.id, entry.only_uncertain) for entry in entries])
    return blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _told(limits: Thresholds) -> tuple[Any, ...]:
    """An engine's thresholds; words of their own count only where there are some."""
    *common, each, withheld, models = astuple(limits)
    return (*common, *filter(None, (each, withheld, models)))
