"""A copy in another database is the same, or there is none; what a killed copy has done counts."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.store.rows import count, fill
from tests.world import World
from tigertag.errors import Conflict, RequestError, SchemaMismatch, StoreError
from tigertag.model import Rule, RuleAction
from tigertag.scan.worker import home_lock
from tigertag.services import moving, rules
from tigertag.store import Store, migrate, schema
from tigertag.store.transfer import rows


class Killed(Exception):
    pass


def ignore(_table: str, _done: int, _total: int) -> None:
    pass


@pytest.fixture
def target(empty_database_url: str) -> str:
    """An empty database of each kind."""
    return empty_database_url.replace("tigertag.db", "other/tigertag.db")


def counts(url: str) -> dict[str, int]:
    with closing(Store(url)) as store, store.read() as db:
        return count(db)


def test_every_row_of_every_table_is_copied(world: World, target: str) -> None:
    with world.store.write() as db:
        fill(db)
    moving.copy_to(world.core, target, ignore)
    assert counts(target) == counts(str(world.store.url))


@pytest.mark.slow
def test_it_goes_back_to_sqlite(world: World, empty_postgres_url: str, tmp_path: Path) -> None:
    world.picture("a.png", "red")
    world.scan("apply")
    moving.copy_to(world.core, empty_postgres_url, ignore)
    world.close()
    world.store = Store(empty_postgres_url)
    moving.copy_to(world.core, f"sqlite:///{tmp_path}/back.db", ignore)
    world.close()
    world.store = Store(f"sqlite:///{tmp_path}/back.db")
    world.picture("b.png", "green")
    world.scan("apply")
    assert world.engine.asked == ["red", "green"]


def test_a_copy_that_was_killed_goes_on(
    world: World, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PAGE", 10)
    rule_count = 35
    for number in range(rule_count):
        rules.add(world.core, Rule(RuleAction.DENY, f"cat {number}"))

    def kill(table: str, done: int, _total: int) -> None:
        if table == "rules" and done == 20:
            raise Killed

    with pytest.raises(Killed):
        moving.copy_to(world.core, target, kill)
    with closing(Store(target)) as half, pytest.raises(SchemaMismatch, match="unfinished copy"):
        migrate.upgrade(half)
    seen: list[int] = []

    def watch(table: str, done: int, _total: int) -> None:
        if table == "rules":
            seen.append(done)

    moving.copy_to(world.core, target, watch)
    assert seen == [30, 35]
    with closing(Store(target)) as whole:
        assert migrate.upgrade(whole) is None


def test_a_source_that_changed_meanwhile_is_found(world: World, target: str) -> None:
    rules.add(world.core, Rule(RuleAction.DENY, "cat"))

    def kill(table: str, _done: int, _total: int) -> None:
        if table == "rules":
            raise Killed

    with pytest.raises(Killed):
        moving.copy_to(world.core, target, kill)
    with world.store.write() as db:
        db.execute(schema.rules.update().values(word="dog"))
    with pytest.raises(StoreError, match="rules differs"):
        moving.copy_to(world.core, target, ignore)


def test_a_database_with_data_of_another_is_refused(world: World, target: str) -> None:
    with closing(Store(target)) as other:
        migrate.upgrade(other)
        with other.write() as db:
            db.execute(schema.sections.insert().values(library="l", key="k", title="t"))
    with pytest.raises(Conflict, match="data of another TigerTag"):
        moving.copy_to(world.core, target, ignore)
    assert counts(target)["sections"] == 1


def test_one_that_tigertag_was_only_started_with_is_taken(world: World, target: str) -> None:
    rules.add(world.core, Rule(RuleAction.DENY, "cat"))
    with closing(Store(target)) as other:
        migrate.upgrade(other)
    moving.copy_to(world.core, target, ignore)
    assert counts(target)["rules"] == 1


def test_a_running_service_is_left_alone(world: World, target: str) -> None:
    with home_lock(world.home), pytest.raises(Conflict, match="Stop it"):
        moving.copy_to(world.core, target, ignore)


def test_it_is_not_copied_onto_itself(world: World) -> None:
    with pytest.raises(RequestError, match="the database itself"):
        moving.copy_to(world.core, str(world.store.url), ignore)
