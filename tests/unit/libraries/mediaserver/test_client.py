from itertools import count

import pytest

from tigertag.errors import LibraryUnavailable
from tigertag.libraries.mediaserver import client
from tigertag.libraries.mediaserver.client import CachedConnection


def test_what_was_reached_just_now_is_not_reached_again() -> None:
    one = CachedConnection(count().__next__)
    assert [one.open(), one.open(), one.current] == [0, 0, 0]


def test_what_was_never_opened_is_reached_when_it_is_needed() -> None:
    one = CachedConnection(count().__next__)
    assert [one.current, one.open()] == [0, 0]


def test_what_was_reached_a_while_ago_is_reached_anew_by_who_opens_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = CachedConnection(count().__next__)
    one.open()
    monkeypatch.setattr(client, "_FRESH_S", -1.0)
    assert [one.current, one.open(), one.current] == [0, 1, 1]


def test_what_cannot_be_reached_anew_is_said_and_stays_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["a server"])

    def reach() -> str:
        for found in answers:
            return found
        raise LibraryUnavailable

    one = CachedConnection(reach)
    one.open()
    monkeypatch.setattr(client, "_FRESH_S", -1.0)
    with pytest.raises(LibraryUnavailable):
        one.open()
    assert one.current == "a server"
