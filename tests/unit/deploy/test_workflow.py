"""The workflow that publishes the image, as far as it goes without the forge that runs it."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tigertag import __version__

CHECKOUT = Path(__file__).parents[3]
TEXT = (CHECKOUT / ".github/workflows/image.yml").read_text(encoding="utf-8")
# YAML 1.1 reads the key `on` as true.
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [(job, step) for job, made in JOBS.items() for step in made["steps"]]
RUNS = [step["run"] for _job, step in STEPS if "run" in step]
SCRIPTS = sorted(CHECKOUT.glob("scripts/*.sh")) + sorted(CHECKOUT.glob("deploy/*.sh"))


def test_each_action_is_pinned_to_a_commit_whose_version_is_named() -> None:
    actions = re.findall(r"uses: (.*)", TEXT)
    assert len(actions) == sum("uses" in step for _job, step in STEPS)
    pinned = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [action for action in actions if not pinned.fullmatch(action)] == []


def test_one_commit_stands_for_each_action() -> None:
    pins = {tuple(action.split("@")) for action in re.findall(r"uses: (\S+)", TEXT)}
    assert len({name for name, _commit in pins}) == len(pins)


def test_only_the_job_that_publishes_may_write_and_only_packages() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    own = {job: made["permissions"] for job, made in JOBS.items() if "permissions" in made}
    assert own == {"publish": {"contents": "read", "packages": "write"}}


def test_no_secret_is_used_but_the_forges_own_token() -> None:
    assert set(re.findall(r"secrets\.(\w+)", TEXT)) == {"GITHUB_TOKEN"}
    assert {step["with"]["persist-credentials"] for _job, step in STEPS if is_checkout(step)} == {
        False
    }


def is_checkout(step: dict[str, Any]) -> bool:
    return str(step.get("uses")).startswith("actions/checkout@")


def test_nothing_is_published_that_is_not_tagged_tested_and_scanned() -> None:
    assert JOBS["publish"]["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert JOBS["publish"]["needs"] == ["checkout", "image"]
    pushing = [job for job, step in STEPS if step.get("with", {}).get("push")]
    assert pushing == ["publish"]
    scans = [
        step["with"] for job, step in STEPS if job == "image" and "scan" in step.get("uses", "")
    ]
    assert [scan["fail-build"] for scan in scans] == [True]


def test_the_machines_that_are_published_are_those_that_were_tested() -> None:
    tested = {f"linux/{name}" for name in JOBS["image"]["strategy"]["matrix"]["machine"]}
    (published,) = [
        step["with"]["platforms"] for _job, step in STEPS if step.get("name") == "Publish"
    ]
    assert set(published.split(",")) == tested == {"linux/amd64", "linux/arm64"}


def test_nothing_from_outside_gets_into_a_shell() -> None:
    assert [run for run in RUNS if "${{" in run] == []


@pytest.mark.parametrize("run", RUNS)
def test_a_step_is_sound_shell_and_its_commands_are_there(run: str) -> None:
    subprocess.run(["sh", "-n", "-c", run], check=True)
    for path in re.findall(r"(?:^|\s)((?:scripts|\.ci|tigertag)/[\w./]+)", run):
        assert (CHECKOUT / path).is_file()
        assert os.access(CHECKOUT / path, os.X_OK) or path.endswith(".py")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)


@pytest.mark.parametrize(("tag", "code"), [("v{version}", 0), ("v9.9.9", 1), ("main", 1)])
def test_a_tag_that_is_not_the_programs_version_publishes_nothing(tag: str, code: int) -> None:
    (run,) = [run for run in RUNS if "GITHUB_REF_NAME" in run]
    environ = os.environ | {"GITHUB_REF_NAME": tag.format(version=__version__)}
    done = subprocess.run(["sh", "-ec", run], cwd=CHECKOUT, env=environ)
    assert done.returncode == code


def test_the_images_check_starts_it_with_the_limits_of_the_compose_file() -> None:
    check = (CHECKOUT / "scripts" / "check_image.sh").read_text(encoding="utf-8")
    service = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())["services"]["tigertag"]
    assert re.findall(r"--cap-add (\w+)", check) == service["cap_add"]
    assert re.findall(r"--cap-drop (\w+)", check) == service["cap_drop"]
    assert re.findall(r"--security-opt (\S+)", check) == service["security_opt"]
    assert re.findall(r"--tmpfs (\S+)", check) == service["tmpfs"]
    assert ("--read-only" in check) == service["read_only"]
