"""Setup offers a model, fetches it, and previews what it adds."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.flaky_server import FlakyServer, serving
from tests.small_models import TINY, publish
from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.inference import catalogue
from tigertag.services import models
from tigertag.web import state

OFFER = "Recognise 80 kinds of things: fetch YOLOX-Tiny, 0.1 MB."


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlakyServer]:
    # The world's engine counts as a detector.
    monkeypatch.setattr(models, "DETECTOR", "test")
    with serving(TINY) as started:
        publish(monkeypatch, tmp_path / "baked", started)
        yield started


def wait(app: Flask) -> None:
    state.of(app).model_fetches.wait()


def test_a_form_without_its_token_fetches_nothing(member: Member, server: FlakyServer) -> None:
    for action in ("fetch", "stop", "remove", "verify"):
        answer = member.client.post(f"/setup/models/yolox-tiny/{action}")
        assert answer.status_code == 400
    assert server.asked == []


def test_a_download_that_fails_says_why_and_is_offered_again(
    app: Flask, member: Member, server: FlakyServer
) -> None:
    server.faults = [404]
    member.post("/setup/models/yolox-tiny/fetch")
    wait(app)
    page = member.page("/setup")
    assert "yolox_tiny.onnx answered 404" in page
    assert OFFER in page


def test_without_an_engine_for_it_the_setting_is_said(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "DETECTOR", "tigertag.absent")
    assert "set <code>ENGINE_THINGS_NAME=tigertag.detector</code>" in member.page("/setup")


def test_a_detector_that_waits_for_a_model_is_said_to_need_a_restart(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "detectors", lambda _core: ())
    monkeypatch.setattr(models, "unusable_detectors", lambda _core: ("boxes",))
    page = member.page("/setup")
    assert "Engine boxes cannot be used yet" in page
    assert "ENGINE_THINGS_NAME" not in page


def test_a_damaged_file_before_the_images_model_can_be_replaced_and_removed(
    member: Member, world: World, tmp_path: Path
) -> None:
    for folder, data in ((tmp_path / "baked", TINY), (world.host.models, b"damaged")):
        folder.mkdir()
        (folder / "yolox_tiny.onnx").write_bytes(data)
    page = member.page("/setup")
    assert 'id="fetch-yolox-tiny">Replace' in page
    assert 'id="remove-yolox-tiny"' in page
    page = member.post_by_htmx("/setup/models/yolox-tiny/remove").text
    assert 'id="remove-yolox-tiny"' not in page


def test_a_link_is_named_after_the_site_that_it_leads_to(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    page = member.page("/setup")
    for name in ("yolox-tiny", "resnet18"):
        known = catalogue.model(name)
        host = urlsplit(known.source).hostname
        assert f'<a href="{known.source}" rel="noreferrer">published at {host}</a>' in page


def test_a_model_that_is_not_here_is_not_verified(member: Member) -> None:
    answer = member.post("/setup/models/yolox-tiny/verify")
    assert answer.status_code == 404
    assert "fetch it first" in answer.text


def test_a_fetched_model_is_not_offered_but_verified_and_removed(
    app: Flask, member: Member
) -> None:
    assert OFFER in member.page("/setup")
    assert member.post("/setup/models/yolox-tiny/fetch").location == "/setup#models"
    wait(app)
    assert OFFER not in member.page("/setup")
    page = member.post_by_htmx("/setup/models/yolox-tiny/verify").text
    assert "Its SHA-256 is the published one." in page
    assert OFFER in member.post_by_htmx("/setup/models/yolox-tiny/remove").text


def test_a_download_is_stopped(app: Flask, member: Member, server: FlakyServer) -> None:
    server.faults = ["drip"]
    page = member.post_by_htmx("/setup/models/yolox-tiny/fetch").text
    assert 'id="stop-yolox-tiny"' in page
    member.post_by_htmx("/setup/models/yolox-tiny/stop")
    wait(app)
    page = member.page("/setup")
    assert 'id="stop-yolox-tiny"' not in page
    assert OFFER in page


def test_what_a_model_adds_is_previewed_on_a_sample(
    previewed: int, member: Member, world: World
) -> None:
    (world.host.models).mkdir()
    (world.host.models / "yolox_tiny.onnx").write_bytes(TINY)
    assert "Preview on 100 photos" in member.page("/setup")
    answer = member.post("/setup/sample", **{"in": "photos/."})
    assert answer.location == f"/scans/{previewed + 1}"
    world.run(previewed + 1)
    page = member.page(answer.location)
    assert "Preview, a sample of photos" in page
    assert "red" in page
