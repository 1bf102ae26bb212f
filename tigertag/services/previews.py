"""What a preview would do, and words struck from it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from tigertag import policy
from tigertag.errors import Conflict, NotFound, RequestError
from tigertag.model import Rule, RuleAction, Standing, Tag, TagRef
from tigertag.services import browsing, counting, cursors, rules
from tigertag.services.core import Core
from tigertag.services.views import Change, ItemCard, Named, Page, Struck
from tigertag.store import Db, browse, decisions, ledger, scans
from tigertag.store.decisions import Decision
from tigertag.store.scans import ScanRow
from tigertag.store.sql import slices

OURS, KEPT = Standing.OURS, Standing.KEPT
PLACES = ("item", "section", "everywhere")


def changes(
    core: Core, scan_id: int, *, cursor: str | None = None, limit: int = 48, failed: bool = False
) -> Page[Change]:
    """Return the items that a scan would change or has changed, or those that failed.

    Raises `NotFound`, `RequestError`.
    """
    after = cursors.number(cursor) or 0
    with core.store.read() as db:
        scan = scans.get(db, scan_id)
        rows = browse.changes(db, scan_id, after=after, limit=limit + 1, failed=failed)
        page = cursors.cut(rows, limit, after=lambda row: row[0].id)
        shown = browsing.cards(db, [row for row, _decision in page.items])
        again = _tried_again(db, scan, [decision for _row, decision in page.items])
    both = zip(shown, page.items, strict=True)
    return Page(tuple(_change(card, decision, again) for card, (_, decision) in both), page.next)


def _tried_again(db: Db, scan: ScanRow, decided: Sequence[Decision]) -> set[int]:
    """Return the items that failed and are tried again by the next scan, which undoes nothing."""
    failed = [one.item_id for one in decided if one.state == "failed"]
    if not failed or scan.kind in ("undo", "redo"):
        return set()
    return set(failed) - browse.given_up(db, scan.id, failed)


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


def may_strike(core: Core, scan_id: int) -> bool:
    """Whether words can be struck from it: a preview that has ended and was not applied."""
    with core.store.read() as db:
        scan = scans.get(db, scan_id)
        return scan.is_preview and not scan.active and not scans.made_from(db, scan_id)


def strike(core: Core, scan_id: int, item_id: int, word: str, *, where: str) -> Struck:
    """Block a word that a preview would add: for the item, its section or everywhere.

    For an item it counts as taken off by the user, and stays off until that is lifted; elsewhere it
    becomes a rule. Raises `NotFound`, `RequestError`, `Conflict`.
    """
    if where not in PLACES:
        raise RequestError(f"A word is blocked for one of {', '.join(PLACES)}, not {where!r}.")
    with core.store.write() as db:
        scan = scans.hold(db, scan_id)
        _refuse_unless_open(db, scan)
        tag, ref = _added(db, scan_id, item_id, word)
        if where == "item":
            if ledger.standings(db, [item_id])[item_id].get(ref.word) in (OURS, KEPT):
                raise Conflict(f"{ref.name} is on the item; a tombstone comes of taking it off.")

            def without(one: Decision) -> Decision:
                left = [tag for tag in one.tags if TagRef(tag.field, tag.name).word != ref.word]
                return _only(one, left)

            ledger.bury(db, item_id, ref)
            struck = Struck(_strike(db, scan_id, [item_id], without))
        else:
            section = scan.section.path if where == "section" else ""
            plain = policy.plain_name(tag, rules.thresholds(core, db))
            rule_id = rules.put(db, Rule(RuleAction.DENY, plain, section=section))
            now = rules.effective(core, db).of(scan.section)
            limits = rules.thresholds(core, db)
            bearing = decisions.adding(db, scan_id, plain)

            def allowed(one: Decision) -> Decision:
                return _only(one, policy.allowed(one.tags, now, limits))

            struck = Struck(_strike(db, scan_id, bearing, allowed), rule_id)
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


def _refuse_unless_open(db: Db, scan: ScanRow) -> None:
    if not scan.is_preview:
        raise Conflict(f"Scan {scan.id} is not a preview; block the word by a rule, or undo.")
    if scan.active:
        raise Conflict(f"Scan {scan.id} is {scan.state}; wait for its end, then block words.")
    for made in scans.made_from(db, scan.id):
        raise Conflict(
            f"Scan {scan.id} was applied by scan {made.id}; block the word by a rule, or undo."
        )


def _strike(
    db: Db, scan_id: int, item_ids: Sequence[int], change: Callable[[Decision], Decision]
) -> int:
    """Change the decisions of these items; return of how many the adds are fewer."""
    struck = 0
    for some in slices(item_ids):
        of_items = decisions.of_items(db, scan_id, some).values()
        changed = [new for one in of_items if (new := change(one)).adds != one.adds]
        decisions.write(db, scan_id, changed)
        struck += len(changed)
    return struck


def _only(decision: Decision, tags: Iterable[Tag]) -> Decision:
    """The decision with these of its tags; its item is to be decided again by the next scan."""
    kept = tuple(tags)
    words = {TagRef(tag.field, tag.name).word for tag in kept}
    adds = tuple(ref for ref in decision.adds if ref.word in words)
    return replace(decision, settles="", adds=adds, tags=kept)
