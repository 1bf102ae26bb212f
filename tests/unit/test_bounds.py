"""What can be kept."""

from hypothesis import given
from hypothesis import strategies as st

from tigertag import bounds

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=700)


@given(ANY_TEXT)
def test_a_word_fits_as_it_is_and_case_folded(text: str) -> None:
    word = bounds.word(text)
    assert bounds.fits(word, bounds.WORD)
    assert bounds.fits(word.casefold(), bounds.WORD)


def test_letters_that_grow_when_they_are_case_folded_are_cut_sooner() -> None:
    assert len(bounds.word("ΐ" * 600).casefold()) <= bounds.WORD


@given(ANY_TEXT)
def test_what_is_cut_or_marked_can_be_kept(text: str) -> None:
    assert bounds.fits(bounds.cut(text, 100), 100)
    assert bounds.fits(bounds.mark(text, 100), 100)


def test_marks_of_what_cannot_be_kept_still_differ() -> None:
    assert bounds.mark("a" * 300) != bounds.mark("a" * 301)
    assert bounds.mark("a\0") != bounds.mark("a\ud800")
