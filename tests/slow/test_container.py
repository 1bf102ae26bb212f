"""The container's image, as far as they go without a container engine."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.containers import Image, context
from tests.free_port import free_port
from tigertag.inference import catalogue

CHECKOUT = Path(__file__).parents[2]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
ARM = [f"manylinux_2_{minor}_aarch64" for minor in range(17, 42)] + ["manylinux2014_aarch64"]


def is_healthy(image: Image, environ: dict[str, str]) -> bool:
    return subprocess.run(image.health, env=environ, capture_output=True).returncode == 0


@pytest.mark.slow
def test_the_images_steps_make_a_service_that_is_healthy(tmp_path: Path) -> None:
    image = Image(tmp_path, CHECKOUT, build_args={"MODELS": ""})
    image.build()
    assert [step.split()[0] for step in image.left_out] == ["FROM", "FROM", "RUN"]
    # Only root can become somebody else; the scratch folder lets nobody else in.
    own = {"PUID": str(os.geteuid()), "PGID": str(os.getegid())}
    environ = image.environ(HOST="127.0.0.1", PORT=str(free_port()), **own)
    with (tmp_path / "log").open("w") as log:
        service = subprocess.Popen(
            image.command, cwd=image.folder, env=environ, stdout=log, stderr=log
        )
    until = time.monotonic() + 60
    while not is_healthy(image, environ):
        assert service.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < until, (tmp_path / "log").read_text()
        time.sleep(0.2)
    service.send_signal(signal.SIGTERM)
    assert service.wait(30) == 0
    assert not is_healthy(image, environ)
    assert (tmp_path / "config" / "tigertag.db").exists()


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
