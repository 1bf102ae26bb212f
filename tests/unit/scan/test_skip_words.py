"""Words of SKIP_TAGS, and the tags and paths that they mean."""

import pytest

from tigertag.model import Field, Shown, TagOwnership, TagRef
from tigertag.scan import reading

SHOWN = Shown(
    "a.jpg",
    (TagRef(Field.TAG, "Vienna"), TagRef(Field.TAG, "auto-tagged")),
    paths=("Places/Vienna", "Status/Auto-Tagged"),
)


@pytest.mark.parametrize("word", ["vienna", "places/vienna", "status|auto-tagged"])
def test_a_hierarchical_tag_is_heeded_by_its_last_word_and_by_its_path(word: str) -> None:
    assert reading.skip_reason(SHOWN, {}, {word}) is not None


@pytest.mark.parametrize("word", ["places", "enna", "status/vienna"])
def test_no_other_part_of_a_path_is_heeded(word: str) -> None:
    assert reading.skip_reason(SHOWN, {}, {word}) is None


def test_a_word_that_tigertag_wrote_is_not_heeded() -> None:
    standing = {TagRef(Field.TAG, "Vienna").word: TagOwnership.OURS}
    assert reading.skip_reason(SHOWN, standing, {"vienna"}) is None
