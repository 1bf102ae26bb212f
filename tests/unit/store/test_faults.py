"""Whatever goes wrong with the database is one `StoreError`."""

from contextlib import ExitStack

import pytest
from sqlalchemy import text

from tigertag import bootstrap
from tigertag.errors import StoreUnavailable
from tigertag.store import Store


def test_a_pool_that_is_used_up_is_a_database_that_cannot_be_used_now(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tigertag.store.database._CONNECTIONS", 1)
    monkeypatch.setattr("tigertag.store.database._KEPT_OPEN", 1)
    store.connections = 1
    store.engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    with store.read(), pytest.raises(StoreUnavailable), store.read():
        pass


def test_as_many_threads_as_are_counted_on_get_a_connection(store: Store) -> None:
    store.connections = 40
    store.engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(store.read())
        with pytest.raises(StoreUnavailable):
            stack.enter_context(store.read())


@pytest.mark.slow
@pytest.mark.parametrize("goes_on", [True, False])
def test_a_connection_that_is_cut_within_a_transaction_is_a_passing_fault(
    postgres_url: str, goes_on: bool
) -> None:
    store = Store(postgres_url)
    with pytest.raises(StoreUnavailable):
        _cut_off(store, goes_on=goes_on)
    with store.read() as db:
        assert db.execute(text("SELECT 1")).scalar() == 1
    store.close()


def _cut_off(store: Store, *, goes_on: bool) -> None:
    """Lose the connection in a transaction, before a statement or before the commit."""
    with store.write() as db:
        pid = db.execute(text("SELECT pg_backend_pid()")).scalar()
        with store.read() as other:
            other.execute(text(f"SELECT pg_terminate_backend({pid})"))
        if goes_on:
            db.execute(text("SELECT 1"))


@pytest.mark.slow
def test_a_connection_that_is_cut_leaves_no_traceback_in_the_log(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    bootstrap.quieten()
    store = Store(postgres_url)
    for goes_on in (True, False):
        with pytest.raises(StoreUnavailable):
            _cut_off(store, goes_on=goes_on)
    store.close()
    assert [record for record in caplog.records if record.exc_info] == []
