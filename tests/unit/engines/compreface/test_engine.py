"""Recognition: what is sent, what comes of it, and what may go wrong on the way."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compreface import drawn
from tests.counted import CountedCalls
from tests.free_port import free_port
from tests.unit.engines.compreface import setup
from tests.unit.engines.compreface.setup import Home
from tests.unit.engines.engine_contract import Bench, EngineContract, said
from tigertag.contracts import Failed, Labelled, RunContext
from tigertag.engines.compreface import CompreFace
from tigertag.errors import AuthFailed, EngineError, Unavailable
from tigertag.media.picture import decode
from tigertag.model import UNKNOWN_FACE, Box, Frame, Kind, Label, Media, Sample

pytestmark = pytest.mark.slow


class TestContract(EngineContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        with setup.home(tmp_path) as home:
            home.knows_ada()
            home.server.add("Ada", "ada")
            yield _Bench(home)


class _Bench:
    def __init__(self, home: Home) -> None:
        self.home = home
        self.engine = home.engine()

    def again(self) -> CompreFace:
        return self.home.engine()

    @property
    def bodies(self) -> list[bytes]:
        return self.home.server.bodies

    @property
    def requests(self) -> int:
        return len(self.home.server.log)

    def break_down(self) -> None:
        self.home.server.fail("down")


@pytest.fixture
def engine(home: Home) -> CompreFace:
    home.server.add("Ada Lovelace", "ada")
    made = home.engine()
    made.open()
    return made


def sample(*people: str, size: tuple[int, int] = (400, 300), name: str = "1") -> Sample:
    picture = drawn(*people, size=size, kind="PNG")
    return Sample(name, Media.PHOTO, (decode(picture, min(size)),))


def labels(engine: CompreFace, *people: str) -> tuple[Label, ...]:
    (outcome,) = said(engine, sample(*people)).values()
    assert isinstance(outcome, Labelled)
    return outcome.labels


def failed(engine: CompreFace, *, run: RunContext | None = None) -> Failed:
    (outcome,) = said(engine, sample("ada"), run=run).values()
    assert isinstance(outcome, Failed)
    return outcome


@pytest.mark.parametrize("key", ["no uuid", "11111111-1111-4111-8111-111111111111"])
def test_a_key_that_is_refused_is_told_at_once_and_not_shown(home: Home, key: str) -> None:
    with pytest.raises(AuthFailed, match=r"ENGINE_FACES_API_KEY .* \*recognition\*") as caught:
        home.engine(api_key=key).open()
    assert key not in str(caught.value)
    assert len(home.server.log) == 1


def test_a_key_that_is_refused_later_stops_the_engine(home: Home, engine: CompreFace) -> None:
    home.server.key = "11111111-1111-4111-8111-111111111111"
    with pytest.raises(AuthFailed):
        said(engine, sample("ada"))
    assert home.server.counts["recognize"] == 0


def test_a_host_that_cannot_be_reached_is_one_line(home: Home) -> None:
    with pytest.raises(Unavailable) as caught:
        home.engine(api_port=free_port()).open()
    assert "http://127.0.0.1:" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_server_at_that_address_is_named(home: Home) -> None:
    home.server.fail(404, at="GET")
    with pytest.raises(EngineError, match="CompreFace"):
        home.engine().open()


@pytest.mark.parametrize("fault", ["html", "empty", "garbled", "down", "reset", "silent", 500, 503])
def test_what_passes_is_tried_again_and_reserved_anew(
    home: Home, engine: CompreFace, fault: int | str
) -> None:
    home.server.fail(fault, at="recognize", times=2)
    calls = CountedCalls()
    (outcome,) = said(engine, sample("ada"), run=RunContext(calls=calls)).values()
    assert isinstance(outcome, Labelled)
    assert len(calls.made) == 3
    assert [one.settled for one in calls.made] == [None, None, (0, 0.0)]


@pytest.mark.parametrize("fault", ["html", "down", "reset", 500])
def test_what_does_not_pass_stops_the_engine_for_now(
    home: Home, engine: CompreFace, fault: int | str
) -> None:
    home.server.fail(fault, at="recognize")
    with pytest.raises(Unavailable):
        said(engine, sample("ada"))


@pytest.mark.parametrize("fault", ["reset", 500, 502])
def test_a_picture_that_it_fails_over_while_it_answers_for_another_fails_for_good(
    home: Home, engine: CompreFace, fault: int | str
) -> None:
    home.server.fail(fault, at="recognize", times=3)
    assert not failed(engine).retryable


def test_what_cannot_be_understood_fails_the_item(home: Home, engine: CompreFace) -> None:
    home.server.fail("nonsense", at="recognize")
    assert failed(engine).retryable


def test_a_picture_that_is_refused_fails_and_its_call_is_settled(
    home: Home, engine: CompreFace
) -> None:
    home.server.fail(405, at="recognize", times=1)
    calls = CountedCalls()
    assert failed(engine, run=RunContext(calls=calls)).reason.endswith("(405: code 0).")
    assert [one.settled for one in calls.made] == [(0, 0.0)] * 2


def test_a_picture_that_is_too_big_on_the_way_is_sent_smaller_once(
    home: Home, engine: CompreFace
) -> None:
    home.server.fail("too big", at="recognize", times=1)
    (outcome,) = said(engine, sample("ada", size=(2000, 1500))).values()
    assert isinstance(outcome, Labelled)
    sizes = [len(one) for one in home.server.bodies if one]
    assert sizes[1] < sizes[0]


def test_a_picture_that_stays_too_big_fails_for_good(home: Home, engine: CompreFace) -> None:
    home.server.fail("too big", at="recognize", times=2)
    assert not failed(engine).retryable
    assert len([one for one in home.server.log if "recognize" in one]) == 3


def test_no_face_is_an_answer(engine: CompreFace) -> None:
    assert labels(engine) == ()


def test_somebody_who_is_known_is_named_with_a_box(engine: CompreFace) -> None:
    (label,) = labels(engine, "ada")
    assert (label.name, label.confidence, label.kind) == ("Ada Lovelace", 0.99, Kind.FACE)
    assert label.box is not None
    edges = (label.box.left, label.box.top, label.box.right, label.box.bottom)
    assert edges == pytest.approx((0.19, 0.25, 0.56, 0.75), abs=0.03)


def test_a_box_is_of_the_picture_whatever_size_was_sent(engine: CompreFace) -> None:
    outcomes = said(engine, sample("ada"), sample("ada", size=(2400, 1800), name="2"))
    small, large = (outcomes[name].labels[0].box for name in ("1", "2"))  # type: ignore[union-attr]
    assert isinstance(small, Box)
    assert isinstance(large, Box)
    assert (small.left, small.bottom) == pytest.approx((large.left, large.bottom), abs=0.03)


def test_several_faces_have_a_label_each(engine: CompreFace) -> None:
    found = labels(engine, "ada", "ada", "grace")
    assert [one.name for one in found[:2]] == ["Ada Lovelace", "Ada Lovelace"]
    assert len({one.box for one in found}) == 3


def test_somebody_alike_is_said_with_that_likeness(engine: CompreFace) -> None:
    (label,) = labels(engine, "grace")
    assert (label.name, label.confidence) == ("Ada Lovelace", 0.3)


def test_a_face_of_nobody_is_an_unknown_face(home: Home) -> None:
    engine = home.engine()
    engine.open()
    (label,) = labels(engine, "ada")
    assert (label.name, label.confidence, label.kind) == (UNKNOWN_FACE, 0.0, Kind.FACE)
    assert label.box is not None


def test_a_face_that_is_like_nobody_at_all_is_unknown(home: Home, engine: CompreFace) -> None:
    home.server.likeness = 0.0
    assert labels(engine, "grace")[0].name == UNKNOWN_FACE


def test_the_file_says_how_a_name_is_spelt(home: Home) -> None:
    home.server.add("ADA", "ada")
    home.knows_ada()
    engine = home.engine()
    engine.open()
    assert labels(engine, "ada")[0].name == "Ada"


def test_each_frame_of_a_video_is_looked_at(home: Home, engine: CompreFace) -> None:
    pixels = [decode(drawn(one, kind="PNG"), 300).pixels for one in ("ada", "grace")]
    frames = tuple(Frame(one, float(at_s)) for at_s, one in enumerate(pixels))
    (outcome,) = said(engine, Sample("1", Media.VIDEO, frames)).values()
    assert isinstance(outcome, Labelled)
    assert {label.at_s for label in outcome.labels} == {0.0, 1.0}
    assert outcome.frames == (0.0, 1.0)


def test_a_frame_that_fails_is_listed(home: Home, engine: CompreFace) -> None:
    home.server.fail(405, at="recognize", times=1)
    pixels = decode(drawn("ada", kind="PNG"), 300).pixels
    frames = (Frame(pixels, 1.0), Frame(pixels, 2.0))
    (outcome,) = said(engine, Sample("1", Media.VIDEO, frames)).values()
    assert isinstance(outcome, Labelled)
    assert (outcome.failed_frames, outcome.frames) == ((1.0,), (2.0,))


def test_three_are_asked_about_at_once(home: Home, engine: CompreFace) -> None:
    home.server.answer_s = 0.05
    said(engine, *[sample("ada", name=str(number)) for number in range(9)])
    assert home.server.most_at_once == 3


def test_another_file_or_address_is_another_fingerprint(home: Home) -> None:
    prints = {home.engine().fingerprint, home.engine(det_prob=0.5).fingerprint}
    prints.add(home.engine(api_port=free_port()).fingerprint)
    home.knows_ada()
    prints.add(home.engine().fingerprint)
    (home.folder / "ada-1.png").write_bytes(drawn("ada", kind="PNG", mark=7))
    prints.add(home.engine().fingerprint)
    assert len(prints) == 5


def test_another_key_or_file_name_is_the_same_fingerprint(home: Home) -> None:
    home.knows_ada()
    before = home.engine().fingerprint
    (home.folder / "ada-1.png").rename(home.folder / "ada.png")
    home.write({"Ada": {"ada.png": None}})
    assert home.engine(api_key="another").fingerprint == before


def test_a_broken_file_is_told_by_the_fingerprint_and_when_it_opens(home: Home) -> None:
    home.config.write_text("faces:\n- tga: Ada\n", encoding="utf-8")
    engine = home.engine()
    assert engine.fingerprint == "compreface:unreadable"
    with pytest.raises(EngineError, match=r"^faces\.yaml, line 2: "):
        engine.open()
    assert home.server.log == []


def test_the_check_says_what_is_there_and_changes_nothing(home: Home) -> None:
    home.server.add("Grace", "grace")
    home.knows_ada()
    home.enrolled()
    before = dict(home.server.examples)
    said_of_it = home.engine().check()
    assert said_of_it.endswith(
        "2 people, 2 pictures known there (1 person, 1 picture by TigerTag)."
    )
    assert home.server.examples == before


def test_the_key_is_shown_nowhere(
    home: Home, engine: CompreFace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    home.server.fail(500, at="recognize")
    with pytest.raises(Unavailable) as caught:
        said(engine, sample("ada"))
    shown = f"{caplog.text} {caught.value!r} {vars(engine)!r} {engine.check()}"
    assert home.server.key not in shown


def test_a_cancelled_run_does_not_wait_for_another_try(home: Home, engine: CompreFace) -> None:
    home.server.fail(500, at="recognize")
    asked = home.server.log
    run = RunContext(lambda: "recognize" in asked[-1], CountedCalls())
    # What was cut short says nothing of the service: the item is asked about another time.
    assert list(engine.tag([sample("ada")], run)) == []
    assert len([one for one in asked if "recognize" in one]) == 1
