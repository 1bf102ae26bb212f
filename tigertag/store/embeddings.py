"""What networks made of items. Items that look alike have vectors that point alike."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select

from tigertag.store import schema
from tigertag.store.database import Db, insert_if_absent, rows_in

_embeddings = schema.embeddings


@dataclass(frozen=True, slots=True)
class EmbeddingRow:
    """See `Embedding`. `revision`: of the item as the network saw it. `id`: 0 until it is kept."""

    item_id: int
    revision: str
    network: str
    vector: bytes
    id: int = 0


def keep(db: Db, rows: Sequence[EmbeddingRow]) -> None:
    """Keep vectors in the place of those that the networks made before, under new ids."""
    by_network: dict[str, list[EmbeddingRow]] = {}
    for row in sorted(rows, key=lambda row: row.item_id):
        by_network.setdefault(row.network, []).append(row)
    for network, of_network in by_network.items():
        of_items = _embeddings.c.item_id.in_([row.item_id for row in of_network])
        db.execute(delete(_embeddings).where(_embeddings.c.network == network, of_items))
        insert_if_absent(db, _embeddings, [_values(row) for row in of_network])


def newer(db: Db, network: str, *, after: int, limit: int) -> list[EmbeddingRow]:
    """Return vectors with ids above one, by rising ids."""
    where = (_embeddings.c.network == network, _embeddings.c.id > after)
    statement = select(_embeddings).where(*where).order_by(_embeddings.c.id).limit(limit)
    return [_row(row) for row in db.execute(statement)]


def networks(db: Db, item_id: int) -> list[str]:
    """Return the networks that saw the item as it is now, the last first."""
    of_item = (_embeddings.c.item_id == item_id, schema.items.c.revision == _embeddings.c.revision)
    statement = select(_embeddings.c.network).join(schema.items).where(*of_item)
    return list(db.scalars(statement.order_by(_embeddings.c.id.desc())))


def current(db: Db, network: str, item_ids: Iterable[int]) -> dict[int, bytes]:
    """Return the vectors of those items that are there, and are as the network saw them."""
    items = schema.items
    seen = (items.c.revision == _embeddings.c.revision, items.c.gone.is_(False))
    statement = select(_embeddings).join(items).where(_embeddings.c.network == network, *seen)
    rows = rows_in(db, statement, _embeddings.c.item_id, list(item_ids))
    return {row.item_id: b64decode(row.vector) for row in rows}


def _values(row: EmbeddingRow) -> dict[str, object]:
    return {
        "item_id": row.item_id,
        "revision": row.revision,
        "network": row.network,
        "vector": b64encode(row.vector).decode(),
    }


def _row(row: Row[Any]) -> EmbeddingRow:
    return EmbeddingRow(row.item_id, row.revision, row.network, b64decode(row.vector), row.id)
