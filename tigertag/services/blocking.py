"""Words that were blocked in a preview after it was made, and that come back to it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tigertag import policy
from tigertag.model import Thresholds
from tigertag.policy import Rules
from tigertag.scan import counts as counting
from tigertag.store import Db, decisions, ledger, scans
from tigertag.store.database import slices
from tigertag.store.decisions import Decision
from tigertag.store.ledger import Word
from tigertag.store.scans import ScanRow


def is_open(db: Db, scan: ScanRow) -> bool:
    """Whether words can be blocked in it: a preview that has ended and was not applied."""
    return scan.is_preview and not scan.active and not scans.made_from(db, scan.id)


def review(
    db: Db,
    scan: ScanRow,
    item_ids: Sequence[int],
    rules: Rules,
    thresholds: Mapping[str, Thresholds],
) -> int:
    """Decide again which adds of a preview are blocked; return for how many items they change.

    It starts from what was decided first, so a word that nothing blocks any more is back.
    """
    now, changed = rules.of(scan.section), 0
    for some in slices(item_ids):
        standings = ledger.ownership(db, some)
        known = list(decisions.of_items(db, scan.id, some).values())
        reviewed = [
            _reviewed(one, now, thresholds, policy.buried(standings[one.item_id])) for one in known
        ]
        decisions.write(db, scan.id, reviewed)
        changed += sum(old.adds != new.adds for old, new in zip(known, reviewed, strict=True))
    counting.recount(db, scan.id)
    return changed


def review_open(db: Db, rules: Rules, thresholds: Mapping[str, Thresholds]) -> int:
    """Give words back to the open previews in which nothing blocks them any more."""
    blocked = {scans.get(db, scan_id): ids for scan_id, ids in decisions.blocked_in(db).items()}
    return sum(
        review(db, scan, item_ids, rules, thresholds)
        for scan, item_ids in blocked.items()
        if is_open(db, scan)
    )


def _reviewed(
    decision: Decision, rules: Rules, thresholds: Mapping[str, Thresholds], off: Collection[Word]
) -> Decision:
    """The decision without what is blocked; its item is then decided again by the next scan."""
    before = decision.unblocked or decision
    off = {ref.word for ref in before.adds} & set(off)
    allowed = policy.allowed(before.tags, rules, thresholds)
    tags = tuple(tag for tag in allowed if tag.ref.word not in off)
    if tags == before.tags:
        return before
    words = {tag.ref.word for tag in tags}
    adds = tuple(ref for ref in before.adds if ref.word in words)
    return replace(before, settles="", tags=tags, adds=adds, unblocked=before)
