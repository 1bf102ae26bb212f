"""Tags that users took off: they stay off until the user lifts that.

A preview in which such a tag was blocked has it back then.
"""

from collections.abc import Sequence

from tigertag.core import Core
from tigertag.errors import NotFound
from tigertag.scan.context import effective_rules, thresholds
from tigertag.services import blocking
from tigertag.store import ledger
from tigertag.store.ledger import TombstoneRow


def listed(core: Core, *, word: str = "") -> list[TombstoneRow]:
    with core.store.read() as db:
        return ledger.tombstones(db, word=word)


def lift(core: Core, numbers: Sequence[int], *, word: str = "") -> int:
    """Lift the tombstones of these numbers, and all of a word; return how many.

    Raises `NotFound` when there is none.
    """
    with core.store.write() as db:
        named = [row.id for row in ledger.tombstones(db, word=word)] if word else []
        lifted = ledger.lift(db, [*numbers, *named])
        blocking.review_open(db, effective_rules(core, db), thresholds(core, db))
    if not lifted:
        raise NotFound("There is no such tombstone.")
    core.memory.forget("tally")
    return lifted
