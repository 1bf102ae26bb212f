"""Sections that have been scanned, and the canary of their first write."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Update, or_, select, update

from tigertag import bounds
from tigertag.errors import Unstorable
from tigertag.model import Section
from tigertag.store import schema
from tigertag.store.clock import now_s
from tigertag.store.database import Db
from tigertag.store.sql import insert_or_replace

_sections = schema.sections


@dataclass(frozen=True, slots=True)
class SectionRow:
    id: int
    section: Section
    canary_passed: bool


def ensure(db: Db, section: Section) -> int:
    """Return the section's id, making its row when it is new. Raises `Unstorable`."""
    if not bounds.fits(section.id, bounds.TITLE):
        raise Unstorable("This section's id is too long to be kept, so it cannot be scanned.")
    title = bounds.cut(section.title, bounds.TITLE)
    row = {"library": section.library, "key": section.id, "title": title}
    insert_or_replace(db, _sections, [row], key=["library", "key"])
    return find(db, section.library, section.id)


def find(db: Db, library: str, key: str) -> int:
    """Return the section's id; 0 when it has never been scanned."""
    where = (_sections.c.library == library, _sections.c.key == key)
    return db.execute(select(_sections.c.id).where(*where)).scalar() or 0


def of_source(db: Db, library: str, source: str) -> list[int]:
    """Return all sections in which the items of a source may have been scanned.

    Those that were scanned in it under whatever name, those of which it was not known, and, where
    nothing tells sources apart ("", see `Library.identity`), those of this library.
    """
    known = _sections.c.source.in_(("", bounds.mark(source)))
    where = known if source else or_(known, _sections.c.library == library)
    return list(db.execute(select(_sections.c.id).where(where)).scalars())


def get(db: Db, section_id: int) -> SectionRow:
    row = db.execute(select(_sections).where(_sections.c.id == section_id)).one()
    section = Section(row.library, row.key, row.title)
    return SectionRow(row.id, section, row.canary == "passed")


def is_of_source(db: Db, section_id: int, source: str) -> bool:
    """Whether a section was always scanned in this source; the first one is taken down."""
    source = bounds.mark(source)
    where = (_sections.c.id == section_id, _sections.c.source.in_(("", source)))
    return db.execute(update(_sections).where(*where).values(source=source)).rowcount == 1


def mounts(db: Db, section_id: int) -> list[str]:
    """Return which folders were file systems of their own when all was last listed."""
    kept = db.execute(select(_sections.c.mounts).where(_sections.c.id == section_id)).scalar()
    return [str(one) for one in json.loads(kept)] if kept else []


def put_mounts(db: Db, section_id: int, folders: Iterable[str]) -> None:
    kept = json.dumps(sorted(folders))
    db.execute(update(_sections).where(_sections.c.id == section_id).values(mounts=kept))


def claim_canary(db: Db, section_id: int, *, by: str, lease_s: float) -> bool:
    """Take on the first write to the section; False when it is passed or another's.

    `by` names this claim alone: one that ran out and was taken over can neither be renewed nor
    ended any more.
    """
    free = or_(
        _sections.c.canary == "none",
        (_sections.c.canary == "claimed") & (_sections.c.canary_until < now_s()),
    )
    claim = update(_sections).where(_sections.c.id == section_id, free)
    claimed = claim.values(canary="claimed", canary_until=now_s() + lease_s, canary_by=by)
    return db.execute(claimed).rowcount == 1


def renew_canary(db: Db, section_id: int, *, by: str, lease_s: float) -> None:
    """Keep a claim while its write is under way."""
    db.execute(_claimed(section_id, by).values(canary_until=now_s() + lease_s))


def end_canary(db: Db, section_id: int, *, by: str, passed: bool) -> None:
    db.execute(_claimed(section_id, by).values(canary="passed" if passed else "none"))


def _claimed(section_id: int, by: str) -> Update:
    mine = (_sections.c.canary == "claimed", _sections.c.canary_by == by)
    return update(_sections).where(_sections.c.id == section_id, *mine)
