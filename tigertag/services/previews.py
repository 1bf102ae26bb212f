"""What a preview would do, and words struck from it."""

from collections.abc import Sequence
from dataclasses import replace

from tigertag import policy
from tigertag.errors import Conflict, NotFound, RequestError
from tigertag.model import Rule, RuleAction, Tag, TagRef
from tigertag.services import browsing, counting, cursors, rules
from tigertag.services.core import Core
from tigertag.services.views import Change, ItemCard, Named, Page, Struck
from tigertag.store import Db, browse, decisions, ledger, scans
from tigertag.store.decisions import Decision
from tigertag.store.sql import slices

PLACES = ("item", "section", "everywhere")


def changes(
    core: Core, scan_id: int, *, cursor: str | None = None, limit: int = 48, failed: bool = False
) -> Page[Change]:
    """Return the items that a scan would change or has changed, or those that failed.

    Raises `NotFound`, `RequestError`.
    """
    after = cursors.number(cursor) or 0
    with core.store.read() as db:
        scans.get(db, scan_id)
        rows = browse.changes(db, scan_id, after=after, limit=limit + 1, failed=failed)
        page = cursors.cut(rows, limit, after=lambda row: row[0].id)
        shown = browsing.cards(db, [row for row, _decision in page.items])
    both = zip(shown, page.items, strict=True)
    return Page(tuple(_change(card, decision) for card, (_row, decision) in both), page.next)


def _change(card: ItemCard, decision: Decision) -> Change:
    sure = {tag.name.casefold(): tag.confidence for tag in decision.tags}
    adds = [Named(ref.field, ref.name, sure.get(ref.name.casefold(), 0.0)) for ref in decision.adds]
    return Change(card, decision.state, tuple(adds), decision.removes, decision.reason)


def strike(core: Core, scan_id: int, item_id: int, word: str, *, where: str) -> Struck:
    """Block a word that a preview would add: for the item, its section or everywhere.

    For an item it counts as taken off by the user, and stays off until that is lifted; elsewhere it
    becomes a rule. Raises `NotFound`, `RequestError`, `Conflict`.
    """
    if where not in PLACES:
        raise RequestError(f"A word is blocked for one of {', '.join(PLACES)}, not {where!r}.")
    with core.store.write() as db:
        scan = scans.get(db, scan_id)
        if not scan.is_preview:
            raise Conflict(f"Scan {scan_id} is not a preview; block the word by a rule, or undo.")
        tag, ref = _added(db, scan_id, item_id, word)
        if where == "item":
            ledger.bury(db, item_id, ref)
            struck = Struck(_strike(db, scan_id, [item_id], ref))
        else:
            section = scan.section.path if where == "section" else ""
            plain = policy.plain_name(tag, rules.thresholds(core, db))
            rule_id = rules.put(db, Rule(RuleAction.DENY, plain, section=section))
            bearing = decisions.adding(db, scan_id, ref.name)
            struck = Struck(_strike(db, scan_id, bearing, ref), rule_id)
        counting.forget(db, scan_id)
    core.memory.forget("tally", "tags")
    return struck


def _added(db: Db, scan_id: int, item_id: int, word: str) -> tuple[Tag, TagRef]:
    """Return the tag that the preview would add to the item. Raises `NotFound`."""
    decision = decisions.of_items(db, scan_id, [item_id]).get(item_id)
    if decision is not None:
        tags = {TagRef(tag.field, tag.name).word: tag for tag in decision.tags}
        for ref in decision.adds:
            if ref.name.casefold() == word.casefold():
                return tags[ref.word], ref
    raise NotFound(f"Scan {scan_id} would not add {word!r} to item {item_id}.")


def _strike(db: Db, scan_id: int, item_ids: Sequence[int], ref: TagRef) -> int:
    struck = 0
    for some in slices(item_ids):
        of_items = decisions.of_items(db, scan_id, some).values()
        changed = [_without(one, ref) for one in of_items if _adds(one, ref)]
        decisions.write(db, scan_id, changed)
        struck += len(changed)
    return struck


def _adds(decision: Decision, ref: TagRef) -> bool:
    return any(one.word == ref.word for one in decision.adds)


def _without(decision: Decision, ref: TagRef) -> Decision:
    """The decision, one tag less; its item is to be decided again by the next scan."""
    return replace(
        decision,
        settles="",
        adds=tuple(one for one in decision.adds if one.word != ref.word),
        tags=tuple(tag for tag in decision.tags if TagRef(tag.field, tag.name).word != ref.word),
    )
