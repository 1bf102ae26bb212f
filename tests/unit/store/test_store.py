"""Queries on both databases."""

import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from tests.sqlite import make_migrated
from tigertag.errors import Conflict, LeaseLost, NotFound, StoreError, StoreUnavailable, Unstorable
from tigertag.model import Answer, Box, Item, Kind, Label, Rule, RuleAction, Section, TagOwnership
from tigertag.store import Store, answers, chunks, items, ledger, scans, space, tags
from tigertag.store.answers import AnswerRow
from tigertag.store.packing import pack_labels, unpack_labels
from tigertag.store.scans import NewScan

SECTION = Section("photos", ".", "Photos")


def noted(store: Store, *listed: Item, scan: int = 1) -> list[items.ItemRow]:
    with store.write() as db:
        section_id = scans.ensure_section(db, SECTION)
        return items.note(db, section_id, SECTION, listed, scan)


def item(key: str, revision: str = "1", stamp: str = "") -> Item:
    return Item("photos", ".", key, revision, stamp=stamp)


def answer(fingerprint: str = "f", confidence: float = 0.5) -> Answer:
    return Answer("local", fingerprint, "m", (Label("cat", confidence, "n1"),), 0.5)


def queued(store: Store) -> int:
    with store.write() as db:
        return scans.create(db, NewScan(scans.ensure_section(db, SECTION)))


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    scan_id = queued(store)
    with pytest.raises(Unstorable), store.write() as db:
        db.execute(scans._scans.update().values(started_at=datetime(2026, 1, 1)))
    with store.read() as db:
        assert scans.get(db, scan_id).created_at.tzinfo is not None


def test_an_item_listed_twice_is_one_item(store: Store) -> None:
    assert len(noted(store, item("a"), item("a"))) == 1


def test_a_changed_stamp_or_revision_unsettles_an_item(store: Store) -> None:
    (row,) = noted(store, item("a"))
    with store.write() as db:
        items.mark_current(db, [(row.id, "s")])
    assert [one.settled for one in noted(store, item("a"))] == ["s"]
    assert [one.settled for one in noted(store, item("a", stamp="2"))] == [""]


def test_what_a_listing_does_not_show_is_gone_and_may_come_back(store: Store) -> None:
    (row, _other) = noted(store, item("a"), item("b"))
    noted(store, item("b"), scan=2)
    with store.write() as db:
        assert items.mark_gone(db, scans.find_section(db, "photos", "."), 2) == 1
    assert [one.id for one in noted(store, item("a"), scan=3)] == [row.id]


def test_an_answer_that_is_kept_never_changes(store: Store) -> None:
    (row,) = noted(store, item("a"))
    with store.write() as db:
        answers.keep(db, [AnswerRow(row.id, "1", 0, answer(confidence=0.5))])
        answers.keep(db, [AnswerRow(row.id, "1", 0, answer(confidence=0.9))])
    with store.read() as db:
        assert answers.current(db, {row.id: "1"}, {"local": "f"})[row.id].now == [answer()]


def test_places_count_only_under_the_fingerprint_that_the_engine_has_now(store: Store) -> None:
    (row,) = noted(store, item("a"))
    thing, place = Label("cat", 0.5), Label("Vienna", 1.0, kind=Kind.PLACE)
    with store.write() as db:
        answers.keep(db, [AnswerRow(row.id, "1", 0, Answer("facts", "f", "m", (thing, place)))])
    with store.read() as db:
        (same,) = answers.current(db, {row.id: "1"}, {"facts": "f"})[row.id].now
        (other,) = answers.current(db, {row.id: "1"}, {"facts": "g"})[row.id].now
    assert (same.labels, other.labels) == ((thing, place), (thing,))


def test_the_answer_for_the_present_revision_and_fingerprint_counts(store: Store) -> None:
    (row,) = noted(store, item("a"))
    with store.write() as db:
        for revision, print_, confidence in (("1", "f", 0.1), ("1", "g", 0.2), ("0", "f", 0.3)):
            given = answer(print_, confidence)
            answers.keep(db, [AnswerRow(row.id, revision, 0, given)])
    with store.read() as db:
        assert answers.current(db, {row.id: "1"}, {"local": "f"})[row.id].now == [answer("f", 0.1)]
        assert answers.current(db, {row.id: "1"}, {})[row.id].now == [answer("g", 0.2)]
        assert answers.current(db, {row.id: "2"}, {})[row.id].earlier == [answer("f", 0.3)]
        assert answers.answered(db, {row.id: "1"}, {"local": "f"}, round=0) == {(row.id, "local")}
        assert answers.answered(db, {row.id: "2"}, {"local": "f"}, round=0) == set()


def test_labels_come_back_as_they_were_packed() -> None:
    labels = (
        Label("cat", 0.123456, "n1"),
        Label("Ann, née Ö", 0.9, kind=Kind.FACE, box=Box(0, 0.1, 0.2, 1), at_s=3.5),
    )
    assert unpack_labels(pack_labels(labels)) == labels


