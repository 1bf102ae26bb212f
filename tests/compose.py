"""compose.yaml as `docker compose` reads it, and a stand-in that carries its services out.

Programs of other images (PostgreSQL, Redis) do not run: the tests' own servers are in their place.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.containers import Image
from tests.free_port import free_port
from tests.stand_in_docker import Container

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-+?])([^${}]*))?\}")


def services(
    text: str, variables: Mapping[str, str] | None = None, *profiles: str
) -> dict[str, dict[str, Any]]:
    """Return the services that a file starts, with the variables of .env filled in."""
    read = yaml.safe_load(text)
    filled: dict[str, dict[str, Any]] = _filled(read["services"], variables or {})
    return {
        name: service
        for name, service in filled.items()
        if not service.get("profiles") or {*service["profiles"]} & {*profiles}
    }


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _filled(inner, variables) for key, inner in value.items()}
        case list():
            return [_filled(inner, variables) for inner in value]
        case str():
            # From the inside out.
            while (filled := _VARIABLE.sub(lambda found: _value(found, variables), value)) != value:
                value = filled
    return value


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, how, other = found.groups()
    value = variables.get(name, "")
    match how:
        case "+":
            return other if value else ""
        case "?":
            assert value, f"{name} has to be set: {other}"
    return value or other or ""


@dataclass
class Project:
    """The containers of a file whose image was carried out in a scratch folder.

    `elsewhere`: what stands in the settings, and where that is on this machine.
    """

    image: Image
    services: dict[str, dict[str, Any]]
    folder: Path
    elsewhere: dict[str, str]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    port: int = field(default_factory=free_port)

    @contextmanager
    def up(self) -> Iterator["Project"]:
        """Run every container of the image; they are healthy when they are yielded."""
        try:
            for name in self.names():
                self._start(name)
            for name in self.running:
                self._wait_until_healthy(name)
            yield self
        finally:
            for process in self.running.values():
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def names(self) -> Iterator[str]:
        """The containers: a service, its replicas numbered."""
        for name, service in self.services.items():
            if "tigertag" in service["image"]:
                for number in range(service.get("deploy", {}).get("replicas", 1)):
                    yield f"{name}-{number + 1}"

    def stop(self) -> None:
        """Stop every container, which ends in order within its time."""
        for name, process in self.running.items():
            process.terminate()
            grace_s = float(self._service(name)["stop_grace_period"].removesuffix("s"))
            assert process.wait(timeout=grace_s) == 0, self.log(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def _start(self, name: str) -> None:
        container = self._container(name)
        command = [container.command[0], *self._command(name)]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = container.start(
                command, stdout=log, stderr=log, start_new_session=True
            )

    def _wait_until_healthy(self, name: str) -> None:
        until = time.monotonic() + 120
        checked = self._service(name).get("healthcheck")
        command = checked["test"][1:] if checked else self.image.health
        while self._container(name).start(command, stderr=subprocess.DEVNULL).wait():
            assert self.running[name].poll() is None, self.log(name)
            assert time.monotonic() < until, self.log(name)

    def _service(self, name: str) -> dict[str, Any]:
        return self.services[name.rpartition("-")[0]]

    def _container(self, name: str) -> Container:
        service = self._service(name)
        made = Container(**asdict(self.image))
        settings = service["environment"] | {"HOST": "127.0.0.1", "PORT": str(self.port)}
        made.given = {key: self.elsewhere.get(value, value) for key, value in settings.items()}
        for volume in service["volumes"]:
            outside, _colon, inside = volume.removesuffix(":ro").rpartition(":")
            place = self.folder / (outside.strip("./") or f"{name}{inside}")
            place.mkdir(parents=True, exist_ok=True)
            made.volumes[inside] = str(place)
        return made

    def _command(self, name: str) -> list[str]:
        return list(self._service(name).get("command") or self.image.command[1:])
