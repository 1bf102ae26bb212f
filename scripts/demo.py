"""`make demo`: the whole way, from photos in Plex to tags in Plex, over REST.

A pretended Plex server shows real photographs: those in scikit-image's wheel, or those in the
folder given as argument, which is only read. TigerTag is started as a service beside it, previews
the section, applies the preview, and a table shows what Plex has then. In a terminal the dashboard
stays up until Ctrl-C. Ends with 0 only if every photo was looked at.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from tests.free_port import free_port  # noqa: E402
from tests.plex import PlexServer  # noqa: E402
from tests.plex.filling import fill  # noqa: E402
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


class Service:
    """TigerTag at work in a process of its own, and its REST."""

    def __init__(self, home: Path, plex: PlexServer) -> None:
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
            "LIBRARY_PLEX_NAME": "tigertag.plex",
            "LIBRARY_PLEX_URL": plex.url,
            "LIBRARY_PLEX_TOKEN": plex.token,
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


def shown(plex: PlexServer, service: Service, scan: dict[str, Any]) -> Table:
    """What the preview decided, and what Plex shows now."""
    changes = service.ask("GET", f"scans/{scan['id']}/changes?limit=200")["items"]
    decided = {one["item"]["key"]: one for one in changes}
    table = Table("photo", "decided, how sure", "in Plex now", box=None)
    for item in service.ask("GET", "items?limit=200")["items"][:_MOST_SHOWN]:
        adds = decided.get(item["key"], {}).get("adds", [])
        said = ", ".join(f"{one['name']} {one['confidence']:.2f}" for one in adds)
        table.add_row(
            item["title"], said or "nothing sure enough", ", ".join(plex.tags(int(item["key"])))
        )
    return table


def main(folder: str) -> int:
    # A terminal that is closed ends it all, in order.
    signal.signal(signal.SIGHUP, lambda *_told: sys.exit(1))
    own = Path(folder).expanduser() if folder else None
    if own is not None and not own.is_dir():
        print(f"{folder} is not a folder.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="tigertag-demo-") as scratch, PlexServer() as plex:
        photos = own or copied(Path(scratch) / "photos")
        fill(plex, photos)
        service = Service(Path(scratch) / "home", plex)
        with service.running(Path(scratch) / "log"):
            preview = service.ended(service.ask("POST", "scans", library="plex", section="Photos"))
            applied = service.ended(service.ask("POST", f"scans/{preview['id']}/apply"))
            console.print(shown(plex, service, preview))
            whole = preview["state"] == applied["state"] == "done"
            failed = preview["counts"]["failed"] + applied["counts"]["failed"]
            console.print(_summary(preview) if whole else "\nThe scan did not come to its end.")
            console.print(_places(photos))
            _stay(service)
        return int(not whole or failed > 0)


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
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
