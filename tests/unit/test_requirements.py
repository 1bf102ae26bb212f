"""Installs come from locks, which name all that is installed: nothing is resolved."""

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.requirements import CHECKOUT, FOLDER, PYTHONS, lacks, locked, to_build, wanted

LOCKS = tuple(sorted(path.name for path in FOLDER.glob("*.txt")))
MACHINES = ("x86_64", "aarch64")


def environment(python: str, machine: str) -> dict[str, str]:
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "platform_system": "Linux",
        "sys_platform": "linux",
        "extra": "",
    }


def lock(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("all.txt", wanted("all")),
        ("dev.txt", wanted("all", groups=["dev"])),
        ("build.txt", to_build()),
    ],
)
def test_a_lock_has_all_that_its_distributions_and_their_extras_require(
    name: str, required: tuple[str, ...], python: str, machine: str
) -> None:
    here = environment(python, machine)
    assert lacks(locked(lock(name), here), required, here) == set()


@pytest.mark.parametrize(
    ("distribution", "line"),
    [
        ("psycopg-binary", "psycopg[binary]"),  # Our own requirement has the extra.
        ("flask-openapi3-swagger", "flask-openapi3[swagger]"),
        ("jsonschema-rs", "schemathesis"),
        ("coverage", "pytest-cov"),
    ],
)
def test_a_distribution_that_is_taken_out_of_a_lock_is_missed(distribution: str, line: str) -> None:
    here = environment("3.11", platform.machine())
    left = {
        name: version
        for name, version in locked(lock("dev.txt"), here).items()
        if name != distribution
    }
    assert any(one.startswith(distribution) for one in lacks(left, [line], here))


def test_what_we_import_is_of_one_version_on_every_python() -> None:
    """Types and tests hold for the versions that they were run with, and the image has another."""
    locks = [locked(lock("all.txt"), environment(python, "x86_64")) for python in PYTHONS]
    for name in {canonicalize_name(Requirement(line).name) for line in wanted("all")}:
        assert len({versions[name] for versions in locks}) == 1, name


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host(name: str) -> None:
    assert re.findall(r"https?:|--(?:extra-)?index-url|--find-links|file:", lock(name)) == []


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", "README.md", ".ci/run"])
def test_no_step_has_pip_resolve_anything(name: str) -> None:
    text = (CHECKOUT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    steps = re.findall(r"(?:pip|\$\(PIP\)) (?:install|wheel)\b[^&\n]*", text)
    assert [step for step in steps if "--no-deps" not in step] == []


def test_the_readme_and_the_script_name_the_same_packages() -> None:
    script = (CHECKOUT / "scripts" / "ensure_test_tools.sh").read_text(encoding="utf-8")
    packages = re.findall(r'^has_\w+ \|\| wanted="(?:\$wanted )?([\w-]+)"', script, re.MULTILINE)
    assert len(packages) == script.count("() {") - 1
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert [name for name in packages if f"`{name}`" not in readme] == []


def interpreter(version: str) -> str:
    """The Python of a version; the test is left out, loudly, where there is none."""
    names = [sys.executable, shutil.which(f"python{version}"), shutil.which("python3")]
    for name in filter(None, names):
        print_version = 'import sys, ensurepip; print("%d.%d" % sys.version_info[:2])'
        said = subprocess.run([name, "-c", print_version], capture_output=True, text=True)
        if said.stdout.strip() == version:
            return name
    pytest.skip(f"python{version} is not on PATH: whether its pip takes the locks is not tested")


def entries(name: str) -> list[str]:
    """A lock's requirements, each with its hashes."""
    return re.split(r"\n(?=\S)", lock(name).strip())


@pytest.mark.slow
@pytest.mark.parametrize("python", PYTHONS)
def test_the_pip_that_a_python_comes_with_takes_the_locks(python: str, tmp_path: Path) -> None:
    program = interpreter(python)
    subprocess.run([program, "-m", "venv", tmp_path], check=True)
    # The Python of the tests installs what the image has (tests/slow/test_container.py).
    installed = ("all.txt", "people.txt", "build.txt") if program == sys.executable else ()
    known = {entry for name in installed for entry in entries(name)}
    rest = [entry for name in LOCKS for entry in entries(name) if entry not in known]
    (tmp_path / "rest.txt").write_text("\n".join(dict.fromkeys(rest)), encoding="utf-8")
    subprocess.run(
        [
            *(tmp_path / "bin" / "python", "-m", "pip", "--disable-pip-version-check"),
            *("install", "--quiet", "--dry-run", "--no-deps", "--require-hashes"),
            *("--only-binary=:all:", "-r", tmp_path / "rest.txt"),
        ],
        check=True,
    )
