"""PostgreSQL behind a network that is cut, and PostgreSQL that restarts."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, BrokenBarrierError, Event

import pytest
from sqlalchemy import make_url, text

from tests.absent import absent
from tests.free_port import free_port
from tests.partition import Network
from tests.private_postgres import private_postgres, programs, restart
from tigertag.errors import LeaseLost, StoreUnavailable
from tigertag.model import Section
from tigertag.store import Db, Store, chunks, database, migrate, postgres, scans
from tigertag.store.chunks import Chunk
from tigertag.store.scans import NewScan

pytestmark = pytest.mark.slow

LIMIT_S = 1.0


class Server:
    def __init__(self, folder: Path, port: int, url: str) -> None:
        self.folder = folder
        self.port = port
        self.url = url


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of this module's own, which may restart."""
    if programs() is None:
        absent("PostgreSQL")
    port = free_port()
    # Not in pytest's folder: that is closed to others, whoever has just started a run.
    with TemporaryDirectory(prefix="tigertag-partition-") as scratch:
        folder = Path(scratch) / "postgres"
        with private_postgres(folder, port=port) as url:
            store = Store(url)
            migrate.upgrade(store)
            store.close()
            yield Server(folder, port, url)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can wait for; libpq knows whole seconds, from two on."""
    client = {"connect_timeout": 2, "tcp_user_timeout": int(LIMIT_S * 1000)}
    monkeypatch.setattr(postgres, "CLIENT", postgres.CLIENT | client)
    idle = {"idle_in_transaction_session_timeout": f"{LIMIT_S}s"}
    monkeypatch.setattr(postgres, "SERVER", postgres.SERVER | idle)


@pytest.fixture
def near(server: Server) -> Iterator[Store]:
    """The database, by a network that holds."""
    made = Store(server.url)
    yield made
    made.close()


@pytest.fixture
def network(server: Server) -> Iterator[Network]:
    made = Network(server.port)
    yield made
    made.close()


@pytest.fixture
def far(short: None, server: Server, network: Network) -> Iterator[Store]:
    """The database, by a network that can be cut."""
    url = make_url(server.url).set(port=network.port)
    made = Store(url.render_as_string(hide_password=False))
    yield made
    network.heal()
    made.close()


@pytest.fixture
def scan_id(near: Store) -> Iterator[int]:
    with near.write() as db:
        section_id = scans.ensure_section(db, Section("photos", ".", "Photos"))
        made = scans.create(db, NewScan(section_id))
    yield made
    with near.write() as db:
        scans.move(db, made, to="cancelled", among=("queued",))


def test_what_a_worker_has_locked_that_cannot_be_reached_is_free_soon_and_its_commit_is_refused(
    near: Store, far: Store, network: Network, scan_id: int
) -> None:
    with near.write() as db:
        chunk = chunks.lease(db, scan_id, owner="far", lease_s=0.1)
    assert chunk is not None
    with pytest.raises(StoreUnavailable), far.write() as db:
        _finish_while_cut_off(db, chunk, near, network)
    with pytest.raises(LeaseLost), far.write() as db:
        chunks.finish(db, chunk)


def _finish_while_cut_off(db: Db, chunk: Chunk, near: Store, network: Network) -> None:
    """Lock a chunk, and be cut off until another worker has it."""
    chunks.finish(db, chunk)
    began, taken = time.monotonic(), None
    with network.partitioned():
        while taken is None and time.monotonic() - began < 10:
            with near.write() as other:
                taken = chunks.lease(other, chunk.scan_id, owner="near", lease_s=60.0)
            time.sleep(0.05)
    assert taken is not None
    assert time.monotonic() - began < LIMIT_S + 1.0


def test_a_write_over_a_cut_network_fails_soon_and_succeeds_once_it_is_whole(
    far: Store, network: Network, scan_id: int
) -> None:
    with far.read() as db:
        scans.get(db, scan_id)
    with network.partitioned():
        began = time.monotonic()
        with pytest.raises(StoreUnavailable), far.write() as db:
            scans.put(db, scan_id, listed=7)
        assert time.monotonic() - began < LIMIT_S + 2.0 + 2.0
    with far.write() as db:
        scans.put(db, scan_id, listed=8)
    with far.read() as db:
        assert scans.get(db, scan_id).listed == 8


def test_what_must_be_kept_is_kept_once_the_network_is_whole(
    far: Store, network: Network, scan_id: int
) -> None:
    with far.read() as db:
        scans.get(db, scan_id)
    network.cut()
    with ThreadPoolExecutor(1) as pool:
        kept = pool.submit(far.persist, lambda db: scans.put(db, scan_id, listed=9))
        time.sleep(LIMIT_S)
        network.heal()
        kept.result()
    with far.read() as db:
        assert scans.get(db, scan_id).listed == 9


def persist_over_a_cut(far: Store, network: Network, scan_id: int, *, hurries: bool) -> int:
    """Cut the network for longer than what is not paid for is tried; return what was kept."""
    with far.read() as db:
        scans.get(db, scan_id)
    network.cut()
    with ThreadPoolExecutor(1) as pool:
        kept = pool.submit(
            far.persist, lambda db: scans.put(db, scan_id, listed=9), hurries=lambda: hurries
        )
        time.sleep(5.0)
        network.heal()
        wait([kept])
    with far.read() as db:
        return scans.get(db, scan_id).listed


@pytest.mark.parametrize(("hurries", "listed"), [(False, 9), (True, 0)])
def test_what_was_paid_for_is_tried_for_longer_unless_the_worker_is_to_stop(
    far: Store,
    network: Network,
    scan_id: int,
    monkeypatch: pytest.MonkeyPatch,
    hurries: bool,
    listed: int,
) -> None:
    monkeypatch.setattr(database, "_PERSIST_S", 0.5)
    assert persist_over_a_cut(far, network, scan_id, hurries=hurries) == listed


def test_a_worker_that_is_to_stop_gives_up_soon_what_it_has_tried_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "_PERSIST_S", 0.5)
    store, stop = Store(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"), Event()
    with ThreadPoolExecutor(1) as pool:
        kept = pool.submit(store.persist, lambda _db: None, hurries=stop.is_set)
        assert not wait([kept], 1.0).done
        stop.set()
        assert isinstance(kept.exception(2.0), StoreUnavailable)


def test_a_restart_in_the_middle_of_a_transaction_is_a_passing_fault(
    server: Server, near: Store, scan_id: int
) -> None:
    with pytest.raises(StoreUnavailable), near.write() as db:
        _put_around_a_restart(db, server, scan_id)
    near.persist(lambda db: scans.put(db, scan_id, listed=9))
    with near.read() as db:
        assert scans.get(db, scan_id).listed == 9


def _put_around_a_restart(db: Db, server: Server, scan_id: int) -> None:
    scans.put(db, scan_id, listed=7)
    restart(server.folder, port=server.port)
    scans.put(db, scan_id, listed=8)


def test_limits_that_the_address_names_are_left_as_they_are(server: Server) -> None:
    asked = {"options": "-c lock_timeout=7s", "tcp_user_timeout": "4000"}
    url = make_url(server.url).update_query_dict(asked)
    store = Store(url.render_as_string(hide_password=False))
    with store.read() as db:
        limits = {name: db.scalar(text(f"SHOW {name}")) for name in postgres.SERVER}
        raw = db.connection.driver_connection
        assert raw is not None
        of_client = raw.info.get_parameters()
    store.close()
    assert limits["lock_timeout"] == "7s"
    assert limits["idle_in_transaction_session_timeout"] == "5s"
    assert (of_client["tcp_user_timeout"], of_client["keepalives_idle"]) == ("4000", "5")


def test_a_backup_may_take_its_time_between_two_statements(near: Store, short: None) -> None:
    with near.snapshot() as db:
        time.sleep(LIMIT_S * 1.2)
        assert db.scalar(text("SHOW lock_timeout")) == "0"


def test_transactions_that_wait_for_each_other_are_both_made(near: Store, scan_id: int) -> None:
    with near.write() as db:
        chunk_ids = [chunks.add(db, scan_id) for _ in range(2)]
    clash = Barrier(2, timeout=5.0)

    def wake(order: Sequence[int]) -> None:
        def do(db: Db) -> None:
            for chunk_id in order:
                chunks.wake_all(db, [chunk_id])
                with suppress(BrokenBarrierError):
                    clash.wait()
                    clash.abort()

        near.persist(do)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(wake, (chunk_ids, chunk_ids[::-1])))
