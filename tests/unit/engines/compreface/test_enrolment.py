"""Enrolment: by difference, once, and never a picture or a person of the owner's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread, Timer

import pytest

from tests.compreface import drawn
from tests.counted import CountedCalls
from tests.unit.engines.compreface.setup import Home
from tests.waiting import wait_until
from tigertag.contracts import Call, Enrolled, PluginStateInMemory, RunContext
from tigertag.errors import AuthFailed, EngineError, QuotaExhausted, Unavailable
from tigertag.net import HttpClient

pytestmark = pytest.mark.slow

ADA = drawn("ada", kind="PNG")
ADA_TOO = drawn("ada", kind="PNG", mark=1)
GRACE = drawn("grace", kind="PNG")


class Killed(BaseException):
    """The process ends here."""


class KilledStore(PluginStateInMemory):
    """Kills the process at its n-th change; `after`: just after it instead of just before."""

    def __init__(self, values: dict[str, str], *, at: int, after: bool) -> None:
        super().__init__()
        self._values = values
        self._left = at
        self._after = after

    def put(self, name: str, value: str) -> None:
        with self._killing():
            super().put(name, value)

    def drop(self, name: str) -> None:
        with self._killing():
            super().drop(name)

    @contextmanager
    def _killing(self) -> Iterator[None]:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        yield
        if self._left == 0:
            raise Killed


class Shy(PluginStateInMemory):
    """Says that another process has the lease, some times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    @contextmanager
    def alone(self, name: str, *, lease_s: float) -> Iterator[bool]:
        self.left -= 1
        yield self.left < 0


def sent(home: Home) -> int:
    return home.server.counts["add"]


def test_it_sends_each_picture_once(home: Home) -> None:
    home.write({"Ada": {"a.png": ADA, "b.png": ADA_TOO}, "Grace": {"g.png": GRACE}})
    assert home.enrolled() == Enrolled(added=3)
    assert home.enrolled() == Enrolled()
    assert (sent(home), home.server.pictures_of("Ada")) == (3, 2)


def test_nobody_named_asks_nothing(home: Home) -> None:
    engine = home.engine()
    assert engine.enrol(RunContext(calls=CountedCalls())) == Enrolled()
    assert home.server.log == []


def test_what_is_known_is_paged(home: Home) -> None:
    for number in range(450):
        home.server.add(f"Somebody {number}", "linus")
    home.knows_ada()
    home.enrolled()
    home.server.log.clear()
    assert home.enrolled() == Enrolled()
    assert len([one for one in home.server.log if "/faces?page=" in one]) == 3


def test_a_renamed_or_copied_file_is_not_sent_again(home: Home) -> None:
    home.write({"Ada": {"a.png": ADA}})
    home.enrolled()
    home.write({"Ada": {"b.png": ADA, "c.png": ADA}})
    assert home.enrolled() == Enrolled()
    assert sent(home) == 1


def test_a_changed_picture_takes_the_place_of_the_old_one(home: Home) -> None:
    home.write({"Ada": {"a.png": ADA}})
    home.enrolled()
    home.write({"Ada": {"a.png": ADA_TOO}})
    assert home.enrolled() == Enrolled(added=1, removed=1)
    assert home.server.pictures_of("Ada") == 1


def test_somebody_removed_from_the_file_is_removed_there(home: Home) -> None:
    home.write({"Ada": {"a.png": ADA}, "Grace": {"g.png": GRACE}})
    home.enrolled()
    home.write({"Grace": {"g.png": GRACE}})
    assert home.enrolled() == Enrolled(removed=1)
    assert list(home.server.subjects.values()) == ["Grace"]
    assert home.enrolled() == Enrolled()


def test_by_itself_a_file_that_names_nobody_removes_nobody(home: Home) -> None:
    home.knows_ada()
    home.enrolled()
    home.write({})
    engine = home.engine()
    engine.open()
    done = engine.enrol(RunContext(calls=CountedCalls()), by_itself=True)
    assert (done.removed, len(home.server.examples)) == (0, 1)
    assert "names nobody" in done.problems[0]


def test_what_the_owner_put_there_is_left_alone(home: Home) -> None:
    home.server.add("ada", "ada")
    home.server.add("Linus", "linus")
    home.knows_ada()
    home.enrolled()
    home.write({})
    assert home.enrolled() == Enrolled(removed=1)
    assert {one.subject for one in home.server.examples.values()} == {"ada", "Linus"}


