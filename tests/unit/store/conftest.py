from collections.abc import Iterator

import pytest

from tigertag.store import Store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store that is up to date, on each kind of database."""
    made = Store(database_url)
    yield made
    made.close()
