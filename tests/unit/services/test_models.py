"""Models fetched from a server that misbehaves, and removed."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flaky_server import FlakyServer, serving
from tests.small_models import NANO, TINY, publish
from tests.world import World
from tigertag import locks
from tigertag.errors import Conflict, ModelError, NotFound
from tigertag.inference import catalogue
from tigertag.net import HttpClient, RetryPolicy
from tigertag.scan.plugin_state import StoredPluginState
from tigertag.services import models
from tigertag.services.model_fetches import ModelFetches
from tigertag.store import engine_state

NAME = "yolox-tiny"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlakyServer]:
    with serving(TINY) as started:
        publish(monkeypatch, tmp_path / "baked", started)
        yield started


@pytest.fixture
def folder(world: World, server: FlakyServer) -> Path:
    world.host.models.mkdir()
    return world.host.models


@pytest.fixture
def http() -> Iterator[HttpClient]:
    made = HttpClient(RetryPolicy(attempts=2, first_wait_s=0.001, longest_wait_s=1))
    yield made
    made.close()


@pytest.fixture
def fetches(world: World, folder: Path) -> ModelFetches:
    return ModelFetches(world.core)


def test_what_a_proxy_answers_is_named_and_the_offline_way_is_said(
    http: HttpClient, folder: Path, server: FlakyServer
) -> None:
    server.faults = ["page"]
    with pytest.raises(ModelError, match=r"a web page instead .* copy yolox_tiny\.onnx into"):
        models.fetch(http, folder, NAME)
    assert list(folder.iterdir()) == []


def test_a_file_of_another_content_is_not_kept(
    http: HttpClient, folder: Path, server: FlakyServer
) -> None:
    server.body = TINY[::-1]
    with pytest.raises(ModelError, match="is not the file that was expected") as caught:
        models.fetch(http, folder, NAME)
    assert str(caught.value).endswith(
        ": its SHA-256 is another. It was deleted; try again. Without the internet, copy"
        f" yolox_tiny.onnx into {folder}."
    )
    assert list(folder.iterdir()) == []


def test_a_download_that_fails_says_how_much_is_kept_and_goes_on_there(
    http: HttpClient, folder: Path, server: FlakyServer
) -> None:
    server.faults = ["cut", 404]
    with pytest.raises(ModelError, match=r"0\.1 MB are kept"):
        models.fetch(http, folder, NAME)
    loaded = models.look(folder, NAME).loaded_bytes
    assert 0 < loaded <= len(TINY) // 2
    assert models.fetch(http, folder, NAME).read_bytes() == TINY
    assert server.asked[-1] == f"bytes={loaded}-"


def test_a_changed_file_is_replaced_only_by_a_whole_one(
    http: HttpClient, folder: Path, server: FlakyServer
) -> None:
    path = folder / "yolox_tiny.onnx"
    path.write_bytes(NANO)
    server.faults = [404]
    with pytest.raises(ModelError):
        models.fetch(http, folder, NAME)
    assert models.look(folder, NAME).state == "changed"
    models.fetch(http, folder, NAME)
    assert models.look(folder, NAME).state == "installed"


def test_a_folder_in_the_place_of_a_model_is_left_alone(http: HttpClient, folder: Path) -> None:
    (folder / "yolox_tiny.onnx").mkdir()
    with pytest.raises(ModelError, match="move it away"):
        models.fetch(http, folder, NAME)


def test_a_model_that_is_here_is_not_fetched(
    http: HttpClient, folder: Path, server: FlakyServer
) -> None:
    (folder / "yolox_tiny.onnx").write_bytes(TINY)
    models.fetch(http, folder, NAME)
    assert server.asked == []


def test_a_model_is_removed_with_what_was_loaded_of_it(folder: Path) -> None:
    for name in ("yolox_tiny.onnx", "yolox_tiny.onnx.part", "yolox_tiny.onnx.part.etag"):
        (folder / name).write_bytes(b"?")
    models.remove(folder, NAME)
    assert list(folder.iterdir()) == []
    with pytest.raises(NotFound, match="not on this machine"):
        models.remove(folder, NAME)


def test_a_model_that_another_program_fetches_is_not_removed(folder: Path) -> None:
    with (folder / "yolox_tiny.onnx.part").open("ab") as part:
        assert locks.wait_for(part)
        with pytest.raises(Conflict, match="is being fetched"):
            models.remove(folder, NAME)


def test_the_images_model_is_not_removed(folder: Path) -> None:
    catalogue.BAKED.mkdir()
    (catalogue.BAKED / "yolox_tiny.onnx").write_bytes(TINY)
    assert models.look(folder, NAME).state == "built_in"
    with pytest.raises(Conflict, match="part of the container's image"):
        models.remove(folder, NAME)


def test_a_damaged_file_before_the_images_model_is_replaced(
    fetches: ModelFetches, folder: Path
) -> None:
    catalogue.BAKED.mkdir()
    (catalogue.BAKED / "yolox_tiny.onnx").write_bytes(TINY)
    (folder / "yolox_tiny.onnx").write_bytes(b"damaged")
    view = fetches.of(NAME)
    assert (view.state, view.is_here, view.is_sound) == ("built_in", True, False)
    assert view.problem.endswith("The image's own is used instead.")
    fetches.start(NAME)
    fetches.wait()
    assert (fetches.of(NAME).state, fetches.of(NAME).problem) == ("installed", "")


def test_the_list_shows_what_another_program_fetches(folder: Path) -> None:
    with (folder / "yolox_tiny.onnx.part").open("ab") as part:
        assert locks.wait_for(part)
        assert [view.state for view in models.listed(folder)] == ["fetching", "absent"]
    assert [view.state for view in models.listed(folder)] == ["absent", "absent"]


def test_a_model_that_is_not_here_or_being_fetched_is_not_verified(
    world: World, fetches: ModelFetches
) -> None:
    with pytest.raises(NotFound, match="not on this machine; fetch it first"):
        fetches.verify(NAME)
    with StoredPluginState(world.store, "").alone(f"model/{NAME}", lease_s=5.0):
        StoredPluginState(world.store, "").put(f"model/{NAME}", "")
        with pytest.raises(Conflict, match="is being fetched"):
            fetches.verify(NAME)


def test_a_detector_is_offered_until_there_is_one(folder: Path) -> None:
    offered = models.recommended(models.listed(folder))
    assert offered is not None
    assert offered.model.name == NAME
    (folder / "yolox_nano.onnx").write_bytes(NANO)
    assert models.recommended(models.listed(folder)) is None


def test_what_failed_in_the_background_is_shown_until_it_is_tried_again(
    world: World, fetches: ModelFetches, server: FlakyServer
) -> None:
    server.faults = [404]
    fetches.start(NAME)
    fetches.wait()
    other = ModelFetches(world.core)
    view = other.of(NAME)
    assert view.state == "absent"
    assert "answered 404" in view.problem
    other.start(NAME)
    other.wait()
    assert (fetches.of(NAME).state, fetches.of(NAME).problem) == ("installed", "")


def test_a_model_is_fetched_once_at_a_time_among_all_processes(
    world: World, fetches: ModelFetches, server: FlakyServer
) -> None:
    state = StoredPluginState(world.store, "")
    with state.alone(f"model/{NAME}", lease_s=5.0):
        state.put(f"model/{NAME}", "")
        (world.host.models / "yolox_tiny.onnx.part").write_bytes(b"12345")
        view = fetches.start(NAME)
        assert (view.state, view.loaded_bytes) == ("fetching", 5)
        with pytest.raises(Conflict, match="is being fetched"):
            fetches.remove(NAME)
    assert server.asked == []


def test_a_download_is_stopped_by_any_process_and_keeps_what_it_has_loaded(
    world: World, fetches: ModelFetches, server: FlakyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tigertag.services.model_fetches._LOOK_S", 0.02)
    server.faults = ["drip"]
    fetches.start(NAME)
    while not server.asked:
        time.sleep(0.01)
    time.sleep(0.1)
    ModelFetches(world.core).stop(NAME)
    fetches.wait()
    view = fetches.of(NAME)
    assert (view.state, view.problem) == ("absent", "")
    with pytest.raises(Conflict, match="not being fetched"):
        fetches.stop(NAME)
    fetches.start(NAME)
    fetches.wait()
    assert fetches.of(NAME).state == "installed"
    assert server.asked[1].startswith("bytes=")


def test_a_download_whose_process_died_says_so(world: World, fetches: ModelFetches) -> None:
    StoredPluginState(world.store, "").put(f"model/{NAME}", "")
    view = fetches.of(NAME)
    assert view.state == "absent"
    assert "stopped during the download" in view.problem


def test_engines_that_lacked_the_model_are_no_longer_stopped(
    world: World, fetches: ModelFetches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "DETECTOR", "test")
    with world.store.write() as db:
        engine_state.stop(db, "colour", "YOLOX-Tiny is not on this machine.", None)
    fetches.start(NAME)
    fetches.wait()
    with world.store.read() as db:
        assert engine_state.stops(db) == {}


def test_verifying_reads_a_file_again_that_seems_to_be_unchanged(
    fetches: ModelFetches, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "yolox_tiny.onnx"
    path.write_bytes(TINY)
    assert fetches.of(NAME).state == "installed"
    # As if the disk gave other bytes for the same file.
    monkeypatch.setattr(catalogue, "_hashes", dict.fromkeys(catalogue._hashes, "0" * 64))
    assert fetches.of(NAME).state == "changed"
    assert fetches.verify(NAME).state == "installed"
