"""The fake refuses what the real one would."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.openai_server import OpenAIServer
from tests.unit.engines.openai.visions import Visions, labelled, plain, prepared

pytestmark = pytest.mark.slow


@pytest.fixture
def body(bench: Visions) -> dict[str, Any]:
    """A request that is taken."""
    labelled(bench.opened())
    found: dict[str, Any] = json.loads(bench.bodies[-1])
    return found


def posted(openai: OpenAIServer, body: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {openai.key}"}
    return requests.post(f"{openai.url}/chat/completions", json=body, headers=headers, timeout=5)


def test_it_takes_what_the_engine_sends(openai: OpenAIServer, body: dict[str, Any]) -> None:
    assert posted(openai, body).status_code == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"model": "gpt-none"}, 404),
        ({"temperature": 0}, 400),
        ({"messages": []}, 400),
        ({"max_tokens": 5}, 400),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, 400),
        ({"response_format": {"type": "yaml"}}, 400),
    ],
)
def test_it_refuses_what_openai_would(
    openai: OpenAIServer, body: dict[str, Any], changed: dict[str, Any], status: int
) -> None:
    refused = posted(openai, body | changed)
    assert refused.status_code == status
    assert set(refused.json()["error"]) == {"message", "type", "param", "code"}


def test_it_refuses_what_is_no_picture(openai: OpenAIServer, body: dict[str, Any]) -> None:
    body["messages"][1]["content"][1]["image_url"]["url"] = "data:image/jpeg;base64,AAAA"
    assert posted(openai, body).status_code == 400


def test_it_wants_its_key(openai: OpenAIServer) -> None:
    refused = requests.get(f"{openai.url}/models", headers={"Authorization": "x"}, timeout=5)
    assert refused.status_code == 401


def test_a_page_is_as_long_as_is_asked_for(openai: OpenAIServer) -> None:
    headers = {"Authorization": f"Bearer {openai.key}"}
    asked = requests.get(f"{openai.url}/batches?limit=101", headers=headers, timeout=5)
    assert asked.status_code == 400


def test_it_counts_each_picture(bench: Visions, openai: OpenAIServer) -> None:
    engine = bench.opened()
    for name in ("1", "2"):
        labelled(engine, plain(name))
    told = requests.get(openai.url.replace("/v1", "/_counts"), timeout=5).json()
    assert list(told["pictures"].values()) == [2]


def test_it_answers_batches_by_itself_when_told_so(tmp_path: Path) -> None:
    with OpenAIServer(batch_delay_s=0.0) as openai:
        bench = Visions(openai)
        engine, path = bench.batch(), tmp_path / "spool.jsonl"
        path.write_bytes(prepared(engine, plain("1"), plain("2")))
        batch = engine.submit(path, "token")
        while engine.poll(batch).state == "running":
            pass
        assert len(list(engine.collect(batch))) == 2
        bench.close()


def test_it_runs_on_its_own() -> None:
    command = [sys.executable, "-m", "tests.openai_server", "--latency-s", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        told = requests.get(url.replace("/v1", "/_counts"), timeout=5).json()
        process.terminate()
        assert json.loads(process.stdout.read()) == told
    assert process.returncode == 0
