"""The database's clock: leases are judged by one clock, whatever those of the hosts say."""

import time
from typing import Any

from sqlalchemy import Float, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from tigertag.store.database import Db


class now_s(FunctionElement[float]):
    """Seconds since the epoch, also in the middle of a transaction."""

    type = Float()
    inherit_cache = True


@compiles(now_s, "postgresql")
def _postgresql(_element: now_s, _compiler: Any, **_kw: Any) -> str:
    return "EXTRACT(EPOCH FROM clock_timestamp())::double precision"


@compiles(now_s, "sqlite")
def _sqlite(_element: now_s, _compiler: Any, **_kw: Any) -> str:
    # unixepoch('subsec') came with SQLite 3.42; Debian 12 has 3.40. 2440587.5 is 1 January 1970.
    return "((julianday('now') - 2440587.5) * 86400.0)"


def now(db: Db) -> float:
    return float(db.execute(select(now_s())).scalar_one())


def ahead_s(db: Db) -> float:
    """How far the database's clock is ahead of this host's."""
    return now(db) - time.time()
