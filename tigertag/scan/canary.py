"""The canary: a section's first write, which is alone until it was read back."""

import time
from collections.abc import Sequence
from threading import get_ident
from uuid import uuid4

from tigertag.contracts import RunContext
from tigertag.errors import LeaseLost
from tigertag.scan.context import Context
from tigertag.store import Db, Store, chunks, ledger, scans
from tigertag.store.chunks import Chunk
from tigertag.store.ledger import EditRow, EditVerdict

_POLL_S = 0.05


class Canary:
    """The claim of one process to the first write to a scan's section. Thread-safe.

    The database knows whose it is: threads, processes and machines wait for one another.
    """

    def __init__(self, store: Store, context: Context, *, lease_s: float) -> None:
        self._store = store
        self._context = context
        self._lease_s = lease_s
        self._claims: dict[int, str] = {}
        """The names of our claims, by the threads that have one."""
        self._passed = False
        """Whether the database has said so; what has passed stays so."""

    @property
    def _section_id(self) -> int:
        return self._context.scan.section_id

    def take(self, chunk: Chunk, edit_id: int, run: RunContext) -> Sequence[EditRow] | None:
        """Claim the first write for an edit; None: it has passed. Waits while it is another's.

        Returns first writes that a crash has cut off, and that have to be looked at before.
        """
        while not self._passed and not run.cancelled():
            with self._store.write() as db:
                chunks.check(db, chunk)
                claim = uuid4().hex
                mine = scans.claim_canary(db, self._section_id, by=claim, lease_s=self._lease_s)
                # Both are looked at after the claim, which waits for whoever ends the one before
                # ours, and the ledger first: who learns what came of a write that was cut off
                # judges it and stops the scan in one transaction, which may end in between.
                earlier = ledger.open_edits(db, self._section_id) if mine else []
                if scans.get(db, chunk.scan_id).state != "running":
                    # A canary that went wrong has stopped the scan: nobody may try another.
                    raise LeaseLost
                if mine:
                    # If we die over it, whoever comes next looks at this item first.
                    ledger.judge(db, [EditVerdict(edit_id, "sent", None)])
                    self._claims[get_ident()] = claim
                    return earlier
                if self.has_passed(db):
                    return None
            time.sleep(_POLL_S)
        return None

    def has_passed(self, db: Db) -> bool:
        self._passed = self._passed or scans.canary_passed(db, self._section_id)
        return self._passed

    def pass_by(self, db: Db) -> None:
        """The first write was looked at later, and nothing was wrong with it."""
        scans.pass_canary(db, self._section_id)
        self._passed = True

    def keep(self, db: Db) -> None:
        """Keep our claim, if we have one: a server may be slow to answer."""
        for claim in list(self._claims.values()):
            scans.renew_canary(db, self._section_id, by=claim, lease_s=self._lease_s)

    def end(self, db: Db, *, passed: bool) -> None:
        """Give back the claim of the calling thread, if it has one."""
        claim = self._claims.pop(get_ident(), "")
        if claim:
            scans.end_canary(db, self._section_id, by=claim, passed=passed)

    def let_go(self) -> None:
        """Give back a claim that an error has left behind, when nothing is sent any more."""
        claims = list(self._claims.values())
        self._claims.clear()
        if claims:
            with self._store.write() as db:
                for claim in claims:
                    scans.end_canary(db, self._section_id, by=claim, passed=False)
