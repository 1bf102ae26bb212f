"""Batches of scans that have ended: stopped at the service, and what it had answered is kept."""

import logging
import time
from contextlib import suppress
from threading import Event
from uuid import uuid4

from tigertag.core import Core
from tigertag.errors import LeaseLost, TigerTagError
from tigertag.scan import context as contexts
from tigertag.scan.availability import EngineAvailability
from tigertag.scan.batches import BatchCollector
from tigertag.store import batches, chunks, scans
from tigertag.store.chunks import Chunk

logger = logging.getLogger(__name__)

_AGAIN_S = 600.0
_LEASES = 60
"""A step is not renewed: its lease is that many times a chunk's."""


def clean_up(core: Core, stop: Event) -> bool:
    """Take each such batch a step further that is due; False when none was."""
    with core.store.read() as db:
        left = batches.left_behind(db)
    worked = [_step(core, scan_id) for scan_id in left if not stop.is_set()]
    return any(worked)


def make_due(core: Core, scan_id: int) -> None:
    """Let the batches of an ended scan be looked at now."""
    with core.store.write() as db:
        chunks.make_due(db, scan_id)


def _step(core: Core, scan_id: int) -> bool:
    owner, lease_s = f"cleanup:{uuid4().hex[:8]}", _LEASES * core.lease_s
    with core.store.write() as db:
        batches.make_due(db, scan_id)
        chunk = chunks.lease(db, scan_id, owner=owner, lease_s=lease_s, kind="batch")
    if chunk is None:
        return False
    try:
        again_at = _batching(core, scan_id).step(chunk)
    except TigerTagError as exc:
        logger.warning("a batch of scan %s cannot be ended now: %s", scan_id, exc)
        again_at = time.time() + _AGAIN_S
    _give_back(core, chunk, again_at)
    return True


def _batching(core: Core, scan_id: int) -> BatchCollector:
    with core.store.write() as db:
        scan = scans.get(db, scan_id)
        context = contexts.make(core, db, scan, core.unopened_library(scan.section.library))
    return BatchCollector(core, context, EngineAvailability(core, context.engines), is_cleanup=True)


def _give_back(core: Core, chunk: Chunk, again_at: float | None) -> None:
    with suppress(LeaseLost), core.store.write() as db:
        if again_at is None:
            chunks.finish(db, chunk)
        else:
            chunks.postpone(db, chunk, again_at)
