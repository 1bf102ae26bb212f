"""A million known items and 1 % new ones, on PostgreSQL; and workers that lease chunks there."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import text

from bench.instant import Instant
from bench.memory import peak_mb
from bench.million_library import SECTION, Million
from bench.million_library import item as listed
from tests.private_postgres import private_postgres
from tigertag import bootstrap, settings
from tigertag.core import Core
from tigertag.scan import context
from tigertag.services import scan_status, scans
from tigertag.services.scans import Request
from tigertag.store import Store, chunks, migrate
from tigertag.store import scans as scan_rows
from tigertag.store.scans import NewScan

CHUNKS, WORKERS, LEASING_S = 20_000, 8, 10.0


def main() -> None:
    if sys.argv[1:2] == ["scan"]:
        print(json.dumps(_scanned(sys.argv[2], Path(sys.argv[3]))))
        return
    if sys.argv[1:2] == ["lease"]:
        print(_leased(sys.argv[2], int(sys.argv[3])))
        return
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        root.chmod(0o711)
        for fsync in (False, True):
            with private_postgres(root / f"postgres-{fsync}", fsync=fsync) as url:
                store = Store(url)
                migrate.upgrade(store)
                if not fsync:
                    figures |= _run("scan", url, scratch)
                rate = _leasing_per_s(store, url)
                figures["leases_per_s" if fsync else "leases_unsynced_per_s"] = rate
                store.close()
    print(json.dumps(figures))


def _run(*part: str) -> dict[str, float]:
    output = subprocess.check_output([sys.executable, "-m", "bench.million", *part])
    figures: dict[str, float] = json.loads(output.splitlines()[-1])
    return figures


def _core(url: str, home: Path) -> Core:
    return bootstrap.build(
        settings.load(
            {
                "TIGERTAG_HOME": str(home),
                "DB_URL": url,
                "LIBRARY_MILLION_NAME": "bench.million_library",
                "ENGINE_INSTANT_NAME": "bench.instant",
            }
        )
    )


def _scanned(url: str, root: Path) -> dict[str, float]:
    """Scan in a process of its own: seconds to the first chunk at work, and to the end; memory."""
    core = _core(url, root / "home")
    bootstrap.open_store(core)
    (entry,), (library,) = core.engines, core.libraries
    assert isinstance(entry.engine, Instant)
    assert isinstance(library.library, Million)
    entry.engine.open()
    before_s = _fill(core, library.library)
    scan_id = scans.start(core, Request("million", mode="changed"))
    watch = _Watch(core.store, scan_id)
    begun = time.time()
    with watch.watching():
        scans.run(core, scan_id).run()
    took_s = time.time() - begun
    status = scan_status.status(core, scan_id)
    assert (status.scan.state, status.failed) == ("done", 0), status
    core.store.close()
    return {
        "fill_s": before_s,
        "first_chunk_s": watch.first_at - library.library.began_at,
        "listed_s": watch.listed_at - library.library.began_at,
        "scan_s": took_s,
        "mb": peak_mb(),
        "asked": entry.engine.asked,
        "unchanged": status.scan.unchanged,
    }


class _Watch:
    """Sees from beside when the first chunk of items is at work, and when all are listed."""

    def __init__(self, store: Store, scan_id: int) -> None:
        self._store = store
        self._scan_id = scan_id
        self._ended = Event()
        self.first_at = 0.0
        self.listed_at = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _watch(self) -> None:
        at_work = text(
            "SELECT coalesce(max(CASE WHEN kind = 'items' AND state <> 'queued' THEN 1 END), 0),"
            " coalesce(max(CASE WHEN kind = 'list' AND state = 'done' THEN 1 END), 0)"
            " FROM chunks WHERE scan_id = :scan"
        )
        while not self._ended.wait(0.1) or not self.listed_at:
            with self._store.read() as db:
                first, listed = db.execute(at_work, {"scan": self._scan_id}).one()
            now = time.time()
            self.first_at = self.first_at or (now if first else 0.0)
            self.listed_at = self.listed_at or (now if listed else 0.0)


def _fill(core: Core, library: Million) -> float:
    """Make the known items as a scan has left them, each looked at by the engine; seconds."""
    begun = time.time()
    with core.store.write() as db:
        section_id = scan_rows.ensure_section(db, SECTION)
        scan_id = scan_rows.create(db, NewScan(section_id, write="preview"))
        scan = scan_rows.get(db, scan_id)
        signature = context.make(core, db, scan, library).signature
        scan_rows.move(db, scan_id, to="done", among=("queued",))
        raw = db.connection.driver_connection
        assert raw is not None
        columns = "section_id, key, revision, media, title, size_bytes, settled, seen_scan, sought"
        copy = f"COPY items ({columns}, content) FROM STDIN"
        with raw.cursor() as cursor, cursor.copy(copy) as rows:
            for number in range(1, library.known + 1):
                item = listed(f"{number // 1000:04}/IMG_{number:07}.jpg", str(number))
                sought = f"{item.title}\n{item.key}".casefold()
                row = (section_id, item.key, item.revision, "photo", item.title, item.size_bytes)
                rows.write_row((*row, signature, scan_id, sought, f"{number:032x}"))
    with core.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM ANALYZE items"))
    return time.time() - begun


def _leasing_per_s(store: Store, url: str) -> float:
    """Chunks a second that so many processes lease, one by one, and finish."""
    with store.write() as db:
        section_id = scan_rows.ensure_section(db, SECTION)
        scan_id = scan_rows.create(db, NewScan(section_id))
        scan_rows.move(db, scan_id, to="running", among=("queued",))
        made = {"scan": scan_id, "number": CHUNKS}
        db.execute(
            text(
                "INSERT INTO chunks (scan_id, kind) SELECT :scan, 'items'"
                " FROM generate_series(1, :number)"
            ),
            made,
        )
    command = [sys.executable, "-m", "bench.million", "lease", url, str(scan_id)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(WORKERS)]
    rate = sum(float(worker.communicate()[0]) for worker in workers)
    with store.write() as db:
        scan_rows.move(db, scan_id, to="cancelled", among=("running",))
    return rate


def _leased(url: str, scan_id: int) -> float:
    store = Store(url)
    done, begun = 0, time.perf_counter()
    while (took_s := time.perf_counter() - begun) < LEASING_S:
        with store.write() as db:
            assert scan_rows.get(db, scan_id).state == "running"
            chunk = chunks.lease(db, scan_id, owner="bench", lease_s=60.0)
        assert chunk is not None, "there are chunks left"
        with store.write() as db:
            chunks.finish(db, chunk)
        done += 1
    store.close()
    return done / took_s


if __name__ == "__main__":
    main()
