"""What every command needs is opened and closed in order."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tigertag import bootstrap
from tigertag.cli import session


def test_engines_are_closed_while_the_database_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    engine = SimpleNamespace(close=lambda: closed.append("engine"))
    store = SimpleNamespace(close=lambda: closed.append("store"))
    built = SimpleNamespace(store=store, engines=(SimpleNamespace(engine=engine),))
    monkeypatch.setattr(bootstrap, "build", lambda _settings: built)
    with session.core(database=False):
        pass
    assert closed == ["engine", "store"]


def test_the_database_has_a_connection_for_each_thread_that_a_command_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIGERTAG_HOME", str(tmp_path))
    with session.core(database=False, workers=200) as built:
        assert built.workers == 200
        assert built.store.connections > 200
