"""History is pruned after so many days: never answers, tags, or what an undo within them needs."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.world import World
from tigertag.contracts import Failed
from tigertag.errors import Conflict, NotFound
from tigertag.model import Rule, RuleAction
from tigertag.services import browsing, events, history, previews, scan_status, scans
from tigertag.services.history import Pruned
from tigertag.store import ledger, schema, space, usage
from tigertag.store import scans as scan_rows
from tigertag.store.database import Store
from tigertag.store.usage import Amount, NewCall

pytestmark = pytest.mark.slow

DAYS = 90


def days_pass(world: World, days: int) -> None:
    """Move all that has happened back in time."""
    with world.store.write() as db:
        for table in (schema.scans, schema.calls, schema.events):
            times = [each for each in table.columns if isinstance(each.type, schema.UtcDateTime)]
            for row in db.execute(table.select()).all():
                values = {each.name: row._mapping[each.name] for each in times}
                earlier = {
                    name: at - timedelta(days=days) for name, at in values.items() if at is not None
                }
                db.execute(table.update().where(table.c.id == row.id).values(**earlier))


def prune(world: World) -> Pruned:
    return history.prune(world.core, days=DAYS)


def rows(world: World, table: sa.Table) -> int:
    with world.store.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def write_long_ago(world: World) -> World:
    world.picture("a.png", "red")
    world.picture("b.png", "green")
    world.scan("apply")
    days_pass(world, 100)
    return world


@pytest.fixture
def written(world: World) -> World:
    """Two pictures that were tagged long ago, by scan 1."""
    return write_long_ago(world)


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_url: str) -> Iterator[World]:
    made = World(tmp_path, postgres_url)
    yield write_long_ago(made)
    made.close()


def test_the_newest_scan_of_a_section_is_kept_however_old(written: World) -> None:
    assert prune(written).scans == 0
    assert written.undo(1).removes == 2


def test_an_old_scan_is_counted_and_not_detailed_any_more(written: World) -> None:
    written.scan()
    assert prune(written).scans == 1
    status = scan_status.status(written.core, 1)
    assert (status.scan.pruned, status.done, status.adds) == (True, 2, 2)
    assert previews.changes(written.core, 1).items == ()
    assert list(scan_status.decided(written.core, 1)) == []


def test_undoing_or_applying_it_is_refused_and_says_why(written: World) -> None:
    written.scan()
    prune(written)
    for command in (scans.undo, scans.apply):
        with pytest.raises(Conflict, match="KEEP_DAYS"):
            command(written.core, 1)


def test_items_keep_their_tags_with_their_reasons(written: World) -> None:
    before = browsing.item(written.core, 1)
    written.scan()
    prune(written)
    after = browsing.item(written.core, 1)
    assert (after.tags, after.standing, after.answers) == (
        before.tags,
        before.standing,
        before.answers,
    )


def test_nothing_is_asked_or_written_anew_after_it(written: World) -> None:
    written.scan()
    prune(written)
    asked = len(written.engine.asked)
    done = written.scan("apply")
    assert (done.total, len(written.engine.asked)) == (0, asked)


def test_a_tag_that_the_user_removed_stays_off(written: World) -> None:
    written.set_tags("a.png", remove=["red"])
    written.scan("apply")
    days_pass(written, 100)
    written.scan()
    prune(written)
    assert written.scan("apply", mode="force").adds == 0


def test_what_failed_for_good_is_not_asked_again(written: World) -> None:
    written.picture("c.png", "blue")
    written.engine.fails["blue"] = Failed("", "It is torn.", retryable=False)
    written.scan("apply")
    days_pass(written, 100)
    written.rules = (Rule(RuleAction.DENY, "nothing"),)
    written.scan("apply")
    asked = len(written.engine.asked)
    prune(written)
    written.rules = ()
    written.scan("apply")
    assert len(written.engine.asked) == asked


def test_what_failed_for_good_stays_refused_after_a_scan_that_was_cut_off(written: World) -> None:
    written.picture("c.png", "blue")
    written.engine.fails["blue"] = Failed("", "It is torn.", retryable=False)
    written.scan("apply")
    forced = written.start("apply", mode="force")
    written.run_listing(forced)
    scans.cancel(written.core, forced)
    written.rules = (Rule(RuleAction.DENY, "nothing"),)
    written.scan("apply")
    days_pass(written, 100)
    written.scan("apply", mode="decide")
    asked = len(written.engine.asked)
    prune(written)
    written.rules = ()
    written.scan("apply")
    assert len(written.engine.asked) == asked


def test_the_source_of_an_undo_is_kept_as_long_as_the_undo(written: World) -> None:
    written.undo(1)
    written.scan()
    assert prune(written).scans == 0
    assert written.undo(2).adds == 2
    days_pass(written, 100)
    written.scan()
    assert prune(written).scans == 4


def test_an_undo_still_finds_what_was_there_before_the_edits_that_were_folded(
    written: World,
) -> None:
    written.rules = (Rule(RuleAction.RENAME, "red", value="scarlet"),)
    written.scan("apply", mode="decide")
    days_pass(written, 100)
    written.rules = (Rule(RuleAction.RENAME, "red", value="crimson"),)
    newest = written.scan("apply", mode="decide").scan.id
    origin = _origin(written)
    assert prune(written).edits == 1
    assert (_origin(written), rows(written, schema.edits)) == (origin, 3)
    written.undo(newest)
    assert written.tags("a.png") == {"scarlet"}


def _origin(world: World) -> object:
    with world.store.read() as db:
        return ledger.origins(db, [1])


def test_a_scan_that_did_nothing_leaves_no_row(written: World) -> None:
    written.scan("apply")
    days_pass(written, 100)
    written.scan("apply")
    prune(written)
    with pytest.raises(NotFound, match="KEEP_DAYS"):
        scan_status.status(written.core, 2)


def test_scans_that_are_at_work_or_wait_are_left_alone(written: World) -> None:
    waiting = written.start("apply", mode="force")
    days_pass(written, 100)
    prune(written)
    assert written.run(waiting).total == 2


def test_the_egress_log_goes_and_the_months_use_stays(written: World) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=200)
    with written.store.write() as db:
        for at in (long_ago, datetime.now(UTC)):
            call = NewCall("colour", "colours.test", 100, Amount(1, 0.5), item_id=1)
            usage.reserve(db, "colour", call.bound, usage.Limits(), at)
            number = usage.open_call(db, call, at)
            usage.settle(db, {number: Amount(0, 0.5)})
    assert prune(written).calls == 1
    with written.store.read() as db:
        assert usage.of_month(db, long_ago)["colour"].cost_usd == 0.5
        assert usage.of_month(db, datetime.now(UTC))["colour"].cost_usd == 0.5


def test_events_go(written: World) -> None:
    events.record(written.core, "info", "system", "long ago")
    days_pass(written, 100)
    events.record(written.core, "info", "system", "today")
    prune(written)
    assert [one.message for one in events.recent(written.core)] == ["today"]


def test_a_dry_run_counts_and_drops_nothing(written: World) -> None:
    written.scan()
    old = history.to_prune(written.core, days=DAYS)
    assert (old.scans, scan_status.status(written.core, 1).scan.pruned) == (1, False)


def test_keeping_all_prunes_nothing(written: World) -> None:
    written.scan()
    history.prune_by_itself(replace(written.core, keep_days=0))
    assert not scan_status.status(written.core, 1).scan.pruned


@pytest.fixture
def old_file(written: World) -> Store:
    """An SQLite file as it was made before it gave space back by itself."""
    written.store.close()
    path = written.store.sqlite_path
    assert path is not None
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("VACUUM")
    db.close()
    return written.store


def test_a_file_of_an_older_version_gives_space_back_once_it_was_rewritten(
    old_file: Store, written: World
) -> None:
    before = space.of(old_file)
    assert before is not None
    assert not before.gives_back
    assert space.give_back(old_file) == 0
    assert history.rewrite(written.core) is not None
    after = space.of(old_file)
    assert after is not None
    assert after.gives_back
    assert written.scan().total == 0


def test_a_file_is_not_rewritten_while_a_scan_runs(written: World) -> None:
    scan_id = written.start()
    with written.store.write() as db:
        scan_rows.move(db, scan_id, to="running", among=("queued",))
    with pytest.raises(Conflict):
        history.rewrite(written.core)


def test_free_pages_are_given_back_to_the_disk(written: World) -> None:
    for number in range(400):
        events.record(written.core, "info", "system", f"{number} " + "x" * 3900)
    days_pass(written, 100)
    given_back = prune(written).bytes_given_back
    assert given_back > 200_000


def test_postgresql_is_pruned_alike(on_postgres: World) -> None:
    on_postgres.rules = (Rule(RuleAction.RENAME, "red", value="scarlet"),)
    on_postgres.scan("apply", mode="decide")
    days_pass(on_postgres, 100)
    events.record(on_postgres.core, "info", "system", "today")
    on_postgres.scan("apply")
    origin = _origin(on_postgres)
    assert history.to_prune(on_postgres.core, days=DAYS).scans == 2
    assert prune(on_postgres) == Pruned(2, 1, 0, 4, 0)
    assert (_origin(on_postgres), on_postgres.tags("a.png")) == (origin, {"scarlet"})
    assert on_postgres.scan("apply").total == 0
