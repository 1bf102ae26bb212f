"""A stand-in for `docker`, for an image whose steps were carried out in a scratch folder.

It does what scripts/check_image.sh asks for. Users, capabilities and file systems stay this
machine's: options about them are accepted and do nothing.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.containers import Image
from tests.free_port import free_port

_PLACE = "STAND_IN_DOCKER"
_CHECKOUT = Path(__file__).parents[1]
# Its pid and its exit code are asked for by later calls.
_KEEP = 'place=$1; shift; "$@" & echo $! >"$place/pid"; wait $!; echo $? >"$place/code"'


@dataclass
class Container(Image):
    """An image that runs, with folders of this machine in the place of its own."""

    given: dict[str, str] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        for inside, outside in self.volumes.items():
            text = re.sub(rf"(?<![\w./$]){inside}\b", outside, text)
        return super().here(text)

    def start(self, command: list[str], **more: Any) -> "subprocess.Popen[bytes]":
        given = {key: self.here(value) for key, value in self.given.items()}
        command = [self.here(word) for word in command]
        return subprocess.Popen(command, cwd=self.folder, env=self.environ(**given), **more)


def install(image: Image, place: Path) -> dict[str, str]:
    """Put a program `docker` into a folder; return the environment that finds it."""
    place.mkdir()
    _save(asdict(image), place)
    program = place / "docker"
    program.write_text(
        f'#!/bin/sh\ncd {_CHECKOUT} && exec {sys.executable} -m {__name__} "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    return os.environ | {_PLACE: str(place), "PATH": f"{place}:{os.environ['PATH']}"}


def _save(container: dict[str, Any], place: Path) -> None:
    (place / "container.json").write_text(json.dumps(container, default=str), encoding="utf-8")


def _load(place: Path) -> Container:
    read = json.loads((place / "container.json").read_text(encoding="utf-8"))
    return Container(**read | {name: Path(read[name]) for name in ("root", "checkout", "folder")})


def main(verb: str, arguments: list[str]) -> int:
    place = Path(os.environ[_PLACE])
    container = _load(place)
    match verb:
        case "run":
            _run(container, place, arguments)
        case "exec":
            skipped = 2 if arguments[0] == "--user" else 0
            return container.start(arguments[skipped + 1 :]).wait()
        case "inspect" if "Health" in arguments[1]:
            code = container.start(container.health, stderr=subprocess.DEVNULL).wait()
            print("starting" if code else "healthy")
        case "inspect":
            print((place / "code").read_text())
        case "stop":
            return _stop(place)
        case "logs":
            print((place / "log").read_text())
        case "rm" if not (place / "code").exists():
            return _stop(place)
    return 0


def _run(container: Container, place: Path, arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    for name in ("--name", "--platform", "--tmpfs", "--security-opt", "--cap-drop", "--cap-add"):
        parser.add_argument(name)
    for name in ("--detach", "--read-only"):
        parser.add_argument(name, action="store_true")
    for name in ("--env", "--volume"):
        parser.add_argument(name, action="append")
    parser.add_argument("image")
    options = parser.parse_args(arguments)
    for volume in options.volume:
        outside, inside = volume.split(":")
        Path(outside).mkdir(exist_ok=True)
        container.volumes[inside] = outside
    container.given = dict(entry.split("=", 1) for entry in options.env)
    container.given |= {"HOST": "127.0.0.1", "PORT": str(free_port())}
    _save(asdict(container), place)
    with (place / "log").open("w") as log:
        command = ["sh", "-c", _KEEP, "sh", str(place), *container.command]
        container.start(command, stdout=log, stderr=log, start_new_session=True)


def _stop(place: Path) -> int:
    os.kill(int((place / "pid").read_text()), signal.SIGTERM)
    until = time.monotonic() + 30
    while not (place / "code").exists():
        if time.monotonic() > until:
            return 1
        time.sleep(0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
