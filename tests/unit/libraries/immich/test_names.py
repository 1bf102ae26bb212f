"""Names of tags: what is sent, what is refused, and how tags show."""

import pytest

from tigertag.libraries.immich.names import TagNames, survives


@pytest.mark.parametrize(
    ("word", "stored"),
    [
        (" Holiday ", "Holiday"),
        ("Cáfe".replace("á", "a\u0301"), "Cáfe"),
        ("two\nlines\tand\x00more", "two lines and more"),
        ("RTL \u202eabc\u202c", "RTL abc"),
        ("\u200bcat\ufeff", "cat"),
        ("salt &amp; pepper", "salt & pepper"),
        ("&amp;amp;", "&"),
        ("AT&T", "AT&T"),
        ("AC/DC", "AC-DC"),
        ("AC&#47;DC", "AC-DC"),
        ("/Lead/", "Lead"),
        ("👨‍👩‍👧 family", "👨‍👩‍👧 family"),
        ("2024", "2024"),
        ("007", "007"),
        ("true", "true"),
        ("1.5", "1.5"),
        ("NaN", "NaN"),
        ("[1]", "[1]"),
    ],
)
def test_a_word_is_cleaned_before_it_is_sent(word: str, stored: str) -> None:
    assert TagNames().value(word) == stored


@pytest.mark.parametrize(
    "word",
    [
        *("", "  ", "/", "\u202e", "1.50", "1e3", "1E3", "-0", "1.0", "null", "&#49;e3"),
        *("9007199254740993", "x" * 256),
    ],
)
def test_a_word_that_would_come_back_as_another_is_refused_with_a_reason(word: str) -> None:
    names = TagNames()
    assert names.value(word) is None
    assert names.problem(word)


@pytest.mark.parametrize(
    ("value", "is_kept"), [("1.50", False), ("null", False), ("a &lt; b", False), (" Pad ", True)]
)
def test_an_owner_s_tag_survives_its_sidecar_or_not(value: str, *, is_kept: bool) -> None:
    assert survives(value) is is_kept


def test_below_a_parent_no_word_is_a_number() -> None:
    assert TagNames("TigerTag").value("1.50") == "TigerTag/1.50"


def test_a_parent_is_cleaned_level_by_level() -> None:
    assert TagNames("/ Photos // Auto\u202e/").value("cat") == "Photos/Auto/cat"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("TigerTag/cat", "cat"),
        ("tigertag/cat", "cat"),
        ("TigerTag/wild/cat", "wild/cat"),
        ("TigerTag", "/TigerTag"),
        ("TigerTags/cat", "/TigerTags/cat"),
        ("cat", "/cat"),
    ],
)
def test_with_a_parent_what_is_elsewhere_shows_with_a_slash(value: str, word: str) -> None:
    names = TagNames("TigerTag")
    assert names.shown(value) == word
    assert names.is_elsewhere(word) is word.startswith("/")


@pytest.mark.parametrize("value", ["cat", "Holiday/Italy", "/odd"])
def test_without_a_parent_tags_show_as_they_are(value: str) -> None:
    assert TagNames().shown(value) == value
    assert not TagNames().is_elsewhere(value)
