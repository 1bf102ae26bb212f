"""`make demo`: the whole way, from photos on a media server to tags there, over REST.

A pretended Plex or Immich server (`--server`) shows real photographs: those in scikit-image's
wheel, or those in the folder given as argument, which is only read. TigerTag is started as a
service beside it, previews the section, applies the preview, and a table shows what the server has
then. In a terminal the dashboard stays up until Ctrl-C. Ends with 0 only if every photo was looked
at and the server has every tag that was decided.
"""

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from tests import immich as fake_immich  # noqa: E402
from tests import plex as fake_plex  # noqa: E402
from tests.free_port import free_port  # noqa: E402
from tigertag.media import metadata  # noqa: E402
from tigertag.media.files import media_of  # noqa: E402
from tigertag.model import Media  # noqa: E402

PHOTOS = (
    "astronaut.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "motorcycle_left.png",
    "rocket.jpg",
)
_START_S = 60
_MOST_SHOWN = 40
_OURS = ("TIGERTAG_", "LIBRARY_", "ENGINE_", "DB_URL", "HOST", "PORT")

console = Console(highlight=False, width=int(os.environ.get("COLUMNS", "100")))


def photographs() -> Path:
    """The folder of photographs in scikit-image's wheel, which is not imported for it."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("scikit-image is not installed; `make demo` installs it.")
    return Path(spec.submodule_search_locations[0]) / "data"


def copied(to: Path) -> Path:
    """Copy the photographs to a folder of their own."""
    to.mkdir()
    for name in PHOTOS:
        shutil.copyfile(photographs() / name, to / name)
    return to


@dataclass(frozen=True, slots=True)
class MediaServer:
    """A pretended server that is up: how TigerTag reaches it, and the tags of an item on it."""

    title: str
    section: str
    settings: Mapping[str, str]
    tags: Callable[[str], Sequence[str]]


@contextmanager
def plex(photos: Path) -> Iterator[MediaServer]:
    with fake_plex.PlexServer() as server:
        fake_plex.fill(server, photos)
        settings = {"NAME": "tigertag.plex", "URL": server.url, "TOKEN": server.token}
        yield MediaServer("Plex", "Photos", settings, lambda key: server.tags(int(key)))


@contextmanager
def immich(photos: Path) -> Iterator[MediaServer]:
    with fake_immich.ImmichServer() as server:
        fake_immich.fill(server, photos)
        settings = {"NAME": "tigertag.immich", "URL": server.url, "API_KEY": server.key}
        yield MediaServer("Immich", "Timeline", settings, server.tags)


SERVERS = {"plex": plex, "immich": immich}


class Service:
    """TigerTag at work in a process of its own, and its REST."""

    def __init__(self, home: Path, server: MediaServer) -> None:
        self.port = free_port()
        self._key = "demo-" + os.urandom(16).hex()
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        self._environ = inherited | {
            "TIGERTAG_HOME": str(home),
            "TIGERTAG_API_KEY": self._key,
            "PORT": str(self.port),
            "LOG_LEVEL": "WARNING",
            "ENGINE_CLASSIFIER_NAME": "tigertag.classifier",
            "ENGINE_DETECTOR_NAME": "tigertag.detector",
            "ENGINE_METADATA_NAME": "tigertag.metadata",
            **{f"LIBRARY_DEMO_{name}": value for name, value in server.settings.items()},
        }

    @contextmanager
    def running(self, log: Path) -> Iterator[None]:
        with log.open("w") as file:
            command = [sys.executable, "-m", "tigertag", "serve"]
            process = subprocess.Popen(command, env=self._environ, stdout=file, stderr=file)
        try:
            self._wait(process, log)
            yield
        finally:
            process.terminate()
            process.wait(30)

    def _wait(self, process: subprocess.Popen[bytes], log: Path) -> None:
        until = time.monotonic() + _START_S
        while time.monotonic() < until and process.poll() is None:
            try:
                if requests.get(f"{self.url}/healthz", timeout=5).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        sys.exit(f"TigerTag did not start:\n{log.read_text()}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, **body: Any) -> Any:
        console.print(f"[bold]{method} /api/v1/{path}[/] {body or ''}")
        headers = {"X-Api-Key": self._key}
        response = requests.request(
            method, f"{self.url}/api/v1/{path}", headers=headers, json=body or None, timeout=30
        )
        if not response.ok:
            sys.exit(f"{response.status_code}: {response.text}")
        return response.json()

    def every(self, path: str) -> list[dict[str, Any]]:
        """Return a list from its first part to its last."""
        listed, cursor = list[dict[str, Any]](), ""
        while True:
            part = self.ask("GET", f"{path}?limit=200{cursor}")
            listed += part["items"]
            if part["next"] is None:
                return listed
            cursor = f"&cursor={part['next']}"

    def ended(self, scan: dict[str, Any]) -> dict[str, Any]:
        """Wait for the end of a scan."""
        headers = {"X-Api-Key": self._key}
        while scan["state"] not in ("done", "failed", "cancelled"):
            time.sleep(0.3)
            url = f"{self.url}/api/v1/scans/{scan['id']}"
            scan = requests.get(url, headers=headers, timeout=30).json()
        counts = {name: number for name, number in scan["counts"].items() if number}
        console.print(f"  scan {scan['id']} ({scan['kind']}) is {scan['state']}: {counts}\n")
        return scan

    def sign_in_link(self) -> str:
        command = [sys.executable, "-m", "tigertag", "password", "--link"]
        return subprocess.check_output(command, env=self._environ, text=True).strip()


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo, what was decided of it, and the tags that the server has of it now."""

    title: str
    decided: Mapping[str, float]
    tags: Sequence[str]

    @property
    def complete(self) -> bool:
        # Plex makes a tag's first letter a capital.
        return {tag.casefold() for tag in self.decided} <= {tag.casefold() for tag in self.tags}


