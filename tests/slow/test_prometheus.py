"""A real Prometheus reads `/metrics`, and its tools check the page and the alerts."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from PIL import Image

from bench.served import Served
from tests.absent import absent
from tests.free_port import free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
TOKEN = "m" * 20

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of four processes, in which one scan has ended."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        absent("Prometheus")
    photos = tmp_path_factory.mktemp("photos")
    Image.new("RGB", (16, 16), (200, 30, 30)).save(photos / "a.png")
    made = Served(
        tmp_path_factory.mktemp("home"),
        {
            "LIBRARY_PHOTOS_NAME": "tigertag.folder",
            "LIBRARY_PHOTOS_PATH": str(photos),
            "ENGINE_INSTANT_NAME": "bench.instant",
            "TIGERTAG_METRICS_TOKEN": TOKEN,
        },
        command=("-m", "tigertag", "serve", "--processes", "3"),
    )
    with made.running():
        made.ended(made.ask("POST", "scans", library="photos"))
        yield made


def page(served: Served) -> str:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.get(f"{served.url}/metrics", headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.text


def checked(*arguments: str, given: str = "") -> None:
    done = subprocess.run(
        ["promtool", "check", *arguments], input=given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def api(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scrapes the service each second, with the alerts; its address."""
    root = tmp_path_factory.mktemp("prometheus")
    (root / "token").write_text(TOKEN)
    job = {
        "job_name": "tigertag",
        "authorization": {"credentials_file": str(root / "token")},
        "static_configs": [{"targets": [served.url.removeprefix("http://")]}],
    }
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    rules = [str(DEPLOY / "alerts.yml")]
    settings = {"global": every, "rule_files": rules, "scrape_configs": [job]}
    (root / "prometheus.yml").write_text(yaml.safe_dump(settings))
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus",
        f"--config.file={root}/prometheus.yml",
        f"--storage.tsdb.path={root}/data",
        f"--web.listen-address={address}",
    ]
    with (
        (root / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            yield f"http://{address}/api/v1"
        finally:
            process.terminate()


def samples(api: str, expression: str) -> list[Any]:
    """Ask until there is an answer that is not empty."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(requests.RequestException):
            # 503, without JSON, while it starts.
            answer = requests.get(f"{api}/query", params={"query": expression}, timeout=10).json()
            assert answer["status"] == "success", answer
            found: list[Any] = answer["data"]["result"]
            if found:
                return found
        time.sleep(0.2)
    pytest.fail(f"Prometheus has nothing of {expression}")


def test_promtool_accepts_the_alerts_and_the_page(served: Served) -> None:
    checked("rules", str(DEPLOY / "alerts.yml"))
    checked("metrics", given=page(served))


def test_a_real_prometheus_reads_it_and_the_alerts(api: str) -> None:
    (up,) = samples(api, 'up{job="tigertag"}')
    assert up["value"][1] == "1"
    (ended,) = samples(api, 'tigertag_scan_duration_seconds_count{state="done"} > 0')
    assert ended["value"][1] == "1"
    (workers,) = samples(api, 'tigertag_processes{role="work"}')
    assert workers["value"][1] == "1"
    rules = requests.get(f"{api}/rules", timeout=10).json()["data"]["groups"][0]["rules"]
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}


def test_every_panel_of_the_dashboard_is_a_question_that_prometheus_takes(api: str) -> None:
    panels = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    samples(api, "up == 1")
    for expression in asked:
        query = expression.replace("$job", "tigertag").replace("$__rate_interval", "1m")
        answer = requests.get(f"{api}/query", params={"query": query}, timeout=10)
        assert answer.json()["status"] == "success", (query, answer.text)


def test_every_process_tells_the_same_counters(served: Served) -> None:
    counters = {
        tuple(
            line
            for line in page(served).splitlines()
            if line.startswith(("tigertag_engine_results", "tigertag_scan_duration"))
        )
        for _ in range(20)
    }
    assert len(counters) == 1
