"""More like this: the items whose pictures a network finds most alike."""

from collections.abc import Sequence
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tigertag.core import Core
from tigertag.errors import Conflict
from tigertag.services.browsing import cards
from tigertag.services.views import SimilarItem
from tigertag.store import Store, browse, embeddings, items
from tigertag.store.embeddings import EmbeddingRow

_DIMENSIONS: Final = 256
"""Enough to tell the few hundred that may be nearest: 100 MB for 100 000 items, and 10 ms."""
_SAMPLE: Final = 4096
_SHORTLIST: Final = 1000
_PAGE: Final = 2000
_REBUILT_AFTER_S: Final = 3600.0
"""PostgreSQL may commit a row after one of a higher id was read: it is found this much later."""

Vectors = NDArray[np.float32]


def similar(core: Core, item_id: int, *, limit: int = 60) -> tuple[SimilarItem, ...]:
    """Return the items most like one, the likest first; exact among a shortlist.

    Raises `NotFound`, and `Conflict` where no network has seen the item as it is now.
    """
    with core.store.read() as db:
        browse.item(db, item_id)
        seen_by = embeddings.networks(db, item_id)
        if not seen_by:
            raise Conflict(
                f"It is not known what item {item_id} looks like. A scan with the local classifier"
                " finds out; for items that it analysed in an earlier version, force a scan with"
                " that engine alone (--force --engine NAME): no other is asked again."
            )
        query = _vector(embeddings.current(db, seen_by[0], [item_id])[item_id])
    near = _index(core, seen_by[0]).nearest(query, limit=max(_SHORTLIST, 4 * limit))
    with core.store.read() as db:
        known = embeddings.current(db, seen_by[0], [each for each in near if each != item_id])
        scores = {each: _cosine(_vector(vector), query) for each, vector in known.items()}
        ranked = sorted(scores, key=lambda each: (-scores[each], each))[:limit]
        rows = items.by_id(db, ranked)
        shown = cards(db, [rows[each] for each in ranked])
    return tuple(SimilarItem(card, round(scores[card.id], 4)) for card in shown)


def _index(core: Core, network: str) -> "_Index":
    def build() -> _Index:
        return _Index(network)

    index = core.cache.get(("similar", network), build, keep_s=_REBUILT_AFTER_S)
    index.refresh(core.store)
    return index


class _Index:
    """The vectors of a network in few dimensions: those in which a sample of them differs most.

    Thread-safe. An item whose vector was replaced is in it twice until it is built anew; the
    shortlist is ranked by the vectors that are kept, so neither is shown wrongly.
    """

    def __init__(self, network: str) -> None:
        self._network = network
        self._lock = Lock()
        self._last = 0
        self._basis: Vectors | None = None
        self._fitted = 0
        self._parts: list[Vectors] = []
        self._items: list[NDArray[np.int64]] = []

    def refresh(self, store: Store) -> None:
        """Read what was kept since; fit the dimensions anew where that is most of it."""
        with self._lock:
            while rows := self._newer(store):
                self._last = rows[-1].id
                self._add(rows)
            if self._count > 2 * self._fitted and self._fitted < _SAMPLE:
                self._refit(store)

    def nearest(self, query: Vectors, *, limit: int) -> list[int]:
        """Return the items whose vectors point most like this one, in no order."""
        with self._lock:
            parts, names, basis = list(self._parts), list(self._items), self._basis
        wanted = query if basis is None else query @ basis
        scores = np.concatenate([part @ wanted for part in parts]) if parts else np.empty(0)
        every = np.concatenate(names) if names else np.empty(0, np.int64)
        if len(scores) > limit:
            every = every[np.argpartition(-scores, limit)[:limit]]
        return list(dict.fromkeys(every.tolist()))

    @property
    def _count(self) -> int:
        return sum(map(len, self._items))

    def _newer(self, store: Store) -> list[EmbeddingRow]:
        with store.read() as db:
            return embeddings.newer(db, self._network, after=self._last, limit=_PAGE)

    def _add(self, rows: Sequence[EmbeddingRow]) -> None:
        vectors = np.stack([_vector(row.vector) for row in rows])
        if self._basis is None:
            self._basis = _basis(vectors)
            self._fitted = len(vectors)
        self._parts.append(vectors @ self._basis)
        self._items.append(np.array([row.item_id for row in rows]))
        if len(self._parts) > 1 and len(self._parts[-2]) < _PAGE:
            self._parts[-2:] = [np.concatenate(self._parts[-2:])]
            self._items[-2:] = [np.concatenate(self._items[-2:])]

    def _refit(self, store: Store) -> None:
        with store.read() as db:
            rows = embeddings.newer(db, self._network, after=0, limit=_SAMPLE)
        self._basis = _basis(np.stack([_vector(row.vector) for row in rows]))
        self._fitted = len(rows)
        self._parts, self._items, self._last = [], [], 0
        while rows := self._newer(store):
            self._last = rows[-1].id
            self._add(rows)


def _basis(vectors: Vectors) -> Vectors:
    """Return the directions, as columns, that keep most of the vectors' products."""
    _sizes, directions = np.linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(directions[:, -_DIMENSIONS:])


def _cosine(one: Vectors, other: Vectors) -> float:
    """Half precision makes a vector a little longer or shorter than 1."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def _vector(data: bytes) -> Vectors:
    return np.frombuffer(data, "<f2").astype(np.float32)
