import pytest

from tigertag.libraries.mediaserver.listing import ListingPage, Recent, entries


class CutShort(Exception):
    pass


class Pages:
    """Answers with these pages, one after the other; then with empty ones."""

    def __init__(self, *pages: str, total: int | None = None) -> None:
        self.pages = list(pages)
        self.total = total
        self.starts: list[int] = []

    def __call__(self, *, start: int, size: int) -> ListingPage[str]:
        self.starts.append(start)
        page = self.pages.pop(0) if self.pages else ""
        return ListingPage([(one.lower(), one) for one in page], self.total)


def test_a_listing_that_ends_before_its_promise_is_cut_short() -> None:
    with pytest.raises(CutShort) as caught:
        list(entries(Pages("ab", total=3), page_size=2, cut_short=CutShort))
    assert caught.value.args == (2, 3)


def test_an_empty_page_that_should_not_be_is_asked_for_once_more() -> None:
    pages = Pages("ab", "", "c", total=3)
    assert list(entries(pages, page_size=2, cut_short=CutShort)) == ["a", "b", "c"]
    assert pages.starts == [0, 2, 2]


def test_a_whole_listing_costs_its_pages_and_no_request_more() -> None:
    pages = Pages("ab", "c", total=3)
    assert list(entries(pages, page_size=2, cut_short=CutShort)) == ["a", "b", "c"]
    assert pages.starts == [0, 2]


def test_without_a_total_the_end_is_where_nothing_comes() -> None:
    pages = Pages("ab", "c")
    assert list(entries(pages, page_size=2, cut_short=CutShort)) == ["a", "b", "c"]
    assert pages.starts == [0, 2, 3]


def test_what_slipped_to_another_page_is_found_when_all_is_read_once_more() -> None:
    pages = Pages("ab", "bd", "", "ab", "cd", total=4)
    assert sorted(entries(pages, page_size=2, cut_short=CutShort)) == ["a", "b", "c", "d"]


def test_all_at_once_though_less_was_asked_for_is_the_end_without_a_total() -> None:
    pages = Pages("abc")
    assert list(entries(pages, page_size=2, cut_short=CutShort)) == ["a", "b", "c"]
    assert pages.starts == [0]


def test_the_oldest_goes_first() -> None:
    known = Recent[int](2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        known.remember(key, value)
    assert [known.find(key) for key in "abc"] == [3, None, 4]


def test_what_is_nothing_now_is_forgotten() -> None:
    known = Recent[int]()
    known.remember("a", 1)
    known.remember("a", None)
    assert known.find("a") is None
