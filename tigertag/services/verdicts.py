"""What the user says of tags on items. It takes effect with the next scan of their section."""

from tigertag.bounds import word
from tigertag.core import Core
from tigertag.errors import NotFound, RequestError
from tigertag.model import Field, Tag, TagRef, fold
from tigertag.services.views import Said
from tigertag.store import Db, browse, verdicts
from tigertag.store.verdicts import NewVerdict, Source, VerdictRow
from tigertag.text import tidy


def say(
    core: Core,
    item_id: int,
    name: str,
    *,
    yes: bool,
    field: Field | None = None,
    source: Source = "hand",
) -> Said:
    """Keep that a tag belongs to an item (`yes`), or does not, in the place of what was said of it.

    `field` None: that of the tag that was decided, else where the library has tags. Raises
    `NotFound`, `RequestError`.
    """
    name = word(tidy(name))
    if not name:
        raise RequestError("A tag needs a name; nothing was changed.")
    with core.store.write() as db:
        library = browse.item(db, item_id).item.library
        decided = _decided(db, item_id, name, field)
        place = field or (decided.field if decided else _field_of(core, library))
        ref = TagRef(place, name)
        verdicts.put(db, [_about(db, NewVerdict(item_id, ref, yes, source), decided)])
        (row,) = [row for row in _rows(db, item_id) if row.ref.word == ref.word]
    core.cache.forget("tally", "tags")
    return _said(row)


def withdraw(core: Core, item_id: int, verdict_id: int) -> None:
    """Forget a verdict, as if it had never been given. Raises `NotFound`."""
    with core.store.write() as db:
        refs = [row.ref for row in _rows(db, item_id) if row.id == verdict_id]
        if not verdicts.withdraw(db, item_id, refs):
            raise NotFound(f"Item {item_id} has no verdict {verdict_id}.")
    core.cache.forget("tally", "tags")


def of_item(db: Db, item_id: int) -> tuple[Said, ...]:
    """Return what the user said of an item, by name."""
    return tuple(_said(row) for row in _rows(db, item_id))


def _rows(db: Db, item_id: int) -> list[VerdictRow]:
    return verdicts.of_items(db, [item_id]).get(item_id, [])


def _said(row: VerdictRow) -> Said:
    return Said(row.id, row.field, row.name, row.verdict, row.source, row.at)


def _decided(db: Db, item_id: int, name: str, field: Field | None) -> Tag | None:
    """Return the tag of this name that was decided for the item last."""
    tags = browse.decided_tags(db, item_id)
    named = (tag for tag in tags if tag.ref.word[1] == fold(name))
    return next((tag for tag in named if field in (None, tag.field)), None)


def _field_of(core: Core, library: str) -> Field:
    known = (entry.library for entry in core.libraries if entry.id == library)
    return next((one.field for one in known if one is not None), Field.TAG)


def _about(db: Db, new: NewVerdict, decided: Tag | None) -> NewVerdict:
    """The verdict with the answer that it is about: the one that is surest of the tag."""
    reasons = [why for why in (decided.because if decided else ()) if why.engine]
    if not reasons:
        return new
    why = max(reasons, key=lambda one: one.label.confidence)
    given = (one.answer for one in browse.answers_of(db, new.item_id))
    prints = (
        one.fingerprint for one in given if (one.engine, one.model) == (why.engine, why.model)
    )
    return NewVerdict(
        new.item_id,
        new.ref,
        new.yes,
        new.source,
        why.engine,
        why.label.confidence,
        next(prints, ""),
    )
