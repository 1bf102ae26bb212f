"""Many workers lease the chunks of one scan at once, on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tigertag.model import Section
from tigertag.store import Store, chunks, scans
from tigertag.store.chunks import Chunk
from tigertag.store.scans import NewScan

pytestmark = pytest.mark.slow

WORKERS = 16


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    made = Store(postgres_url)
    yield made
    made.close()


@pytest.fixture
def scan_id(store: Store) -> int:
    """A scan whose chunks wait, the one that lists among them."""
    with store.write() as db:
        section_id = scans.ensure_section(db, Section("photos", ".", "Photos"))
        made = scans.create(db, NewScan(section_id))
        scans.move(db, made, to="running", among=("queued",))
        for _ in range(WORKERS - 1):
            chunks.add(db, made)
    return made


def leased(store: Store, scan_id: int, lease_s: float = 10.0) -> Chunk | None:
    with store.write() as db:
        return chunks.lease(db, scan_id, owner="a", lease_s=lease_s)


def test_workers_that_lease_at_the_same_moment_get_a_chunk_each(store: Store, scan_id: int) -> None:
    all_have_one = Barrier(WORKERS, timeout=20.0)

    def lease(_number: int) -> int:
        with store.write() as db:
            chunk = chunks.lease(db, scan_id, owner="a", lease_s=10.0)
            all_have_one.wait()
        assert chunk is not None
        return chunk.id

    with ThreadPoolExecutor(WORKERS) as pool:
        assert len(set(pool.map(lease, range(WORKERS)))) == WORKERS


def test_a_scan_that_ends_while_a_worker_looks_for_a_chunk_gives_none(
    store: Store, scan_id: int
) -> None:
    with store.write() as looking:
        assert scans.get(looking, scan_id).state == "running"
        with store.write() as ending:
            scans.move(ending, scan_id, to="failed", among=("running",))
        assert chunks.lease(looking, scan_id, owner="a", lease_s=10.0) is None


def test_no_worker_leaves_empty_handed_while_chunks_are_free(store: Store, scan_id: int) -> None:
    with store.write() as db:
        for _ in range(200):
            chunks.add(db, scan_id)

    def work(_number: int) -> list[int]:
        done: list[int] = []
        while (chunk := leased(store, scan_id)) is not None:
            with store.write() as db:
                chunks.finish(db, chunk)
            done.append(chunk.id)
        return done

    with ThreadPoolExecutor(8) as pool:
        each = list(pool.map(work, range(8)))
    done = [chunk_id for ids in each for chunk_id in ids]
    assert len(done) == len(set(done)) == WORKERS + 200


def test_a_chunk_whose_worker_died_is_taken_over_before_those_that_are_new(
    store: Store, scan_id: int
) -> None:
    dead = [leased(store, scan_id, lease_s) for lease_s in (10.0, -1.0)][1]
    again = leased(store, scan_id)
    assert dead is not None
    assert again is not None
    assert (again.id, again.attempts) == (dead.id, 2)


def test_a_lease_is_renewed_while_another_of_the_worker_is_being_committed_to(
    store: Store, scan_id: int
) -> None:
    held = [chunk for _ in range(2) if (chunk := leased(store, scan_id)) is not None]
    with store.write() as committing:
        chunks.check(committing, held[0])
        with store.write() as db:
            chunks.renew(db, held, lease_s=60.0)
            assert chunks.lease_left_s(db, scan_id) > 50.0


def test_a_commit_for_a_chunk_prolongs_its_lease(store: Store, scan_id: int) -> None:
    chunk = leased(store, scan_id, 60.0)
    assert chunk is not None
    with store.write() as db:
        chunks.renew(db, [chunk], lease_s=1.0)
        chunks.check(db, chunk)
        assert chunks.lease_left_s(db, scan_id) > 50.0
