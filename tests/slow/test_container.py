"""The container's image, as far as they go without a container engine."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from PIL import Image as Picture

from tests import compose, stand_in_docker
from tests.containers import Image, context
from tigertag.inference import catalogue

CHECKOUT = Path(__file__).parents[2]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
ARM = [f"manylinux_2_{minor}_aarch64" for minor in range(17, 42)] + ["manylinux2014_aarch64"]


@pytest.mark.slow
def test_the_images_steps_make_a_service_that_works_as_its_users_start_it_alone_and_as_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_postgres_url: str, redis_url: str
) -> None:
    # What is imported is compiled then; all of it takes as long as the rest of the build.
    monkeypatch.setenv("PIP_NO_COMPILE", "1")
    image = Image(tmp_path, CHECKOUT, build_args={"MODELS": ""})
    image.build()
    assert [step.split()[0] for step in image.left_out] == ["FROM", "FROM", "RUN"]
    # Only root can become somebody else; the scratch folder lets nobody else in.
    environ = stand_in_docker.install(image, tmp_path / "docker")
    environ["CHECK_USER"] = f"{os.geteuid()}:{os.getegid()}"
    subprocess.run([CHECKOUT / "scripts" / "check_image.sh", "tigertag"], env=environ, check=True)
    check_cluster(image, tmp_path / "cluster", empty_postgres_url, redis_url)


def check_cluster(image: Image, folder: Path, database: str, broker: str) -> None:
    """Start compose.yaml's cluster, and see that its workers do a scan of its service."""
    photos = folder / "srv" / "photos"
    photos.mkdir(parents=True)
    for number in range(100):
        Picture.new("RGB", (1170, 2532), (number, 0, 0)).save(photos / f"{number}.png")
    text = (CHECKOUT / "compose.yaml").read_text(encoding="utf-8")
    # As a user takes it in.
    text = text.replace("# - /srv/photos:/photos:ro", "- /srv/photos:/photos:ro")
    services = compose.services(text, {"CLUSTER_PASSWORD": "x"}, "cluster")
    own = {
        "LIBRARY_PHOTOS_NAME": "tigertag.folder",
        "LIBRARY_PHOTOS_PATH": "/photos",
        "ENGINE_FACTS_NAME": "tigertag.metadata",
        "TIGERTAG_API_KEY": "k" * 16,
    }
    for service in services.values():
        given = service.get("environment", {})
        service["environment"] = {key: given[key] for key in given if "PLEX" not in key} | own
    elsewhere = {
        "postgresql://tigertag:x@postgres/tigertag": database,
        "redis://redis:6379/0": broker,
        "1000": str(os.geteuid()),
    }
    with compose.Project(image, services, folder, elsewhere).up() as project:
        scans = f"http://127.0.0.1:{project.port}/api/v1/scans"
        rest = requests.Session()
        rest.headers["X-Api-Key"] = own["TIGERTAG_API_KEY"]
        scan = rest.post(scans, json={"library": "photos", "write": "apply"}, timeout=30).json()
        until = time.monotonic() + 120
        while scan["state"] not in ("done", "failed"):
            assert time.monotonic() < until, scan
            time.sleep(0.1)
            scan = rest.get(f"{scans}/{scan['id']}", timeout=30).json()
        assert scan["state"] == "done", scan
        assert len([*photos.glob("*.xmp")]) == 100
        project.stop()


@pytest.mark.slow
def test_arm64_needs_no_compiler(tmp_path: Path) -> None:
    platforms = [f"--platform={name}" for name in ARM]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--quiet", "install", "--dry-run", "--no-deps"),
            *("--target", str(tmp_path), "--only-binary=:all:", "--python-version=3.13"),
            *platforms,
            *("--require-hashes", "-r", "requirements/all.txt"),
        ],
        cwd=CHECKOUT,
        check=True,
    )


def test_nothing_of_the_users_gets_into_the_image() -> None:
    tops = {name.partition("/")[0] for name in context(CHECKOUT)}
    known = {"alembic", "alembic.ini", "deploy", "faces", "faces.yaml", "main.py", "pyproject.toml"}
    assert tops <= known | {"README.md", "LICENSE", "NOTICE", "requirements", "tigertag"}
    assert {Path(name).suffix for name in context(CHECKOUT) if name.startswith("deploy/")} == {
        ".sh"
    }


def test_the_image_brings_known_models_to_where_they_are_looked_for() -> None:
    lines = dict(re.findall(r"^(ARG MODELS|COPY --from=build /models)[= ](.*)$", DOCKERFILE, re.M))
    assert set(lines["ARG MODELS"].split()) <= set(catalogue.catalogue())
    assert Path(lines["COPY --from=build /models"]) == catalogue.BAKED
