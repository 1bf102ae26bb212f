"""More like this: what a network made of pictures, kept and compared."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.world import World
from tigertag.errors import Conflict, NotFound
from tigertag.services import browsing, similar
from tigertag.store import embeddings, schema
from tigertag.store.embeddings import EmbeddingRow


@pytest.fixture
def embedding(world: World) -> World:
    """Two red pictures and a green one, of which the engine tells what they look like."""
    world.engine.embeds = True
    for name, colour in (("a.png", "red"), ("b.png", "red"), ("c.png", "green")):
        world.picture(name, colour)
    return world


def item_id(world: World, title: str) -> int:
    return {card.item.title: card.id for card in browsing.items(world.core).items}[title]


def near(world: World, title: str) -> dict[str, float]:
    found = similar.similar(world.core, item_id(world, title))
    return {each.card.item.title: round(each.similarity, 2) for each in found}


def test_an_item_that_no_network_has_seen_is_a_conflict(embedding: World) -> None:
    embedding.engine.embeds = False
    embedding.scan()
    with pytest.raises(Conflict):
        similar.similar(embedding.core, item_id(embedding, "a.png"))


def test_an_item_that_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        similar.similar(world.core, 1)


def test_the_likest_come_first_without_the_item_itself(embedding: World) -> None:
    embedding.scan()
    assert list(near(embedding, "a.png").items()) == [("b.png", 1.0), ("c.png", 0.31)]


def test_what_a_picture_looked_like_before_it_changed_is_not_compared(embedding: World) -> None:
    embedding.scan()
    near(embedding, "a.png")
    embedding.engine.embeds = False
    embedding.picture("b.png", "blue", side_px=17)
    embedding.scan()
    assert list(near(embedding, "a.png")) == ["c.png"]


def test_what_was_looked_at_again_or_is_new_is_compared_as_it_is_now(embedding: World) -> None:
    embedding.scan()
    near(embedding, "a.png")
    embedding.picture("b.png", "green", side_px=17)
    embedding.picture("d.png", "red")
    embedding.scan()
    assert list(near(embedding, "a.png")) == ["d.png", "b.png", "c.png"]


def test_a_forced_scan_looks_at_items_of_which_nothing_was_kept(embedding: World) -> None:
    embedding.engine.embeds = False
    embedding.scan()
    embedding.engine.embeds = True
    embedding.scan(mode="force")
    assert list(near(embedding, "c.png")) == ["a.png", "b.png"]


def test_those_that_are_gone_are_not_shown(embedding: World) -> None:
    embedding.scan()
    (embedding.photos / "b.png").unlink()
    embedding.scan()
    assert list(near(embedding, "a.png")) == ["c.png"]


def test_among_many_the_nearest_are_those_of_the_whole_vectors(world: World) -> None:
    """2 500 of 400 numbers, in 40 groups: more than one page, and more numbers than are kept."""
    made = np.random.default_rng(7)
    groups = made.normal(size=(40, 400))
    vectors = groups[np.arange(2500) % 40] + 0.4 * made.normal(size=(2500, 400))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f2")
    _insert(world, vectors)
    exact = vectors.astype(np.float32) @ vectors[0].astype(np.float32)
    best = [int(n) + 1 for n in np.argsort(-exact, kind="stable")[1:21]]
    found = similar.similar(world.core, 1, limit=20)
    assert [each.card.id for each in found] == best


def _insert(world: World, vectors: NDArray[Any]) -> None:
    rows = [
        {"section_id": 1, "key": str(n), "revision": "r", "media": "photo", "title": str(n)}
        for n in range(len(vectors))
    ]
    with world.store.write() as db:
        db.execute(schema.sections.insert().values(library="photos", key="s", title="s"))
        db.execute(schema.items.insert(), rows)
        made = [
            EmbeddingRow(n + 1, "r", "network", vector.tobytes())
            for n, vector in enumerate(vectors)
        ]
        embeddings.keep(db, made[:500])
        for start in range(500, len(made), 1000):
            embeddings.keep(db, made[start : start + 1000])
