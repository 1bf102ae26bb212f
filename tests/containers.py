"""A Dockerfile carried out without a container engine, as far as that goes.

Each absolute path of the image becomes one below a scratch folder, `python` the Python of the
tests. What only a container can do is left out and listed: other users, and the base image.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_OURS = ("venv", "build", "src", "wheels", "models", "config", "app")
_USERADD = re.compile(r"useradd [^&]*&& install -d (?:-[og] \S+ )+")


def instructions(dockerfile: Path) -> Iterator[tuple[str, str]]:
    """Yield (instruction, argument), continued lines joined, comments left out."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        name, _blank, rest = line.strip().partition(" ")
        if name:
            yield name, rest.strip()


def context(checkout: Path) -> set[str]:
    """Return the files that .dockerignore lets into a build, and git knows."""
    tracked = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=checkout, text=True
    ).splitlines()
    rules = (checkout / ".dockerignore").read_text(encoding="utf-8").split()
    return {name for name in tracked if (checkout / name).is_file() and _let_in(name, rules)}


def _let_in(name: str, rules: list[str]) -> bool:
    let_in = True
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("**/")
        parts = name.split("/")
        heads = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        anywhere = parts if "**/" in rule else []
        if any(fnmatch.fnmatch(part, pattern) for part in (*heads, *anywhere)):
            let_in = rule.startswith("!")
    return let_in


@dataclass
class Image:
    """What a Dockerfile makes, below `root`."""

    root: Path
    checkout: Path
    build_args: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = Path()
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def build(self) -> None:
        """Carry the file out. Raises `CalledProcessError` where a step fails."""
        for name, rest in instructions(self.checkout / "Dockerfile"):
            getattr(self, f"_{name.lower()}")(rest)

    def here(self, text: str) -> str:
        """The text with the image's paths as they are here."""
        return re.sub(rf"(?<![\w./$])/({'|'.join(_OURS)})\b", f"{self.root}/\\1", text)

    def environ(self, **more: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if _is_about_pip(key)}
        path = os.pathsep.join([str(self.root / "bin"), os.environ["PATH"]])
        own = {key: self.here(value).replace("$PATH", path) for key, value in self._own()}
        return kept | {"PATH": path, "HOME": str(self.root)} | own | more

    def _own(self) -> Iterator[tuple[str, str]]:
        yield from self.environment.items()

    def _from(self, rest: str) -> None:
        self.left_out.append(f"FROM {rest}")
        self.environment.clear()
        (self.root / "bin").mkdir(parents=True, exist_ok=True)
        python = self.root / "bin" / "python"
        python.unlink(missing_ok=True)
        python.symlink_to(sys.executable)

    def _run(self, rest: str) -> None:
        if _USERADD.search(rest):
            self.left_out.append("RUN useradd …")
            rest = _USERADD.sub("mkdir -p ", rest)
        command = self.here(rest).replace("python -m venv", f"{sys.executable} -m venv")
        subprocess.run(["sh", "-ec", command], cwd=self.root, env=self.environ(), check=True)

    def _copy(self, rest: str) -> None:
        *sources, to = [word for word in rest.split() if not word.startswith("--from")]
        if "--from" in rest:
            return
        end = Path(self.here(to))
        for name in sorted(context(self.checkout)):
            for source in sources:
                if source == "." or name.startswith(f"{source}/"):
                    self._copy_file(name, end / os.path.relpath(name, source))
                elif name == source:
                    self._copy_file(name, end / Path(name).name if to.endswith("/") else end)

    def _copy_file(self, name: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.checkout / name, target)
        if name.endswith(".sh"):
            target.write_text(self.here(target.read_text(encoding="utf-8")), encoding="utf-8")

    def _arg(self, rest: str) -> None:
        key, _equals, value = rest.partition("=")
        self.environment[key] = self.build_args.get(key, value)

    def _env(self, rest: str) -> None:
        for word in shlex.split(rest):
            key, _equals, value = word.partition("=")
            self.environment[key] = value

    def _workdir(self, rest: str) -> None:
        self.folder = Path(self.here(rest))

    def _volume(self, rest: str) -> None:
        assert Path(self.here(rest)).is_dir()

    def _expose(self, rest: str) -> None:
        assert rest == self.environment["PORT"]

    def _healthcheck(self, rest: str) -> None:
        self.health = json.loads(rest[rest.index("CMD ") + 4 :])

    def _entrypoint(self, rest: str) -> None:
        self.command = [self.here(word) for word in json.loads(rest)]

    def _cmd(self, rest: str) -> None:
        self.command += json.loads(rest)


def _is_about_pip(key: str) -> bool:
    return key.startswith("PIP_") or key.endswith("_CERT") or key in ("SSL_CERT_FILE", "LANG")
