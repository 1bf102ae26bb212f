"""`python scripts/screenshots.py [--out DIR] [--photos DIR] [--all]`: pictures of the dashboard.

Tags photographs with the local engines in a scratch folder and on a pretended Immich (by default
those in scikit-image's wheel; `make demo` installs it), and opens the pages in headless Chromium at
desktop and phone width, light and dark. The result is docs/screenshots/NAME-WIDTH-SCHEME.png;
without `--all` only the few that the README and docs show.
"""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.demo import photographs
from tests.immich import LEAST, ImmichServer
from tigertag import __version__, bootstrap, settings
from tigertag.core import Core
from tigertag.media.files import media_of
from tigertag.model import Media
from tigertag.scan import calls
from tigertag.scan.worker import ScanWorker
from tigertag.services import previews, scan_status, scans
from tigertag.services.background import BackgroundTasks
from tigertag.settings import WebSettings
from tigertag.store import chunks, dispatch, engine_state, workers
from tigertag.store import scans as scan_rows
from tigertag.store.workers import NewWorker, Refusal
from tigertag.web.app import create_app

DOCS = Path(__file__).parent.parent / "docs" / "screenshots"
WIDTHS = {"desktop": (1280, 800), "phone": (360, 740)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SHOWN = ("home", "preview", "item", "tags", "system", "verifying", "setup")
CREW = {
    "attic": ("default", "video", "paid"),
    "nas": ("default",),
    "workshop": ("default", "video", "paid"),
}
SECTIONS = {
    "Holiday": (
        "camera.png",
        "chelsea.png",
        "coffee.png",
        "motorcycle_left.png",
        "motorcycle_right.png",
        "rocket.jpg",
        "astronaut.png",
        "moon.png",
    ),
    "At home": ("chelsea.png", "coffee.png", "clock_motion.png", "coins.png"),
}
PASSWORD = "a password for pictures"
FINAL_S = 120
FREE = ("local", "boxes")
NEVER_ASKED = {
    "ENGINE_IMAGGA_NAME": "tigertag.imagga",
    "ENGINE_IMAGGA_API_KEY": "none",
    "ENGINE_IMAGGA_API_SECRET": "none",
    "ENGINE_IMAGGA_MONTHLY_LIMIT": "1000",
}


def made(root: Path, folder: Path, server: ImmichServer) -> Core:
    """A core over the photographs, and nothing of the environment of whoever calls."""
    sections = {}
    if all((folder / section).is_dir() for section in SECTIONS):
        sections = {"LIBRARY_PHOTOS_SECTIONS": ",".join(SECTIONS)}
    # One permission more than it takes, so that Setup has something to advise.
    key = server.add_key(*LEAST, "asset.delete", "userPreference.read")
    return bootstrap.build(
        settings.load(
            {
                "TIGERTAG_HOME": str(root / "home"),
                "LIBRARY_PHOTOS_NAME": "tigertag.folder",
                "LIBRARY_PHOTOS_PATH": str(folder),
                "LIBRARY_IMMICH_NAME": "tigertag.immich",
                "LIBRARY_IMMICH_URL": server.url,
                "LIBRARY_IMMICH_API_KEY": key,
                "ENGINE_LOCAL_NAME": "tigertag.classifier",
                "ENGINE_BOXES_NAME": "tigertag.detector",
                **NEVER_ASKED,
                **sections,
            }
        )
    )


def sorted_photographs(root: Path) -> Path:
    """Copy the photographs into a folder for each section."""
    for section, names in SECTIONS.items():
        (root / section).mkdir(parents=True)
        for name in names:
            shutil.copyfile(photographs() / name, root / section / name)
    return root


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    sys.exit("Chromium is not installed.")


def ended(core: Core, scan_id: int) -> int:
    deadline = time.monotonic() + FINAL_S
    while scan_status.status(core, scan_id).scan.active:
        if time.monotonic() > deadline:
            sys.exit(f"Scan {scan_id} did not end in {FINAL_S} s.")
        time.sleep(0.1)
    return scan_id


def verifying(core: Core, server: ImmichServer, photos: Sequence[Path]) -> int:
    """Start a scan whose tags Immich has accepted and not stored yet, behind other work."""
    timeline = scans.Request("immich", "timeline", write="apply", engines=FREE)
    first, *others = photos
    server.add_photo(None, first.name, first)
    ended(core, scans.start(core, timeline))
    server.jobs.paused = True
    for path in others:
        server.add_photo(None, path.name, path)
    scan_id = scans.start(core, timeline)
    deadline = time.monotonic() + FINAL_S
    while scan_status.status(core, scan_id).scan.state != "waiting":
        if time.monotonic() > deadline:
            sys.exit(f"Scan {scan_id} does not wait for Immich.")
        time.sleep(0.1)
    return scan_id


def pages(core: Core, server: ImmichServer, folder: Path) -> dict[str, str]:
    """Scan, and return where each page is."""
    first, *others = [section.id for section in core.library("photos").sections()]
    last = others[-1] if others else first
    preview = ended(core, scans.start(core, scans.Request("photos", first, engines=FREE)))
    other = ended(core, scans.start(core, scans.Request("photos", last, engines=FREE)))
    applied = ended(core, scans.apply(core, other))
    (item, *_rest) = previews.changes(core, applied).items
    forecast = ended(core, scans.forecast(core, scans.Request("photos", first)))
    pretend(core, item.card.id)
    photos = sorted(path for path in folder.rglob("*") if media_of(path.name) is Media.PHOTO)
    return {
        "verifying": f"/scans/{verifying(core, server, photos)}",
        "home": "/",
        "preview": f"/scans/{preview}",
        "applied": f"/scans/{applied}",
        "scans": "/scans",
        "items": "/items",
        "item": f"/items/{item.card.id}",
        "tags": "/tags",
        "rule": "/rules/new?action=deny&word=cat",
        "threshold": "/rules/new?action=threshold&word=cat",
        "rules": "/rules",
        "setup": "/setup#libraries",
        "forecast": f"/scans/{forecast}?write=preview",
        "use": "/use",
        "departures": "/departures",
        "system": "/system/status",
        "tasks": "/system/tasks",
        "events": "/system/events",
        "missing": "/scans/999",
    }


def pretend(core: Core, item_id: int) -> None:
    """Note calls that nobody made, so that there is something to show."""
    ledger = calls.of_items(core, core.engine("imagga"))
    for size_bytes in (18_233, 21_410, 17_090):
        call = ledger.reserve(str(item_id), host="api.imagga.com", size_bytes=size_bytes, units=1)
        call.settle(units=1, cost_usd=0.0)


def employ(core: Core) -> Core:
    """Let workers be known that nobody runs, and a scan that they share; nobody has a GPU."""
    scan_id = scans.start(core, scans.Request("photos", core.library("photos").sections()[0].id))
    started_at = datetime.now(UTC) - timedelta(hours=5)
    with core.store.write() as db:
        engine_state.lease(db, "", dispatch.LEADS[0], owner="pictures", lease_s=600.0)
        scan_rows.put(db, scan_id, state="running")
        for name, queues in CREW.items():
            known = ("photos", "immich"), ("boxes", "local")
            me = NewWorker(name, f"{name}.lan", 7, __version__, name, started_at, 4, queues, *known)
            workers.enter(db, me)
            reason = "/photos/Holiday is not there: mount it, or take photos off this worker."
            refuses = [Refusal(scan_id, "photos", reason)] if name == "nas" else []
            done = 0 if refuses else 4210
            workers.beat(db, name, items_done=done, items_s=done / 400, refusals=refuses)
        chunks.drop_listing(db, scan_id)
        for number in range(6):
            chunks.add(db, scan_id, size=20)
            if number < 2:
                chunks.lease(db, scan_id, owner="attic", lease_s=600.0)
        chunks.add(db, scan_id, queue="gpu", size=8)
        workers.drain(db, "workshop", draining=True)
    return replace(core, broker_url="redis://127.0.0.1:9/0")


@contextmanager
def living(core: Core) -> Iterator[None]:
    """Let the workers be heard of meanwhile."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(2):
            with core.store.write() as db:
                for row in workers.every(db):
                    workers.beat(
                        db,
                        row.name,
                        items_done=row.items_done,
                        items_s=row.items_s,
                        refusals=row.refusals,
                    )

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def shoot(browser: Browser, address: str, found: dict[str, str], out: Path) -> None:
    for width, (across, down) in WIDTHS.items():
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": across, "height": down}, color_scheme=scheme
            )
            page = context.new_page()
            page.goto(address)
            if "sign-in" in found:
                save(page, out / f"sign-in-{width}-{scheme}.png")
            page.fill("#password", PASSWORD)
            page.press("#password", "Enter")
            page.wait_for_selector("nav")
            for name, path in found.items():
                if name != "sign-in":
                    page.goto(address + path)
                    page.wait_for_load_state("networkidle")
                    save(page, out / f"{name}-{width}-{scheme}.png")
            context.close()


def save(page: Page, path: Path) -> None:
    """Save the part in view, in few colours: such a picture is a third as large."""
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DOCS)
    parser.add_argument("--photos", type=Path, help="a folder; sidecars are written into it")
    parser.add_argument("--all", action="store_true", help="every page")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="tigertag-pictures-") as scratch,
        ImmichServer() as server,
    ):
        folder = asked.photos or sorted_photographs(Path(scratch) / "photos")
        core = made(Path(scratch), folder, server)
        web = WebSettings(password=PASSWORD, api_key="k" * 32)
        app = create_app(core, web, ScanWorker(core, BackgroundTasks(core)))
        found = {"sign-in": "/sign-in"} | pages(core, server, folder)
        if not asked.all:
            found = {name: found[name] for name in SHOWN}
        with served(app) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            shoot(browser, address, found, asked.out)
            server.jobs.resume()
            app.extensions["tigertag"].worker.stop()
            clustered = create_app(employ(core), web, work=False)
            with served(clustered) as address, living(core):
                shoot(browser, address, {"workers": "/system/workers"}, asked.out)
            browser.close()


if __name__ == "__main__":
    main()
