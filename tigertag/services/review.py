"""Doubtful decisions, the most useful to look at first, told from stored answers."""

from random import Random

from tigertag import policy
from tigertag.core import Core
from tigertag.scan.context import effective_rules, thresholds
from tigertag.services import browsing
from tigertag.services.views import Doubtful
from tigertag.store import answers, browse, engine_state, items

_MOST_LOOKED_AT = 300
"""Items that are decided for one list: a larger library is sampled, each time anew."""


def doubtful(core: Core, *, limit: int = 20, random: Random | None = None) -> tuple[Doubtful, ...]:
    """Return words that are just above or below their threshold: one an item, words by turns.

    Looks at up to 300 items, drawn at random. Nothing is fetched, asked or written.
    """
    with core.store.read() as db:
        drawn = browse.random_items(db, limit=_MOST_LOOKED_AT, random=random or Random())
        rows = {row.id: row for row in items.get(db, drawn)}
        revisions = {row.id: row.item.revision for row in rows.values()}
        given = answers.current(db, revisions, engine_state.remembered_fingerprints(db))
        known, limits = effective_rules(core, db), thresholds(core, db)
        rules_of = {row.section: known.of(row.section) for row in rows.values()}
        found = [
            (row.id, doubt)
            for row in rows.values()
            for doubt in policy.doubts(
                given[row.id].now, rules_of[row.section], limits, core.concepts
            )
        ]
        chosen = policy.most_useful(found, limit=limit)
        cards = browsing.cards(db, [rows[item_id] for item_id, _doubt in chosen])
    return tuple(
        Doubtful(
            card,
            doubt.name,
            doubt.engine,
            doubt.confidence,
            doubt.threshold,
            doubt.is_tagged,
            doubt.contradicted,
        )
        for card, (_item_id, doubt) in zip(cards, chosen, strict=True)
    )