def tagged(server: MediaServer, service: Service, scan: dict[str, Any]) -> list[Photo]:
    """Return every photo, with what the scan decided of it and what the server has now."""
    adds = {
        change["item"]["key"]: {tag["name"]: tag["confidence"] for tag in change["adds"]}
        for change in service.every(f"scans/{scan['id']}/changes")
    }
    return [
        Photo(item["title"], adds.get(item["key"], {}), server.tags(item["key"]))
        for item in service.every("items")
    ]


def table(photos: Sequence[Photo], server: str) -> Table:
    rows = Table("photo", "decided, how sure", f"in {server} now", box=None)
    for photo in photos[:_MOST_SHOWN]:
        decided = ", ".join(f"{name} {sure:.2f}" for name, sure in photo.decided.items())
        rows.add_row(photo.title, decided or "no confident tag", ", ".join(photo.tags))
    return rows


def main(name: str, folder: str) -> int:
    # A terminal that is closed ends it all, in order.
    signal.signal(signal.SIGHUP, lambda *_signal: sys.exit(1))
    own = Path(folder).expanduser() if folder else None
    if own is not None and not own.is_dir():
        print(f"{folder} is not a folder.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="tigertag-demo-") as scratch:
        photos = own or copied(Path(scratch) / "photos")
        with SERVERS[name](photos) as server:
            service = Service(Path(scratch) / "home", server)
            with service.running(Path(scratch) / "log"):
                return demonstrate(server, service, photos)


def demonstrate(server: MediaServer, service: Service, photos: Path) -> int:
    """Preview, apply and show the result; return the exit code."""
    preview = service.ended(service.ask("POST", "scans", library="demo", section=server.section))
    applied = service.ended(service.ask("POST", f"scans/{preview['id']}/apply"))
    result = tagged(server, service, preview)
    console.print(table(result, server.title))
    whole = preview["state"] == applied["state"] == "done"
    failed = preview["counts"]["failed"] + applied["counts"]["failed"]
    console.print(_summary(preview) if whole else "\nThe scan did not come to its end.")
    incomplete = [photo.title for photo in result if not photo.complete]
    lacking = f"lacks tags of {', '.join(incomplete)}" if incomplete else "has every tag"
    console.print(f"{server.title} {lacking}.")
    console.print(_places(photos))
    _stay(service)
    return int(not whole or failed > 0 or bool(incomplete))


def _summary(preview: dict[str, Any]) -> str:
    counts = preview["counts"]
    return f"\nLooked at {counts['listed']} photos; {counts['failed']} could not be looked at."


def _places(photos: Path) -> str:
    """Say how many of the photos can get places as tags."""
    files = [path for path in photos.rglob("*") if media_of(path.name) is Media.PHOTO]
    placed = sum(metadata.read(path, Media.PHOTO).latitude is not None for path in files)
    if placed:
        return f"{placed} of them say where they were taken, for the tags of places."
    return "None of them says where it was taken, so there are no tags of places."


def _stay(service: Service) -> None:
    """Leave the dashboard up while somebody is there to see it."""
    link = service.sign_in_link()
    console.print(f"The dashboard, by a link that signs in once:\n  {link}", soft_wrap=True)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        console.print("It ends now, for want of a terminal; run this in one to look at it.")
        return
    console.print("Ctrl-C ends it.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("\nBye.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="", help="a folder of photos")
    parser.add_argument("--server", choices=SERVERS, default="plex")
    arguments = parser.parse_args()
    sys.exit(main(arguments.server, arguments.folder))
