"""Scans are started, applied and undone by forms."""

import pytest
from flask import Flask

from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.libraries.folder import FolderLibrary
from tigertag.services import scan_status
from tigertag.store import schema

WHOLE = {"library": "photos", "section": "."}


def made(world: World) -> int:
    with world.store.read() as db:
        return len(db.execute(schema.scans.select()).all())


def test_a_preview_starts_at_once(world: World, member: Member) -> None:
    answer = member.post("/scans", **WHOLE, write="preview")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/scans/1")
    assert scan_status.status(world.core, 1).scan.write == "preview"


def test_whoever_works_on_scans_is_woken(app: Flask, member: Member) -> None:
    member.post("/scans", **WHOLE, write="preview")
    assert app.extensions["tigertag"].worker._woken.is_set()


def test_the_first_write_is_not_started_before_it_is_confirmed(
    world: World, member: Member
) -> None:
    answer = member.post("/scans", **WHOLE, write="apply")
    assert "/scans/confirm" in answer.headers["Location"]
    member.post("/scans", **WHOLE, write="apply", confirmed="no")
    assert made(world) == 0


def test_what_a_library_does_when_tags_are_written_is_said_before_the_first_write(
    world: World, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderLibrary, "writing_note", "It makes files.", raising=False)
    monkeypatch.setattr(FolderLibrary, "advice", lambda _library: (), raising=False)
    assert "It makes files." in member.page("/scans/confirm?library=photos&section=.")
    previewed = world.scan("preview").scan.id
    assert "It makes files." in member.page(f"/scans/{previewed}/apply")


def test_the_first_write_starts_when_it_is_confirmed(world: World, member: Member) -> None:
    member.post("/scans", **WHOLE, write="apply", confirmed="yes")
    assert scan_status.status(world.core, 1).scan.write == "apply"


def test_a_later_write_is_not_asked_about(world: World, member: Member, previewed: int) -> None:
    world.apply(previewed)
    member.post("/scans", **WHOLE, write="apply")
    assert scan_status.status(world.core, 3).scan.write == "apply"


def test_another_spelling_of_the_section_does_not_get_around_the_question(
    world: World, member: Member
) -> None:
    for library, section in (("PHOTOS", "."), ("photos", "photos"), ("photos", "")):
        member.post("/scans", library=library, section=section, write="apply")
    assert made(world) == 0


def test_the_question_has_the_numbers_of_the_newest_preview(previewed: int, member: Member) -> None:
    page = member.page("/scans/confirm?library=photos&section=.")
    assert "<strong>3 tags</strong>" in page
    assert "Preview first" not in page


def test_without_a_preview_the_question_advises_one(member: Member) -> None:
    page = member.page("/scans/confirm?library=photos&section=.")
    assert "Preview first" in page
    assert "We recommend a preview first" in page


def test_applying_asks_before_the_first_write(world: World, member: Member, previewed: int) -> None:
    answer = member.post(f"/scans/{previewed}/apply")
    assert answer.headers["Location"] == f"/scans/{previewed}/apply"
    assert "3 tags" in member.page(f"/scans/{previewed}/apply")
    assert made(world) == 1


def test_a_confirmed_preview_is_applied_and_undone(
    world: World, member: Member, previewed: int
) -> None:
    member.post(f"/scans/{previewed}/apply", confirmed="yes")
    world.run(2)
    assert world.tags("rose.png") == {"red"}
    member.post("/scans/2/undo")
    world.run(3)
    assert world.tags("rose.png") == set()


def test_a_second_scan_of_a_section_is_refused_on_a_page(
    world: World, member: Member, previewed: int
) -> None:
    world.start()
    answer = member.post("/scans", **WHOLE, write="preview")
    assert answer.status_code == 409
    assert "Scan 2" in answer.text
    assert "Go home" in answer.text


def test_a_preview_cannot_be_undone(member: Member, previewed: int) -> None:
    answer = member.post(f"/scans/{previewed}/undo")
    assert (answer.status_code, "wrote nothing" in answer.text) == (409, True)


def test_a_misspelt_section_gets_a_hint(member: Member) -> None:
    answer = member.post("/scans", library="photo", section=".", write="preview")
    assert answer.status_code == 404
    assert "did you mean &#39;photos&#39;?" in answer.text


def test_an_unknown_mode_is_refused(member: Member) -> None:
    assert member.post("/scans", **WHOLE, mode="wild").status_code == 422


def test_a_form_without_its_token_starts_nothing(world: World, member: Member) -> None:
    assert member.client.post("/scans", data={**WHOLE, "write": "preview"}).status_code == 400
    assert made(world) == 0
