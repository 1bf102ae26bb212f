"""A database with many items in it, as scans would have left them: answers, tags, ledger."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from tigertag.model import Evidence, Field, Item, Label, Shown, Tag, TagRef
from tigertag.store import Store, migrate, packing, schema
from tigertag.store.database import Db

WORDS = ("cat", "dog", "car", "beach", "tree", "boat", "bicycle", "bird", "tabby", "coffee")
_PART = 5_000


def fill(store: Store, items: int, *, library: str) -> int:
    """Put a section with `items` items into an empty database; return the scan that tagged them."""
    migrate.upgrade(store)
    now = datetime.now(UTC)
    with store.write() as db:
        section = schema.sections.insert().values(
            library=library, key=".", title="archive", canary="passed"
        )
        db.execute(section)
        scan = {
            "section_id": 1, "kind": "scan", "mode": "changed", "write": "apply", "state": "done",
            "listed": items, "created_at": now, "started_at": now, "finished_at": now,
        }  # fmt: skip
        db.execute(schema.scans.insert().values(scan))
        db.execute(schema.chunks.insert().values(scan_id=1, kind="items", state="done"))
    for start in range(1, items + 1, _PART):
        with store.write() as db:
            _part(db, library, range(start, min(start + _PART, items + 1)), now)
            if db.dialect.name == "postgresql":
                db.execute(text("SELECT setval('items_id_seq', (SELECT max(id) FROM items))"))
    if store.sqlite_path is None:
        with store.write() as db:
            # As PostgreSQL's autovacuum does within minutes.
            db.execute(text("ANALYZE"))
    return 1


def _part(db: Db, library: str, ids: range, now: datetime) -> None:
    rows = [_rows(library, number, now) for number in ids]
    for name in rows[0]:
        db.execute(
            schema.metadata.tables[name].insert(), [one for row in rows for one in row[name]]
        )


Rows = Mapping[str, list[dict[str, Any]]]


def _rows(library: str, number: int, now: datetime) -> Rows:
    key = f"{number // 500:04}/photo-{number:06}.jpg"
    words = (WORDS[number % 10], f"{WORDS[number // 10 % 10]} {number % 97}")
    labels = tuple(Label(word, 0.9) for word in words)
    tags = [Tag(one.name, 0.9, because=(Evidence("local", "m", one),)) for one in labels]
    refs = [TagRef(Field.TAG, word) for word in words]
    item = Item(library, ".", key, "1-1")
    place = {"item_id": number}
    return {
        "items": [{
            "id": number, "section_id": 1, "key": key, "title": key, "revision": item.revision,
            "media": "photo", "size_bytes": 1, "settled": "x", "seen_scan": 1, "sought": key,
        }],
        "answers": [place | {
            "revision": "1-1", "engine": "local", "fingerprint": "f", "sampler": "photo",
            "model": "m", "labels": packing.pack_labels(labels), "cost_usd": 0.0, "took_s": 0.01,
            "answered_at": now,
        }],
        "decisions": [place | {
            "scan_id": 1, "chunk_id": 1, "state": "done", "revision": "1-1",
            "tags": packing.pack_tags(tags), "adds": packing.pack_refs(refs), "add_count": 2,
        }],
        "edits": [place | {
            "scan_id": 1, "state": "verified", "adds": packing.pack_refs(refs), "removes": "[]",
            "before": packing.pack_shown(Shown(key)),
            "after": packing.pack_shown(Shown(key, tuple(refs))), "planned_at": now,
            "verified_at": now,
        }],
        "tags": [place | {"field": "tag", "word": w, "name": w, "confidence": 0.9} for w in words],
        "standing": [
            place | {"field": "tag", "word": word, "name": word, "state": "ours", "since": now}
            for word in words
        ],
    }  # fmt: skip


def paths(items: int) -> Iterator[str]:
    """Pages and REST, in turns, as somebody who looks around asks for them."""
    number = 1
    while True:
        number = number * 7919 % items + 1
        yield from (
            f"/api/v1/items/{number}",
            "/api/v1/scans",
            f"/api/v1/items?tag={WORDS[number % 10]}&cursor={number}",
            "/",
            "/api/v1/scans/2",
            f"/items/{number}",
            f"/api/v1/scans/1/changes?cursor={number}",
            "/api/v1/tags",
            "/scans/2",
            f"/api/v1/items?q={number:06}",
            "/api/v1/libraries",
            "/tags",
            "/api/v1/health",
            f"/items?tag={WORDS[number % 10]}",
            "/api/v1/rules",
            "/scans/1",
            "/api/v1/engines",
            "/scans",
        )
