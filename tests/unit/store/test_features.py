"""The index of features, on both databases."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tigertag.model import Thresholds
from tigertag.store import Store, answers, engine_state, schema
from tigertag.store.answers import FeatureKey, FeatureRow

pytestmark = pytest.mark.slow

KEY = FeatureKey("c0ffee", "resnet18:f37072fd:1.1", "interval-1-60")
ROW = FeatureRow(KEY, "ab/cd.npz", 12, 512, 13_000, datetime(2026, 5, 1, tzinfo=UTC))


def test_what_was_never_seen_is_not_known(store: Store) -> None:
    with store.read() as db:
        assert answers.content_of(db, "file:/films/a.mkv", "1") is None


def test_features_that_are_extracted_again_take_the_place_of_the_first(store: Store) -> None:
    again = FeatureRow(KEY, "ab/cd.npz", 13, 512, 14_000, datetime(2026, 6, 1, tzinfo=UTC))
    for row in (ROW, again):
        with store.write() as db:
            answers.put_features(db, row)
        with store.read() as db:
            kept = db.execute(select(schema.features)).one()
        assert (kept.content, kept.sampler, kept.frames) == ("c0ffee", KEY.sampler, row.frames)
        assert (kept.size_bytes, kept.made_at) == (row.size_bytes, row.made_at)


def test_content_is_known_of_the_revision_that_was_read_only(store: Store) -> None:
    with store.write() as db:
        answers.note_origin(db, "plex/1/4711", "1", "c0ffee")
    with store.read() as db:
        assert answers.content_of(db, "plex/1/4711", "1") == "c0ffee"
        assert answers.content_of(db, "plex/1/4711", "2") is None


def test_a_new_revision_takes_the_place_of_the_old_one(store: Store) -> None:
    with store.write() as db:
        answers.note_origin(db, "plex/1/4711", "1", "c0ffee")
        answers.note_origin(db, "plex/1/4711", "2", "decade")
    with store.read() as db:
        assert answers.content_of(db, "plex/1/4711", "1") is None
        assert answers.content_of(db, "plex/1/4711", "2") == "decade"


@pytest.mark.parametrize(
    "origin", ["file:/" + "ü" * 5000, "file:/\udcff.mkv", "file:/a\nb", "file:/a\x00b"]
)
def test_an_origin_may_be_any_text(store: Store, origin: str) -> None:
    with store.write() as db:
        answers.note_origin(db, origin, "1", "c0ffee")
        answers.note_origin(db, f"{origin}x", "1", "decade")
    with store.read() as db:
        assert answers.content_of(db, origin, "1") == "c0ffee"
        assert answers.content_of(db, f"{origin}x", "1") == "decade"


@pytest.mark.parametrize(
    "each", [(), (("Drama", 0.35), ("Science Fiction", 2.0), ("Komödie", 0.5))]
)
def test_thresholds_by_word_outlive_their_engine(
    store: Store, each: tuple[tuple[str, float], ...]
) -> None:
    limits = Thresholds(0.5, 3, "auto ", each)
    with store.write() as db:
        engine_state.remember(db, {"genre": ("f", Thresholds(0.1, 1, "", (("War", 0.1),)))})
        engine_state.remember(db, {"genre": ("f", limits)})
    with store.read() as db:
        assert engine_state.remembered_thresholds(db) == {"genre": limits}
