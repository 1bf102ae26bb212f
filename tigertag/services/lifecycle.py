"""The service as a whole: when it starts and stops."""

import logging

from tigertag import __version__
from tigertag.core import Core
from tigertag.errors import TigerTagError
from tigertag.scan import spool
from tigertag.store import service_state

logger = logging.getLogger(__name__)


def started(core: Core, run: str) -> None:
    """Record a start, once for all processes that have this `run`. Never raises."""
    try:
        home = spool.home_id(core)
        with core.store.write() as db:
            service_state.note_start(db, home, run, __version__)
    except TigerTagError as exc:
        logger.error("the start was not recorded: %s", exc)


def stopped(core: Core) -> None:
    """Record that the service has ended in order. Never raises."""
    try:
        home = spool.home_id(core)
        with core.store.write() as db:
            service_state.note_stop(db, home)
    except TigerTagError as exc:
        logger.error("the stop was not recorded: %s", exc)
    finally:
        core.store.close()