def test_one_scan_a_section_is_active(store: Store) -> None:
    queued(store)
    with pytest.raises(Conflict):
        queued(store)


def test_a_scan_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no scan 7"), store.read() as db:
        scans.get(db, 7)


def test_a_connection_in_use_when_its_store_closes_is_closed_after_its_transaction(
    store: Store,
) -> None:
    with store.read() as db:
        connection = db.connection.dbapi_connection
        store.close()
        assert db.scalar(select(1)) == 1
    assert connection is not None
    with pytest.raises((psycopg.Error, sqlite3.Error)):
        connection.cursor().execute("SELECT 1")


def test_a_chunk_is_leased_once(store: Store) -> None:
    scan_id = queued(store)
    with store.write() as db:
        assert chunks.lease(db, scan_id, owner="a", lease_s=10) is not None
        assert chunks.lease(db, scan_id, owner="b", lease_s=10) is None


def test_who_has_lost_the_lease_cannot_commit(store: Store) -> None:
    scan_id = queued(store)
    with store.write() as db:
        late = chunks.lease(db, scan_id, owner="a", lease_s=-1)
        chunks.lease(db, scan_id, owner="b", lease_s=10)
    assert late is not None
    with pytest.raises(LeaseLost), store.write() as db:
        chunks.finish(db, late)


def test_a_chunk_that_was_given_back_costs_no_attempt(store: Store) -> None:
    scan_id = queued(store)
    with store.write() as db:
        first = chunks.lease(db, scan_id, owner="a", lease_s=10)
        assert first is not None
        chunks.release(db, first)
        again = chunks.lease(db, scan_id, owner="a", lease_s=10)
    assert again is not None
    assert again.attempts == 1


def test_a_scan_ends_when_its_last_chunk_does(store: Store) -> None:
    scan_id = queued(store)
    with store.write() as db:
        scans.move(db, scan_id, to="running", among=("queued",))
        assert not scans.finish(db, scan_id)
        chunk = chunks.lease(db, scan_id, owner="a", lease_s=10)
        assert chunk is not None
        chunks.finish(db, chunk)
        assert scans.finish(db, scan_id)


def test_the_canary_is_one_workers(store: Store) -> None:
    with store.write() as db:
        section_id = scans.ensure_section(db, SECTION)
        assert scans.claim_canary(db, section_id, by="a", lease_s=10)
        assert not scans.claim_canary(db, section_id, by="b", lease_s=10)
        scans.end_canary(db, section_id, by="a", passed=True)
        assert scans.canary_passed(db, section_id)


def test_a_canary_that_was_taken_over_is_not_its_first_holders_any_more(store: Store) -> None:
    with store.write() as db:
        section_id = scans.ensure_section(db, SECTION)
        assert scans.claim_canary(db, section_id, by="a", lease_s=-1)
        assert scans.claim_canary(db, section_id, by="b", lease_s=10)
        scans.renew_canary(db, section_id, by="a", lease_s=-1)
        scans.end_canary(db, section_id, by="a", passed=True)
        assert not scans.canary_passed(db, section_id)
        assert not scans.claim_canary(db, section_id, by="c", lease_s=10)


def test_allowing_a_word_takes_its_denial_away(store: Store) -> None:
    with store.write() as db:
        tags.add_rule(db, Rule(RuleAction.DENY, "cat"))
        tags.add_rule(db, Rule(RuleAction.ALLOW, "cat"))
        assert [row.rule.action for row in tags.rules(db)] == [RuleAction.ALLOW]


def test_tags_stand_by_word_whatever_the_case(store: Store) -> None:
    from tigertag.model import Field, TagRef

    (row,) = noted(store, item("a"))
    with store.write() as db:
        ledger.set_ownership(db, {row.id: {TagRef(Field.TAG, "Cat"): TagOwnership.OURS}})
        ledger.set_ownership(db, {row.id: {TagRef(Field.TAG, "cat"): TagOwnership.TOMBSTONE}})
        assert ledger.ownership(db, [row.id])[row.id] == {
            (Field.TAG, "cat"): TagOwnership.TOMBSTONE
        }
        assert [one.name for one in ledger.tombstones(db, word="CAT")] == ["Cat"]


def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "tigertag.db").write_bytes(b"not a database" * 100)
    with (
        closing(Store(f"sqlite:///{tmp_path}/tigertag.db")) as store,
        pytest.raises(StoreError, match="damaged"),
        store.read(),
    ):
        pass


def test_a_database_that_cannot_be_reached_is_one_clear_line() -> None:
    nowhere = Store("postgresql+psycopg://nobody@127.0.0.1:9/none")
    with pytest.raises(StoreUnavailable, match="cannot be used now"), nowhere.read():
        pass


def test_a_connection_is_made_while_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "tigertag.db"
    make_migrated(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM scans")
        began = time.monotonic()
        store = Store(f"sqlite:///{path}")
        with store.read() as db:
            assert db.exec_driver_sql("PRAGMA auto_vacuum").scalar_one() == space.INCREMENTAL
        assert time.monotonic() - began < 5
        store.close()