def test_a_person_made_by_the_owner_stays_even_when_empty(home: Home) -> None:
    home.server.subjects["ada"] = "Ada"
    home.knows_ada()
    home.enrolled()
    home.write({})
    home.enrolled()
    assert "ada" in home.server.subjects


def test_a_person_to_whom_the_owner_added_a_picture_stays(home: Home) -> None:
    home.knows_ada()
    home.enrolled()
    theirs = home.server.add("Ada", "ada")
    home.write({})
    home.enrolled()
    assert list(home.server.examples) == [theirs]


def test_a_name_that_compreface_cannot_delete_is_told(home: Home) -> None:
    home.write({"[Ada]": {"a.png": ADA}})
    home.enrolled()
    home.write({})
    done = home.enrolled()
    assert done.removed == 1
    assert done.problems[0].startswith("[Ada] is left in CompreFace without any picture")


@pytest.mark.parametrize("tag", ["A/B", "é & #1?", "100% Ada", "阿达", "a+b", "Ada; DROP"])
def test_any_name_comes_and_goes_as_it_is(home: Home, tag: str) -> None:
    home.write({tag: {"a.png": ADA}})
    assert home.enrolled() == Enrolled(added=1)
    assert home.server.pictures_of(tag) == 1
    home.write({})
    assert home.enrolled() == Enrolled(removed=1)
    assert home.server.subjects == {}


def test_a_compreface_that_was_emptied_is_taught_again(home: Home) -> None:
    home.knows_ada()
    home.enrolled()
    home.server.forget_everything()
    assert home.enrolled() == Enrolled(added=1)


def test_an_old_compreface_that_is_back_is_known_again(home: Home) -> None:
    home.knows_ada()
    home.enrolled()
    old = dict(home.server.examples), dict(home.server.subjects)
    home.server.forget_everything()
    home.enrolled()
    home.server.examples, home.server.subjects = old
    assert home.enrolled() == Enrolled()
    assert sent(home) == 2


@pytest.mark.parametrize(
    ("people", "reason"), [((), "no face"), (("ada", "grace"), "more than one face")]
)
def test_a_picture_without_one_face_is_named_and_not_sent_again(
    home: Home, people: tuple[str, ...], reason: str
) -> None:
    home.write({"Ada": {"odd.png": drawn(*people, kind="PNG"), "a.png": ADA}})
    first, second = home.enrolled(), home.enrolled()
    assert (first.added, second.added, sent(home)) == (1, 0, 2)
    assert first.problems == second.problems
    assert first.problems[0].startswith("faces.yaml, line 7: odd.png is left out: CompreFace")
    assert reason in first.problems[0]


def test_a_refused_picture_is_tried_again_with_another_det_prob(home: Home) -> None:
    home.server.probability = 0.6
    home.knows_ada()
    assert home.enrolled().added == 0
    assert home.enrolled(det_prob=0.5).added == 1


def test_a_fault_of_compreface_is_not_remembered_of_a_picture(home: Home) -> None:
    home.server.fail(400, at="POST", times=1)
    home.knows_ada()
    assert "400: code 0" in home.enrolled().problems[0]
    assert home.enrolled() == Enrolled(added=1)


def test_a_compreface_that_is_only_read_for_now_is_asked_again(home: Home) -> None:
    home.server.fail(405, at="POST", times=1)
    home.knows_ada()
    assert "405" in home.enrolled().problems[0]
    assert home.enrolled() == Enrolled(added=1)


def test_a_picture_that_stays_too_big_is_left_out_for_good(home: Home) -> None:
    home.server.fail("too big", at="POST")
    home.knows_ada()
    assert "too big" in home.enrolled().problems[0]
    asked = len([line for line in home.server.log if line.startswith("POST")])
    assert "too big" in home.enrolled().problems[0]
    assert asked == len([line for line in home.server.log if line.startswith("POST")]) == 2


def test_missing_and_broken_pictures_are_named_and_the_others_go_on(home: Home) -> None:
    home.write({"Ada": {"gone.png": None, "broken.png": b"\x89PNG\r\n\x1a\n", "a.png": ADA}})
    done = home.enrolled()
    assert done.added == 1
    assert [one.partition(": ")[2][:10] for one in done.problems] == ["gone.png i", "broken.png"]


