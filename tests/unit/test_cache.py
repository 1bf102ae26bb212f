"""Costly values, kept for a moment."""

from threading import Event, Thread

import pytest

from tigertag.cache import TtlCache


def test_what_was_made_is_kept_for_its_time() -> None:
    cache, made = TtlCache(), iter(range(10))
    assert [cache.get(("n",), lambda: next(made), keep_s=60) for _ in range(3)] == [0, 0, 0]


def test_what_is_forgotten_is_made_anew_and_the_rest_stays() -> None:
    cache, made = TtlCache(), iter(range(10))
    for kind in ("a", "b"):
        cache.get((kind, 1), lambda: next(made), keep_s=60)
    cache.forget("a")
    assert cache.get(("b", 1), lambda: next(made), keep_s=60) == 1
    assert cache.get(("a", 1), lambda: next(made), keep_s=60) == 2


def test_while_one_makes_it_anew_the_others_get_the_old_one() -> None:
    cache, going, leave = TtlCache(), Event(), Event()
    cache.get(("n",), lambda: "old", keep_s=0)

    def slow() -> str:
        going.set()
        leave.wait(5)
        return "new"

    thread = Thread(target=lambda: cache.get(("n",), slow, keep_s=60))
    thread.start()
    going.wait(5)
    assert cache.get(("n",), lambda: "third", keep_s=60) == "old"
    leave.set()
    thread.join()
    assert cache.get(("n",), lambda: "third", keep_s=60) == "new"


def test_a_failure_is_not_kept() -> None:
    cache = TtlCache()

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get(("n",), fail, keep_s=60)
    assert cache.get(("n",), lambda: 1, keep_s=60) == 1


def test_what_was_forgotten_while_it_was_made_is_not_kept() -> None:
    cache = TtlCache()

    def changed_meanwhile() -> str:
        cache.forget("n")
        return "old"

    assert cache.get(("n",), changed_meanwhile, keep_s=60) == "old"
    assert cache.get(("n",), lambda: "new", keep_s=60) == "new"


def test_values_may_be_put_in_while_others_are_forgotten() -> None:
    cache, ended = TtlCache(), Event()

    def fill() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            cache.get(("n", number % 400), lambda: 1, keep_s=0)

    threads = [Thread(target=fill) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3000):
            cache.forget("n")
    finally:
        ended.set()
        for thread in threads:
            thread.join()
