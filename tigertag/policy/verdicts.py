"""The user's word on an item, which beats engines, thresholds and rules."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from tigertag.model import Evidence, Field, Kind, Label, Tag, Verdict


def heeding(tags: Iterable[Tag], verdicts: Collection[Verdict]) -> tuple[Tag, ...]:
    """Return the tags without those that the user said no to, and with those that he said yes to.

    What stood on a yes that he has taken back does so no more.
    """
    yes = {verdict.ref.word: verdict for verdict in verdicts if verdict.yes}
    no = {verdict.ref.word for verdict in verdicts if not verdict.yes}
    decided = [tag for tag in map(_of_engines, tags) if tag is not None and tag.ref.word not in no]
    alike = {tag.ref.word: tag for tag in decided}
    confirmed = [_confirmed(alike.get(word), verdict) for word, verdict in yes.items()]
    return (*confirmed, *(tag for tag in decided if tag.ref.word not in yes))


def is_users(tag: Tag) -> bool:
    """Whether the user has said yes to it."""
    return any(not why.engine for why in tag.because)


def _of_engines(tag: Tag) -> Tag | None:
    if not is_users(tag):
        return tag
    because = tuple(why for why in tag.because if why.engine)
    return replace(tag, because=because) if because else None


def _confirmed(decided: Tag | None, verdict: Verdict) -> Tag:
    ref = verdict.ref
    kind = Kind.GENRE if ref.field is Field.GENRE else Kind.OBJECT
    tag = decided or Tag(ref.name, 1.0, kind=kind, field=ref.field)
    why = Evidence("", "", Label(ref.name, 1.0, kind=tag.kind, note="you said so"))
    return replace(tag, confidence=1.0, because=(why, *tag.because))
