"""What a preview would do, and words struck from it."""

from collections.abc import Collection, Sequence

from tigertag import policy
from tigertag.core import Core
from tigertag.errors import Conflict, NotFound, RequestError
from tigertag.model import Rule, RuleAction, Tag, TagOwnership, TagRef
from tigertag.scan.context import effective_rules, thresholds
from tigertag.services import browsing, rules
from tigertag.services.views import (
    BlockedWord,
    Change,
    ItemCard,
    Named,
    Page,
    cursor_number,
    cut_page,
)
from tigertag.store import Db, browse, decisions, ledger, retries, scans
from tigertag.store.decisions import Decision
from tigertag.store.scans import ScanRow

OURS, KEPT = TagOwnership.OURS, TagOwnership.KEPT
PLACES = ("item", "section", "everywhere")


def changes(
    core: Core, scan_id: int, *, cursor: str | None = None, limit: int = 48, failed: bool = False
) -> Page[Change]:
    """Return the items that a scan would change or has changed, or those that failed.

    Raises `NotFound`, `RequestError`.
    """
    after = cursor_number(cursor) or 0
    with core.store.read() as db:
        scan = scans.get(db, scan_id)
        if scan.pruned:
            # What is left of it is not what it was, but what no later scan has looked at.
            return Page(())
        rows = browse.changes(db, scan_id, after=after, limit=limit + 1, failed=failed)
        page = cut_page(rows, limit, after=lambda row: row[0].id)
        shown = browsing.cards(db, [row for row, _decision in page.items])
        again = _tried_again(db, scan, [decision for _row, decision in page.items])
    both = zip(shown, page.items, strict=True)
    return Page(tuple(_change(card, decision, again) for card, (_, decision) in both), page.next)


def _tried_again(db: Db, scan: ScanRow, decided: Sequence[Decision]) -> set[int]:
    """Return the items that failed and are tried again by the next scan, which undoes nothing."""
    failed = [one.item_id for one in decided if one.state == "failed"]
    if not failed or scan.kind in ("undo", "redo"):
        return set()
    return set(failed) - browse.given_up(db, scan.id, failed) - retries.given_up(db, failed)


def _change(card: ItemCard, decision: Decision, again: Collection[int]) -> Change:
    sure = {tag.name.casefold(): tag.confidence for tag in decision.tags}
    adds = [Named(ref.field, ref.name, sure.get(ref.name.casefold(), 0.0)) for ref in decision.adds]
    return Change(
        card,
        decision.state,
        tuple(adds),
        decision.removes,
        decision.reason,
        again=card.id in again,
    )


def may_block(core: Core, scan_id: int) -> bool:
    """Whether words can be blocked in it: a preview that has ended and was not applied."""
    with core.store.read() as db:
        return rules.is_open_preview(db, scans.get(db, scan_id))


def block(core: Core, scan_id: int, item_id: int, word: str, *, where: str) -> BlockedWord:
    """Block a word that a preview would add: for the item, its section or everywhere.

    For an item it counts as taken off by the user, and stays off until that is lifted; elsewhere it
    becomes a rule. Either, taken back, gives the word back to the preview. Raises `NotFound`,
    `RequestError`, `Conflict`.
    """
    if where not in PLACES:
        raise RequestError(f"A tag is blocked for one of {', '.join(PLACES)}, not {where!r}.")
    with core.store.write() as db:
        scan = scans.hold(db, scan_id)
        _refuse_unless_open(db, scan)
        tag, ref = _added(db, scan_id, item_id, word)
        limits = thresholds(core, db)
        rule_id, items = None, [item_id]
        if where == "item":
            _bury(db, item_id, ref)
        else:
            plain = policy.plain_name(tag, limits)
            section = scan.section.path if where == "section" else ""
            rule_id = rules.put(db, Rule(RuleAction.DENY, plain, section=section))
            items = decisions.adding(db, scan_id, plain)
        lost = rules.review(db, scan, items, effective_rules(core, db), limits)
    core.cache.forget("tally", "tags")
    return BlockedWord(lost, rule_id)


def _bury(db: Db, item_id: int, ref: TagRef) -> None:
    """Keep a tag off an item. Raises `Conflict` when it is there already."""
    if ledger.ownership(db, [item_id])[item_id].get(ref.word) in (OURS, KEPT):
        raise Conflict(f"{ref.name} is on the item; remove it there to keep it off.")
    ledger.bury(db, item_id, ref)


def _added(db: Db, scan_id: int, item_id: int, word: str) -> tuple[Tag, TagRef]:
    """Return the tag that the preview would add to the item. Raises `NotFound`."""
    decision = decisions.of_items(db, scan_id, [item_id]).get(item_id)
    if decision is not None:
        tags = {tag.ref.word: tag for tag in decision.tags}
        for ref in decision.adds:
            if ref.name.casefold() == word.casefold():
                return tags[ref.word], ref
    raise NotFound(f"Scan {scan_id} would not add {word!r} to item {item_id}.")


def _refuse_unless_open(db: Db, scan: ScanRow) -> None:
    if not scan.is_preview:
        raise Conflict(f"Scan {scan.id} is not a preview; block the word by a rule, or undo.")
    if scan.active:
        raise Conflict(f"Scan {scan.id} is {scan.state}; wait for its end, then block words.")
    for made in scans.made_from(db, scan.id):
        raise Conflict(
            f"Scan {scan.id} was applied by scan {made.id}; block the word by a rule, or undo."
        )