def test_a_picture_whose_file_is_gone_for_now_stays_there(home: Home) -> None:
    home.knows_ada()
    home.enrolled()
    (home.folder / "ada-1.png").rename(home.root / "away.png")
    done = home.enrolled()
    assert (done.removed, home.server.pictures_of("Ada")) == (0, 1)


def test_a_folder_or_a_file_that_is_gone_removes_nobody(home: Home) -> None:
    home.knows_ada()
    home.enrolled()
    home.folder.rename(home.root / "away")
    with pytest.raises(EngineError, match="FACES_FOLDER"):
        home.enrolled()
    home.config.unlink()
    with pytest.raises(EngineError, match="FACES_CONFIG"):
        home.enrolled()
    assert home.server.pictures_of("Ada") == 1


def test_a_broken_file_removes_nobody(home: Home) -> None:
    home.knows_ada()
    engine = home.engine()
    engine.open()
    engine.enrol(RunContext(calls=CountedCalls()))
    home.config.write_text("faces: []\nfaces: []\n", encoding="utf-8")
    with pytest.raises(EngineError, match="Nobody was added or removed"):
        engine.enrol(RunContext(calls=CountedCalls()))
    assert home.server.pictures_of("Ada") == 1


def test_each_picture_that_leaves_is_reserved_under_its_name(home: Home) -> None:
    home.knows_ada()
    calls = CountedCalls()
    home.engine().enrol(RunContext(calls=calls))
    assert [(one.sample, one.host, one.units) for one in calls.made] == [
        ("ada-1.png", "127.0.0.1", 0)
    ]
    assert calls.made[0].settled == (0, 0.0)


def test_a_ledger_that_refuses_lets_nothing_leave(home: Home) -> None:
    class Closed:
        def reserve(self, sample: str, **_told: object) -> Call:
            raise QuotaExhausted("Nothing may leave.")

    home.knows_ada()
    with pytest.raises(QuotaExhausted):
        home.engine().enrol(RunContext(calls=Closed()))
    assert sent(home) == 0


def test_nothing_of_a_pictures_metadata_leaves(home: Home) -> None:
    home.write({"Ada": {"a.jpg": ADA.replace(b"IEND", b"IEND")}})
    home.enrolled()
    assert not [one for one in home.server.bodies if b"a.jpg" in one or b"PNG" in one]


@pytest.mark.parametrize("fault", ["lost", "reset", "silent", "down"])
def test_an_answer_that_is_lost_does_not_send_a_picture_twice(home: Home, fault: str) -> None:
    home.server.fail(fault, at="POST", times=1)
    home.knows_ada()
    assert home.enrolled() == Enrolled(added=1)
    assert home.server.pictures_of("Ada") == 1


def test_a_picture_that_arrives_after_it_was_sent_again_goes_with_its_person(home: Home) -> None:
    home.server.fail("late", at="POST", times=1)
    home.knows_ada()
    assert home.enrolled() == Enrolled(added=1)
    wait_until(lambda: home.server.pictures_of("Ada") == 2)
    home.enrolled()
    home.write({})
    home.enrolled()
    assert home.server.examples == {}


def test_what_arrived_unheard_of_is_found_at_the_next_go(home: Home) -> None:
    home.server.fail("lost", at="POST", times=1)
    home.server.fail("down", at="GET", after=3, times=99)
    home.knows_ada()
    with pytest.raises(Unavailable):
        home.enrolled()
    home.server.mend()
    assert home.enrolled() == Enrolled()
    assert (sent(home), home.server.pictures_of("Ada")) == (1, 1)


def test_where_compreface_keeps_no_pictures_it_is_in_twice_at_worst(home: Home) -> None:
    theirs = home.server.add("Ada", "ada")
    home.server.keeps_pictures = False
    home.server.fail("lost", at="POST", times=1)
    home.knows_ada()
    home.enrolled()
    home.write({})
    home.enrolled()
    assert theirs in home.server.examples


def test_a_key_that_is_refused_stops_it(home: Home) -> None:
    home.knows_ada()
    engine = home.engine(api_key="11111111-1111-4111-8111-111111111111")
    with pytest.raises(AuthFailed):
        engine.enrol(RunContext(calls=CountedCalls()))


