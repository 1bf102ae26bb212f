"""An engine over the fake CompreFace, with people in a folder."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.compreface import CompreFaceServer, drawn
from tests.counted import CountedCalls
from tigertag.contracts import Enrolled, Host, PluginState, PluginStateInMemory, RunContext
from tigertag.engines import compreface
from tigertag.engines.compreface import CompreFace, Options
from tigertag.net import HttpClient, RetryPolicy

HASTE = RetryPolicy(connect_s=2.0, read_s=2.0, attempts=3, first_wait_s=0.01, longest_wait_s=0.05)


@dataclass
class Home:
    """A folder with faces, a store that outlives its engines, and the CompreFace they ask."""

    server: CompreFaceServer
    root: Path
    http: HttpClient = field(default_factory=lambda: HttpClient(HASTE))
    kept: PluginState = field(default_factory=PluginStateInMemory)
    engines: list[CompreFace] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.root / "faces.yaml"

    @property
    def folder(self) -> Path:
        return self.root / "faces"

    def write(self, people: Mapping[str, Mapping[str, bytes | None]]) -> None:
        """Say who is to be known; a picture that is None is named but not put there."""
        self.folder.mkdir(exist_ok=True)
        for pictures in people.values():
            for name, picture in pictures.items():
                if picture is not None:
                    (self.folder / name).write_bytes(picture)
        faces = [
            {"tag": tag, "images": [{"name": name} for name in pictures]}
            for tag, pictures in people.items()
        ]
        self.config.write_text(json.dumps({"faces": faces}, indent=1), encoding="utf-8")

    def knows_ada(self) -> None:
        self.write({"Ada": {"ada-1.png": drawn("ada", kind="PNG")}})

    def engine(self, **options: object) -> CompreFace:
        """Another engine over all this, not open yet."""
        told: dict[str, object] = {
            "api_key": self.server.key,
            "api_url": "http://127.0.0.1",
            "api_port": self.server.port,
            "faces_folder": self.folder,
            "faces_config": self.config,
        }
        host = Host(self.root / "models", self.http, self.kept)
        made = compreface.build("faces", Options.model_validate(told | options), host)
        self.engines.append(made)
        return made

    def enrolled(self, **options: object) -> Enrolled:
        engine = self.engine(**options)
        engine.open()
        return engine.enrol(RunContext(calls=CountedCalls()))

    def close(self) -> None:
        for one in self.engines:
            one.close()
        self.http.close()


@contextmanager
def home(root: Path) -> Iterator[Home]:
    with CompreFaceServer() as server:
        made = Home(server, root)
        made.write({})
        try:
            yield made
        finally:
            made.close()
