"""When to stop asking a site that fails again and again."""

from contextlib import suppress

import pytest

from tigertag.errors import ItemError, Unreadable
from tigertag.genres.sources import MOST_FAILURES, SiteBreaker

WAIT = Unreadable("The site asks to wait.", retryable=True)
GONE = Unreadable("The video is gone.")
SITE, OTHER = "www.youtube.com", "player.vimeo.com"


def ask(breaker: SiteBreaker, site: str, *answers: ItemError | None) -> int:
    """Ask for so many links; return how often the site was asked."""
    asked = 0
    for answer in answers:
        with suppress(Unreadable), breaker.asking(site):
            asked += 1
            if answer:
                raise answer
    return asked


def test_a_site_is_given_up_after_so_many_failures_in_a_row() -> None:
    assert ask(SiteBreaker(), SITE, *[WAIT] * 50) == MOST_FAILURES


@pytest.mark.parametrize("answer", [None, GONE])
def test_a_site_that_answers_in_between_is_not_given_up(answer: ItemError | None) -> None:
    assert ask(SiteBreaker(), SITE, *([WAIT] * 9 + [answer]) * 5) == 50


def test_another_site_is_asked_still() -> None:
    breaker = SiteBreaker()
    ask(breaker, SITE, *[WAIT] * 50)
    assert ask(breaker, OTHER, None) == 1


def test_what_has_no_site_is_never_given_up() -> None:
    assert ask(SiteBreaker(), "", *[WAIT] * 50) == 50


def test_who_is_refused_hears_why_and_may_try_again() -> None:
    breaker = SiteBreaker()
    ask(breaker, SITE, *[WAIT] * 50)
    with pytest.raises(Unreadable, match=r"10 links to .* in a row: The site asks") as caught:
        breaker.asking(SITE).__enter__()
    assert caught.value.retryable
