import pytest

from tigertag.libraries.mediaserver import recent
from tigertag.libraries.mediaserver.recent import Recent


def test_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "_MOST", 2)
    known = Recent[int]()
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        known.remember(key, value)
    assert [known.find(key) for key in "abc"] == [3, None, 4]


def test_what_is_nothing_now_is_forgotten() -> None:
    known = Recent[int]()
    known.remember("a", 1)
    known.remember("a", None)
    assert known.find("a") is None