def test_a_cancelled_run_sends_no_more(home: Home) -> None:
    home.write({"Ada": {"a.png": ADA, "b.png": ADA_TOO}})
    run = RunContext(lambda: sent(home) > 0, CountedCalls())
    assert home.engine().enrol(run) == Enrolled(added=1)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_kill_at_any_moment_neither_repeats_nor_forgets(home: Home, at: int, after: bool) -> None:
    theirs = home.server.add("Ada", "ada")
    values: dict[str, str] = {}
    home.write({"Ada": {"a.png": ADA, "b.png": ADA_TOO}, "Grace": {"g.png": GRACE}})
    home.kept = KilledStore(values, at=at, after=after)
    with pytest.raises(Killed):
        home.enrolled()
    home.kept = KilledStore(values, at=0, after=False)
    home.enrolled()
    assert (sent(home), len(home.server.examples)) == (3, 4)
    home.write({})
    home.enrolled()
    assert list(home.server.examples) == [theirs]
    assert list(home.server.subjects) == ["ada"]


@pytest.mark.parametrize("at", range(1, 4))
def test_a_kill_while_it_removes_is_made_good(home: Home, at: int) -> None:
    values: dict[str, str] = {}
    home.write({"Ada": {"a.png": ADA}, "Grace": {"g.png": GRACE}})
    home.kept = KilledStore(values, at=0, after=False)
    home.enrolled()
    home.write({})
    home.kept = KilledStore(values, at=at, after=False)
    with pytest.raises(Killed):
        home.enrolled()
    home.kept = KilledStore(values, at=0, after=False)
    home.enrolled()
    assert (home.server.examples, home.server.subjects) == ({}, {})


def test_one_waits_while_another_is_at_it(home: Home) -> None:
    home.kept = shy = Shy(2)
    home.knows_ada()
    assert home.enrolled() == Enrolled(added=1)
    assert shy.left == -1


def test_one_that_waits_ends_when_its_run_is_cancelled(home: Home) -> None:
    home.kept = Shy(1_000_000)
    home.knows_ada()
    run = RunContext(lambda: True, CountedCalls())
    assert home.engine().enrol(run) == Enrolled()


def test_two_at_once_send_each_picture_once(home: Home) -> None:
    home.write({"Ada": {"a.png": ADA, "b.png": ADA_TOO}})
    engines = [home.engine(), home.engine()]
    run = RunContext(calls=CountedCalls())
    threads = [Thread(target=one.enrol, args=(run,)) for one in engines]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (sent(home), home.server.pictures_of("Ada")) == (2, 2)


def test_it_leaves_a_line_beside_the_engine(home: Home) -> None:
    home.write({"Ada": {"a.png": ADA, "gone.png": None}})
    home.enrolled()
    assert home.kept.get("notice") == "1 person, 2 pictures in the file; left out: 1."


@pytest.mark.parametrize("at", ["GET /api/v1/recognition/faces", "subjects", "POST"])
def test_it_hears_that_it_is_cancelled_while_it_is_patient(home: Home, at: str) -> None:
    home.write({"Ada": {"ada-1.png": ADA}, "Grace": {"grace-1.png": GRACE}})
    home.http = HttpClient()
    engine = home.engine()
    engine.open()
    home.server.retry_after = "60"
    home.server.fail(503, at=at)
    stop, since_s = Event(), time.monotonic()
    Timer(0.3, stop.set).start()
    with pytest.raises(Unavailable):
        engine.enrol(RunContext(stop.is_set, CountedCalls()))
    assert 0.3 <= time.monotonic() - since_s < 1.3
    home.server.mend()
    assert home.enrolled().added == 2


def test_cancelled_it_removes_no_further_picture(home: Home) -> None:
    home.write({"Ada": {"ada-1.png": ADA, "ada-2.png": ADA_TOO}, "Grace": {"grace-1.png": GRACE}})
    home.enrolled()
    home.write({"Grace": {"grace-1.png": GRACE}})
    engine = home.engine()
    engine.open()
    assert engine.enrol(RunContext(lambda: True, CountedCalls())).removed == 0
    assert home.enrolled().removed == 2
