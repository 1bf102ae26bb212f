"""The SDK, made safe: docs/adr/0013."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.metadata import requires
from pathlib import Path

import pytest
import requests

from tests.compreface import KEY, CompreFaceServer, drawn
from tests.unit.engines.compreface.setup import HASTE
from tigertag.contracts import Host
from tigertag.engines.compreface import sdk
from tigertag.engines.compreface.client import CompreFaceClient, Options
from tigertag.engines.compreface.sdk import SdkTransport
from tigertag.engines.http.concurrency import ConcurrencyLimiter
from tigertag.engines.http.errors import Service
from tigertag.errors import EngineError
from tigertag.net import HttpClient

pytestmark = pytest.mark.slow

IMPORT = """
import sys, urllib3
assert urllib3.__version__.startswith("2.")
from tigertag.contracts import Host
from tigertag.engines.compreface import sdk
assert "compreface" not in sys.modules
service = sdk.recognition("http://localhost", 8000, "key")
assert type(service).__module__.startswith("compreface.")
assert "urllib3.contrib.appengine" not in sys.modules
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def client(server: CompreFaceServer, http: HttpClient, key: str = KEY) -> CompreFaceClient:
    options = Options.model_validate(
        {"api_key": key, "api_url": "http://127.0.0.1", "api_port": server.port}
    )
    return CompreFaceClient("faces", options, Host(Path("models"), http))


def transport_to(address: str, http: HttpClient) -> SdkTransport:
    service = Service("CompreFace", sdk.meaning, "KEY", "URL", "LOG")
    return SdkTransport(service, http.session(), ConcurrencyLimiter(1), address)


def test_it_imports_with_urllib3_2_and_no_warning() -> None:
    done = run("-W", "error", "-c", IMPORT)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_it_needs_is_installed_as_it_wants_it() -> None:
    needed = {"compreface-sdk", "requests-toolbelt", "requests", "urllib3"}
    wanted = requires("compreface-sdk") or []
    assert any(one.startswith("requests-toolbelt") for one in wanted)
    said = run("-m", "pip", "--disable-pip-version-check", "check").stdout.casefold()
    assert [line for line in said.splitlines() if line.split(" ")[0] in needed] == []


def test_every_module_of_the_sdk_that_asks_is_routed() -> None:
    sdk.recognition("http://localhost", 8000, "key")
    modules = [name for name in sys.modules if name.startswith("compreface.client.")]
    assert len(modules) == 7
    assert not [name for name in modules if sys.modules[name].requests is requests]


def test_another_user_of_the_sdk_gets_what_he_expects() -> None:
    sdk.recognition("http://localhost", 8000, "key")
    module = import_module("compreface.client.subject_client")
    assert module.requests.get is requests.get


def test_two_services_at_once_go_through_their_own_sessions() -> None:
    http = HttpClient(HASTE)
    with CompreFaceServer() as one, CompreFaceServer(key=KEY.replace("c0de", "beef")) as other:
        one.add("One", "ada")
        other.add("Other", "ada")
        clients = [client(one, http), client(other, http, other.key)]
        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda number: clients[number % 2].subjects(), range(40)))
    http.close()
    assert told == [["One"], ["Other"]] * 20


def test_a_base_exception_of_the_sdk_does_not_escape() -> None:
    http = HttpClient(HASTE)
    transport = transport_to("http://localhost:8000", http)
    service = sdk.recognition("http://localhost", 8000, "key")
    with pytest.raises(EngineError, match="det_prob_threshold"):
        sdk.call(transport, lambda: service.recognize(b"\0", {"det_prob_threshold": 7.0}))


@pytest.mark.parametrize("name", ["", " ", ".", "..", "/../..", "Ada/..", "Ada/", "/", "a//b"])
def test_no_name_can_delete_another_or_a_collection(name: str) -> None:
    http = HttpClient(HASTE)
    with CompreFaceServer() as server:
        with pytest.raises(EngineError, match="cannot be the name"):
            client(server, http).delete_subject(name)
        assert server.log == []
    http.close()


@pytest.mark.parametrize(
    "path", ["faces", "subjects", "subjects/", "subjects/.", "subjects/%2e", "faces/a/../"]
)
def test_the_transport_lets_no_collection_be_deleted(path: str) -> None:
    http = HttpClient(HASTE)
    with CompreFaceServer() as server:
        transport = transport_to(server.url, http)
        with pytest.raises(AssertionError, match="never"):
            transport.delete(f"{server.url}/api/v1/recognition/{path}")
        assert server.log == []
    http.close()


def test_what_the_sdk_takes_for_a_files_name_is_not_sent(tmp_path: Path) -> None:
    http = HttpClient(HASTE)
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    with CompreFaceServer() as server:
        for send in (
            client(server, http).recognise,
            lambda one: client(server, http).add(one, "A"),
        ):
            with pytest.raises(AssertionError):
                send(str(tmp_path / "secret").encode())
        assert server.log == []
    http.close()


def test_a_redirect_is_not_followed_with_the_key() -> None:
    http = HttpClient(HASTE)
    with CompreFaceServer() as server:
        server.fail(302)
        with pytest.raises(EngineError, match="redirects"):
            client(server, http).recognise(drawn("ada"))
        assert len(server.log) == 1
    http.close()
