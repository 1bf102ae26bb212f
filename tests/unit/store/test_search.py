"""Every part of a search, on each kind of database."""

from datetime import UTC, datetime

import pytest

from tigertag.query import parse
from tigertag.store import Store, schema, search
from tigertag.store.problems import ProblemFilter
from tigertag.store.search import ItemFilter

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def filled(store: Store) -> Store:
    """1: decided as a dog; 2: a cat in the library; 3: a video with a problem; 4: gone."""
    with store.write() as db:
        db.execute(schema.sections.insert(), {"id": 1, "library": "home", "key": "a", "title": "A"})
        for number in range(1, 5):
            media = "video" if number == 3 else "photo"
            key = f"{2020 + number}/italy/{number}.jpg"
            db.execute(
                schema.items.insert(),
                {
                    "id": number, "section_id": 1, "key": key, "revision": "1", "media": media,
                    "title": f"Ä_{number}", "sought": f"ä_{number}\n{key}", "gone": number == 4,
                    "size_bytes": None if number == 1 else number * 1000,
                },
            )  # fmt: skip
        word = {"field": "tag", "word": "dog", "name": "Dog", "item_id": 1}
        db.execute(schema.tags.insert(), word | {"confidence": 0.8})
        cat = {"field": "tag", "word": "cat", "name": "cat", "item_id": 2, "since": NOW}
        db.execute(schema.standing.insert(), cat | {"state": "ours"})
        tombstone = {"field": "tag", "word": "sea", "name": "sea", "item_id": 3, "since": NOW}
        db.execute(schema.standing.insert(), tombstone | {"state": "tombstone"})
        problem = {"item_id": 3, "engine": "local", "revision": "1", "reason": "torn"}
        flags = {"again": False, "writing": False, "ignored": False, "scan_id": 1, "since": NOW}
        db.execute(schema.problems.insert(), problem | flags)
    return store


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [1, 2, 3]),
        ("DOG", [1]),
        ("cat", [2]),
        ("sea", []),
        ("-cat", [1, 3]),
        ("Ä_1", [1]),
        ("-ä_1", [1, 2, 3]),
        ("-name:ä_1", [2, 3]),
        ("tag:dog>0.7", [1]),
        ("tag:dog>0.8", []),
        ("tag:cat>0.1", []),
        ("untagged", [3]),
        ("-untagged", [1, 2]),
        ("failed", [3]),
        ("pending", []),
        ("type:video", [3]),
        ("size:>2kb", [3]),
        ("-size:>2kb", [1, 2]),
        ("folder:2022", [2]),
        ("folder:Italy -folder:2022/italy", [1, 3]),
        ("%", []),
    ],
)
def test_a_search_finds(filled: Store, text: str, ids: list[int]) -> None:
    wanted = ItemFilter(query=parse(text), failed=ProblemFilter(("local",)))
    with filled.read() as db:
        assert [row.id for row in search.page(db, wanted)] == ids
        assert search.counts(db, wanted).items == len(ids)


def test_words_are_counted_whether_decided_or_in_the_library(filled: Store) -> None:
    with filled.read() as db:
        words = search.counts(db, ItemFilter()).words
    assert [(row.word, row.items, row.written) for row in words] == [("cat", 1, 1), ("dog", 1, 0)]
