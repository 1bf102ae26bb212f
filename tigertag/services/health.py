"""Whether the service is well."""

from tigertag.services.core import Core
from tigertag.store import rules


def check(core: Core) -> None:
    """Read from the database. Raises `StoreError`."""
    with core.store.read() as db:
        rules.every(db)
