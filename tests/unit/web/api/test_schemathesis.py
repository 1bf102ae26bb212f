"""A stranger tries everything that the OpenAPI document promises, and what it does not."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.flaky_server import serving
from tests.small_models import TINY, publish
from tests.unit.web.api.conftest import KEY
from tests.world import World


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    made = World(tmp_path, database_url)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def local_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let models that the stranger fetches come from here."""
    with serving(TINY) as server:
        publish(monkeypatch, tmp_path / "baked", server)
        yield


@pytest.fixture
def address(world: World, app: Flask) -> Iterator[str]:
    """Where the service listens; a preview has ended, and so has a scan that wrote."""
    world.scan()
    world.scan("apply")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_it_does_what_its_document_says(address: str, tmp_path: Path, world: World) -> None:
    # Thousands of values at the bounds: PostgreSQL alone, which takes the fewest of them.
    phases = "examples,fuzzing,stateful" if world.store.sqlite_path else "coverage,stateful"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/openapi.json"),
        *(
            "--checks",
            "all",
            "--max-examples",
            "6",
            "--phases",
            phases,
            "--header",
            f"X-Api-Key: {KEY}",
        ),
        *("--warnings", "off", "--no-color"),
        *("--generation-deterministic", "--continue-on-failure", "--request-timeout", "10"),
    ]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stdout + found.stderr
    assert " 77/77" in found.stdout
