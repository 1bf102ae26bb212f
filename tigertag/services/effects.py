"""What a rule would change, told from stored answers: nothing is fetched, asked or written."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tigertag import policy
from tigertag.core import Core
from tigertag.model import Field, Rule, RuleAction, Section, TagRef
from tigertag.policy import Rules
from tigertag.scan.context import effective_rules, thresholds
from tigertag.services import browsing, rules
from tigertag.services.views import Effect, Example
from tigertag.store import Db, answers, browse, engine_state, items, tags, verdicts
from tigertag.store.items import ItemRow

_MOST_LOOKED_AT = 500
_WIDER = (RuleAction.ALLOW, RuleAction.THRESHOLD)


def effect(core: Core, rule: Rule, *, limit: int = 24) -> Effect:
    """Decide up to 500 items anew as if the rule held, and compare. Raises `RequestError`.

    They are items that bear the word now; for a rule that may give the word to more items, the
    newest of the others too.
    """
    checked = rules.check(rule)
    with core.store.read() as db:
        bearing = tags.items_count(db, checked.word)
        looked_at = _looked_at(db, checked)
        known = effective_rules(core, db)
        changed = _changed(core, db, looked_at, known, Rules((*known.rules, checked)))
        cards = browsing.cards(db, [row for row, _before, _after in changed[:limit]])
    pairs = zip(cards, changed, strict=False)
    examples = [Example(card, before, after) for card, (_row, before, after) in pairs]
    return Effect(bearing, len(looked_at), len(changed), tuple(examples))


def least_now(core: Core, rule: Rule) -> float:
    """From what confidence on the rule's word is tagged now where the rule is to hold.

    Of several engines it is the strictest one's.
    """
    concept = core.concepts.find(rule.word)
    names = [rule.word] if concept is None else [concept, rule.word]
    with core.store.read() as db:
        known = effective_rules(core, db)
    there = Rules(tuple(one for one in known.rules if one.section in ("", rule.section)))
    asked = [entry for entry in core.engines if rule.engine in ("", entry.id)]
    least = (there.threshold(names, one.id, one.thresholds.least(rule.word)) for one in asked)
    return min(1.0, max(least, default=0.5))


def _looked_at(db: Db, rule: Rule) -> list[ItemRow]:
    found = tags.items_with(db, rule.word, limit=_MOST_LOOKED_AT)
    if rule.action in _WIDER:
        others = browse.newest_items(db, limit=_MOST_LOOKED_AT)
        found = list(dict.fromkeys([*found, *others]))[:_MOST_LOOKED_AT]
    return items.get(db, found)


Changed = tuple[ItemRow, tuple[str, ...], tuple[str, ...]]


def _changed(
    core: Core, db: Db, rows: Sequence[ItemRow], known: Rules, new: Rules
) -> list[Changed]:
    """Return the items that the two sets of rules decide differently."""
    revisions = {row.id: row.item.revision for row in rows}
    fingerprints = engine_state.remembered_fingerprints(db)
    given = answers.current(db, revisions, fingerprints)
    said = verdicts.in_force(db, list(revisions))
    limits = thresholds(core, db)
    old_of = {row.section: known.of(row.section) for row in rows}
    new_of = {row.section: new.of(row.section) for row in rows}

    def names(row: ItemRow, rules_of: Mapping[Section, Rules]) -> tuple[str, ...]:
        tags = policy.decide(given[row.id].every, rules_of[row.section], limits, core.concepts)
        # Where tags go is told by reading the item: here, words are compared.
        by_word = [replace(one, ref=TagRef(Field.TAG, one.ref.name)) for one in said[row.id]]
        return tuple(tag.name for tag in policy.heeding(tags, by_word))

    both = [(row, names(row, old_of), names(row, new_of)) for row in rows]
    return [one for one in both if one[1] != one[2]]
