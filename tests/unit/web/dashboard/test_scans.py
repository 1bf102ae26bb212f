"""A scan's page while it runs and after, and words struck from a preview."""

import json

import pytest

from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.contracts import Failed
from tigertag.errors import LibraryShrunk
from tigertag.services import rules, scan_status


def test_a_scan_that_is_not_there_is_a_page(member: Member) -> None:
    answer = member.get("/scans/7")
    assert (answer.status_code, "There is no scan 7" in answer.text) == (404, True)


def test_a_number_that_no_scan_can_have_is_a_page(member: Member) -> None:
    assert member.get(f"/scans/{2**63}").status_code == 404


def test_htmx_gets_an_error_as_one_line(member: Member) -> None:
    answer = member.get("/scans/7/progress", htmx=True)
    assert answer.status_code == 404
    assert answer.text.startswith("There is no scan 7")
    assert "<" not in answer.text


def test_progress_asks_again_while_the_scan_is_active(world: World, member: Member) -> None:
    world.picture("rose.png", "red")
    scan_id = world.start()
    page = member.get(f"/scans/{scan_id}/progress", htmx=True)
    assert 'hx-trigger="every' in page.text


def test_progress_stops_asking_when_the_scan_has_ended(member: Member, previewed: int) -> None:
    answer = member.get(f"/scans/{previewed}/progress", htmx=True)
    assert "every" not in answer.text
    assert answer.headers["HX-Trigger-After-Swap"] == "scan-ended"


def test_a_scan_is_paused_resumed_and_cancelled(world: World, member: Member) -> None:
    scan_id = world.start()
    for to, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        member.post(f"/scans/{scan_id}/{to}")
        assert scan_status.status(world.core, scan_id).scan.state == state


def test_a_scan_that_has_ended_cannot_be_cancelled(member: Member, previewed: int) -> None:
    answer = member.post_by_htmx(f"/scans/{previewed}/cancel")
    assert (answer.status_code, "is done" in answer.text) == (409, True)


def test_failures_are_listed_with_their_reasons(world: World, member: Member) -> None:
    world.picture("rose.png", "red")
    world.engine.fails["red"] = Failed("", "too red", retryable=False)
    scan_id = world.scan().scan.id
    assert "too red" in member.page(f"/scans/{scan_id}/failures")
    assert "too red" in member.page(f"/scans/{scan_id}")


def strike(member: Member, scan_id: int, where: str, *, word: str = "red") -> str:
    answer = member.post_by_htmx(f"/scans/{scan_id}/strike", item_id="1", word=word, where=where)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.headers["HX-Trigger"])["struck"]["word"] == word
    return answer.text


def test_a_word_is_struck_from_one_item(world: World, member: Member, previewed: int) -> None:
    assert "for this item" in strike(member, previewed, "item")
    assert scan_status.status(world.core, previewed).adds == 2


def test_a_word_is_struck_everywhere(world: World, member: Member, previewed: int) -> None:
    assert "2 items" in strike(member, previewed, "everywhere")
    assert scan_status.status(world.core, previewed).adds == 1


def test_a_struck_word_can_be_taken_back(world: World, member: Member, previewed: int) -> None:
    page = strike(member, previewed, "section")
    (row,) = rules.listed(world.core)
    assert f"/rules/{row.id}/remove" in page
    answer = member.post_by_htmx(f"/rules/{row.id}/remove")
    assert answer.headers["HX-Trigger"] == "preview-changed"
    assert rules.listed(world.core) == []
    assert "add 3 tags" in member.page(f"/scans/{previewed}/progress")


def test_what_was_applied_is_offered_again_only_after_it_was_undone(
    world: World, member: Member, previewed: int
) -> None:
    applied = world.apply(previewed)
    page = member.page(f"/scans/{previewed}")
    assert (f'Applied by <a href="/scans/{applied.scan.id}' in page, "Apply again" in page) == (
        True,
        False,
    )
    undone = world.undo(applied.scan.id)
    assert "Apply again" in member.page(f"/scans/{previewed}")
    world.undo(undone.scan.id)
    assert "Apply again" not in member.page(f"/scans/{previewed}")


def test_a_word_struck_from_an_item_can_come_back(
    world: World, member: Member, previewed: int
) -> None:
    strike(member, previewed, "item")
    assert "Removed by you" in member.page("/items/1")
    assert member.post("/items/1/lift", word="red").status_code == 303
    assert world.scan(mode="decide").adds == 3


def test_a_word_that_is_not_in_the_preview_cannot_be_struck(member: Member, previewed: int) -> None:
    answer = member.post_by_htmx(
        f"/scans/{previewed}/strike", item_id="1", word="purple", where="item"
    )
    assert answer.status_code == 404
    assert "would not add &#39;purple&#39;" in answer.text


def test_a_word_cannot_be_struck_in_an_unknown_place(member: Member, previewed: int) -> None:
    fields = {"item_id": "1", "word": "red", "where": "nowhere"}
    assert member.post(f"/scans/{previewed}/strike", **fields).status_code == 422


def test_an_item_must_be_a_number(member: Member, previewed: int) -> None:
    for item_id in ("one", "", "²", str(2**40)):
        fields = {"item_id": item_id, "word": "red", "where": "item"}
        assert member.post(f"/scans/{previewed}/strike", **fields).status_code == 422


def test_applied_and_previewed_scans_name_each_other(
    world: World, member: Member, previewed: int
) -> None:
    world.apply(previewed)
    assert 'href="/scans/2">Apply, scan 2' in member.page(f"/scans/{previewed}")
    assert f'href="/scans/{previewed}">Preview, scan {previewed}' in member.page("/scans/2")


def test_the_grid_comes_by_parts(world: World, member: Member) -> None:
    for number in range(50):
        world.picture(f"{number:02}.png", "red")
    scan_id = world.scan().scan.id
    assert f"/scans/{scan_id}/changes?cursor=" in member.page(f"/scans/{scan_id}")
    rest = member.get(f"/scans/{scan_id}/changes?cursor=48", htmx=True).text
    assert (rest.count('class="card item"'), "More" in rest) == (2, False)


def test_a_library_that_is_empty_now_is_confirmed_by_a_button(
    world: World, member: Member, previewed: int
) -> None:
    for path in world.photos.iterdir():
        path.unlink()
    refused = world.start()
    with pytest.raises(LibraryShrunk):
        world.run(refused)
    assert 'id="accept-missing"' in member.page(f"/scans/{refused}")
    assert 'id="accept-missing"' not in member.page(f"/scans/{previewed}")
    fields = {"library": "photos", "section": ".", "accept_missing": "yes"}
    member.post("/scans", **fields)
    assert world.run(refused + 1).scan.state == "done"


def test_the_page_says_what_was_left_out(world: World, member: Member) -> None:
    world.picture("#recycle/a.png", "red")
    world.picture("b.png", "red")
    page = member.page(f"/scans/{world.scan().scan.id}")
    assert "1 folder excluded: #recycle" in page
