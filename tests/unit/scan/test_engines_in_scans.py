"""The real engines in scans: whatever goes wrong there is one clear line, the same everywhere."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import compreface as compreface_server
from tests import imagga as imagga_server
from tests import openai_server
from tests.unit.scan.test_batching import until_done
from tests.world import World
from tigertag.contracts import AnyEngine, Host
from tigertag.engines import compreface, imagga, openai
from tigertag.net import HttpClient, RetryPolicy
from tigertag.scan.plugin_state import StoredPluginState
from tigertag.services import engines
from tigertag.services.scan_status import Status

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9"
SECRETS = (imagga_server.KEY, imagga_server.SECRET, openai_server.KEY, compreface_server.KEY)


class Services:
    """The three services, and engines that ask them."""

    def __init__(self, world: World, stack: ExitStack) -> None:
        self.imagga = stack.enter_context(imagga_server.ImaggaServer())
        self.faces = stack.enter_context(compreface_server.CompreFaceServer())
        self.openai = stack.enter_context(openai_server.OpenAIServer(batch_delay_s=0.0))
        self._world = world
        self._http = HttpClient(
            RetryPolicy(attempts=2, first_wait_s=0.01, longest_wait_s=0.05, read_s=2.0)
        )
        stack.callback(self._http.close)

    def _host(self, engine: str) -> Host:
        return Host(self._world.home, self._http, StoredPluginState(self._world.store, engine))

    def calls(self, **changed: str) -> AnyEngine:
        given = {"api_key": imagga_server.KEY, "api_secret": imagga_server.SECRET,
                 "api_url": self.imagga.url} | changed  # fmt: skip
        options = imagga.Options.model_validate(given)
        return imagga.build("calls", options, self._host("calls"))

    def people(self, folder: Path, **changed: str) -> AnyEngine:
        (folder / "faces.yaml").write_text("faces: []\n")
        given = {"api_key": self.faces.key, "api_url": "http://127.0.0.1",
                 "api_port": str(self.faces.port), "faces_folder": str(folder),
                 "faces_config": str(folder / "faces.yaml")} | changed  # fmt: skip
        options = compreface.Options.model_validate(given)
        return compreface.build("people", options, self._host("people"))

    def vision(self, **changed: str) -> AnyEngine:
        given = {"api_key": openai_server.KEY, "base_url": self.openai.url,
                 "model": "gpt-4.1-nano"} | changed  # fmt: skip
        options = openai.Options.model_validate(given)
        return openai.build("vision", options, self._host("vision"))


@pytest.fixture
def services(world: World) -> Iterator[Services]:
    with ExitStack() as stack:
        made = Services(world, stack)
        world.picture("a.png", "red", side_px=64)
        yield made
        for engine in world.engines:
            engine.close()


def scanned(world: World, engine: AnyEngine) -> Status:
    world.engines = [engine]
    return world.run(world.start())


def line(world: World, engine: AnyEngine) -> str:
    """Scan; return the one line that the scan, the engine's list and its check tell."""
    status = scanned(world, engine)
    told = {**status.waiting, **dict(status.failures)}
    assert len(told) == 1
    (said,) = told.values()
    assert "\n" not in said
    assert not [secret for secret in SECRETS if secret in said]
    return said


def test_a_wrong_key_is_named_by_its_setting(
    world: World, services: Services, tmp_path: Path
) -> None:
    wrong = "00000000-0000-0000-0000-000000000001"
    assert "ENGINE_CALLS_API_KEY" in line(world, services.calls(api_key="acc_wrong"))
    world.scan(mode="decide")
    assert "ENGINE_PEOPLE_API_KEY" in line(world, services.people(tmp_path, api_key=wrong))
    assert "ENGINE_VISION_API_KEY" in line(world, services.vision(api_key="sk-wrong"))


def test_a_wrong_key_is_shown_beside_the_engine_and_when_it_is_tried(
    world: World, services: Services
) -> None:
    engine = services.calls(api_key="acc_wrong")
    said = line(world, engine)
    (view,) = engines.listed(world.core)
    assert (view.status, view.reason) == ("stopped", said)
    (checked,) = engines.check(world.core)
    assert (checked.ok, "ENGINE_CALLS_API_KEY" in checked.line) == (False, True)


@pytest.mark.parametrize("name", ["calls", "people", "vision"])
def test_a_host_that_cannot_be_reached_is_named_and_waited_for(
    world: World, services: Services, tmp_path: Path, name: str
) -> None:
    engine = {
        "calls": lambda: services.calls(api_url=f"{NOWHERE}/v2"),
        "people": lambda: services.people(tmp_path, api_port="9"),
        "vision": lambda: services.vision(base_url=f"{NOWHERE}/v1"),
    }[name]()
    status = scanned(world, engine)
    assert status.scan.state == "waiting"
    assert "127.0.0.1" in status.waits[name]
    (checked,) = engines.check(world.core)
    assert (checked.ok, "127.0.0.1" in checked.line) == (False, True)


def test_an_exhausted_quota_says_when_it_goes_on(world: World, services: Services) -> None:
    services.imagga.monthly_limit = services.imagga.processed = 10
    assert "10" in line(world, services.calls())


def test_an_exhausted_credit_is_told(world: World, services: Services) -> None:
    services.openai.fail("chat", "quota")
    assert "the account's credit is used up" in line(world, services.vision())


def test_a_model_that_a_server_does_not_have_fails_the_check(
    world: World, services: Services
) -> None:
    world.engines = [services.vision(model="nope")]
    (checked,) = engines.check(world.core)
    assert (checked.ok, "nope is not among its models" in checked.line) == (False, True)


@pytest.mark.parametrize("kind", ["html", "malformed"])
def test_a_malformed_answer_of_imagga_fails_or_waits_with_a_reason(
    world: World, services: Services, kind: str
) -> None:
    services.imagga.fail("tags", kind, times=100)
    status = scanned(world, services.calls())
    said = [*status.waits.values(), *(reason for _key, reason in status.failures)]
    assert len(said) == 1


@pytest.mark.parametrize("kind", ["html", "empty", "cut"])
def test_a_malformed_answer_of_openai_fails_or_waits_with_a_reason(
    world: World, services: Services, kind: str
) -> None:
    services.openai.fail("chat", kind, times=100)
    status = scanned(world, services.vision())
    said = [*status.waits.values(), *(reason for _key, reason in status.failures)]
    assert len(said) == 1


@pytest.mark.parametrize("kind", ["html", "nonsense", "garbled"])
def test_a_malformed_answer_of_compreface_fails_or_waits_with_a_reason(
    world: World, services: Services, tmp_path: Path, kind: str
) -> None:
    services.faces.fail(kind, at="recognize")
    status = scanned(world, services.people(tmp_path))
    said = [*status.waits.values(), *(reason for _key, reason in status.failures)]
    assert len(said) == 1


def test_all_three_answer_a_scan_and_a_check(
    world: World, services: Services, tmp_path: Path
) -> None:
    world.engines = [services.calls(), services.people(tmp_path), services.vision()]
    status = until_done(world, world.start())
    assert (status.scan.state, status.asked, status.failed) == ("done", 3, 0)
    checked = engines.check(world.core)
    assert [one.ok for one in checked] == [True, True, True]
    assert "calls used" in checked[0].line


def test_a_batch_goes_the_whole_way_through_openais_client(
    world: World, services: Services
) -> None:
    world.engines = [services.vision(mode="batch")]
    status = until_done(world, world.start("apply"))
    assert (status.scan.state, status.asked) == ("done", 1)
    assert (services.openai.files, world.tags("a.png") != set()) == ({}, True)
