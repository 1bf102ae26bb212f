"""The frames of a video on its page, and what was said of each."""

import re
from io import BytesIO

import pytest
from PIL import Image

from tests.unit.web.dashboard.films import Reel, face, listed, said
from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.model import UNKNOWN_FACE, Kind, Label
from tigertag.services import thumbnails
from tigertag.text import clock

pytestmark = pytest.mark.slow

TIMES = (1.0, 65.4, 3725.0)


@pytest.fixture
def reel(monkeypatch: pytest.MonkeyPatch) -> Reel:
    made = Reel()
    monkeypatch.setattr(thumbnails, "still", made.still)
    return made


@pytest.fixture
def film(world: World, reel: Reel) -> int:
    """A film of three frames: a cat, a cat and perhaps a dog with Ada, and somebody."""
    item_id = listed(world)
    cat = (Label("cat", 0.6, at_s=1.0), Label("cat", 0.9, at_s=65.4), Label("dog", 0.3, at_s=65.4))
    faces = (face("Ada", 0.95, 65.4), face(UNKNOWN_FACE, 0.0, 3725.0, left=0.7))
    weak = Label("cup", 0.1, at_s=3725.0)
    said(world, item_id, *cat, *faces, weak, frames=TIMES)
    world.scan(mode="decide")
    return item_id


def stills(page: str) -> list[str]:
    """What each frame of the strip tells, in words."""
    parts = re.findall(r'<li class="still".*?</li>\s+(?=<li class="still"|</ol>)', page, re.DOTALL)
    return [
        " ".join(re.sub(r"<[^>]+>", " ", part).replace("\u202f", " ").split()) for part in parts
    ]


def test_a_frame_that_no_engine_looked_at_is_not_decoded(
    member: Member, film: int, reel: Reel
) -> None:
    for at_ms in (0, 1001, 65401, 2**31 - 1):
        assert member.get(f"/items/{film}/frames/{at_ms}.jpg").status_code == 404
    assert member.get(f"/items/{film + 1}/frames/1000.jpg").status_code == 404
    assert reel.asked == []


def test_a_frame_of_an_older_version_is_not_shown(world: World, member: Member, film: int) -> None:
    (world.photos / "film.mp4").write_bytes(b"another film")
    world.scan()
    assert member.get(f"/items/{film}/frames/1000.jpg").status_code == 404
    assert stills(member.page(f"/items/{film}")) == []


def test_a_frame_that_cannot_be_had_has_a_drawing_in_its_place(
    member: Member, film: int, reel: Reel
) -> None:
    reel.broken = True
    answer = member.get(f"/items/{film}/frames/1000.jpg")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_stranger_sees_no_frame(member: Member, film: int) -> None:
    stranger = member.app.test_client()
    assert stranger.get(f"/items/{film}/frames/1000.jpg").status_code in (302, 303, 401)


def test_a_photo_has_no_strip(world: World, member: Member) -> None:
    world.picture("rose.png", "red")
    world.scan()
    assert 'class="strip"' not in member.page("/items/1")


def test_a_video_of_which_only_the_whole_was_told_has_no_strip(
    world: World, member: Member
) -> None:
    item_id = listed(world)
    said(world, item_id, Label("cat", 0.9))
    assert 'class="strip"' not in member.page(f"/items/{item_id}")


def test_what_was_said_of_the_whole_is_not_said_of_the_frame_that_shows_why(
    world: World, member: Member, reel: Reel
) -> None:
    item_id = listed(world)
    said(world, item_id, Label("cat", 0.9, at_s=1.0), frames=(1.0,))
    said(world, item_id, Label("Drama", 0.8, kind=Kind.GENRE, at_s=1.0), engine="genre")
    page = member.page(f"/items/{item_id}")
    assert stills(page) == ["0:01 cat 90 %"]
    assert 'mainly <a href="#at-1000">at 0:01</a>' in page


def test_a_frame_is_sent_once(member: Member, film: int, reel: Reel) -> None:
    first = member.get(f"/items/{film}/frames/65400.jpg")
    assert (first.status_code, first.mimetype) == (200, "image/jpeg")
    etag = {"If-None-Match": first.headers["ETag"]}
    again = member.client.get(f"/items/{film}/frames/65400.jpg", headers=etag)
    assert (again.status_code, again.data, reel.asked) == (304, b"", [65.4])


def test_each_frame_has_a_name_of_its_own(member: Member, film: int) -> None:
    answers = [member.get(f"/items/{film}/frames/{at_ms}.jpg") for at_ms in (1000, 65400)]
    assert len({answer.headers["ETag"] for answer in answers}) == 2
    with Image.open(BytesIO(answers[0].data)) as picture:
        assert picture.size == (512, 256)


def test_the_frames_come_by_time_with_the_best_that_was_said(member: Member, film: int) -> None:
    assert stills(member.page(f"/items/{film}")) == [
        "0:01 cat 60 %",
        "1:05 Ada 95 % cat 90 % dog 30 % , uncertain",
        "1:02:05 1 face, 1 unknown",
    ]


def test_three_names_are_shown_of_a_frame_at_most(world: World, member: Member, reel: Reel) -> None:
    item_id = listed(world)
    labels = [Label(name, 0.9 - n / 10, at_s=1.0) for n, name in enumerate("abcde")]
    said(world, item_id, *labels, frames=(1.0,))
    assert stills(member.page(f"/items/{item_id}")) == ["0:01 a 90 % b 80 % c 70 %"]


def test_boxes_are_drawn_on_their_frame_alone(member: Member, film: int) -> None:
    page = member.page(f"/items/{film}")
    frames = page.split('<li class="still"')[1:]
    assert ["<svg" in one.partition("</li>")[0] for one in frames] == [False, True, True]
    assert '<g class="known">' in frames[1]
    assert 'x="70.0%"' in frames[2]


def test_the_strip_is_a_list_with_texts_and_no_styles_of_its_own(member: Member, film: int) -> None:
    page = member.page(f"/items/{film}")
    assert 'alt="Frame at 1:05"' in page
    assert 'loading="lazy"' in page
    assert " style=" not in page


def test_evidence_tells_when_and_leads_to_the_frame(member: Member, film: int) -> None:
    page = member.page(f"/items/{film}")
    assert '<a href="#at-65400">at 1:05</a>' in page
    assert 'id="at-65400"' in page


def test_each_name_is_told_once_with_its_best_frame(member: Member, film: int) -> None:
    page = member.page(f"/items/{film}")
    told = page[page.index('id="answers"') :]
    rows = re.findall(r'<span class="said">(\w+)</span>', told)
    assert sorted(rows[:3]) == ["Ada", "cat", "dog"]
    assert rows.count("cat") == 1
    assert 'in 2 of 3 frames · best <a href="#at-65400">' in told


@pytest.mark.parametrize(
    ("at_s", "told"), [(0.0, "0:00"), (65.9, "1:05"), (3599.9, "59:59"), (3725.0, "1:02:05")]
)
def test_a_time_is_told_as_players_do(at_s: float, told: str) -> None:
    assert clock(at_s) == told
