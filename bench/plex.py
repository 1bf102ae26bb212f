"""Plex: 20 000 photos of which nothing has changed, and photos a second through the server.

The fake server runs in this process, what is measured in processes of its own.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from plexapi.server import PlexServer as BarePlex

from bench import photographs
from bench.scanned import core_of, scan
from tests.plex import TOKEN, PlexServer
from tests.plex.filling import fill
from tigertag.contracts import Need
from tigertag.core import Core
from tigertag.model import Item

ITEMS, PHOTOS, TIMES = 20_000, 600, 3
LATENCY_S = 0.05

Figures = dict[str, float]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        print(json.dumps(_idle(root / "idle") | _paces(root / "pace")))


def _idle(root: Path) -> Figures:
    """A section of 20 000 photos: scanned, then scanned again and again, and listed bare."""
    photographs.make(root / "photos", 6, sizes=("0.3 Mpx",))
    with PlexServer() as plex:
        fill(plex, root / "photos", photos=ITEMS)
        first = _apart("instant", root, plex.url)
        before = plex.counts.copy()
        ours = [_apart("instant", root, plex.url) for _ in range(TIMES)]
        asked = plex.counts - before
        bare = [_apart("bare", root, plex.url) for _ in range(TIMES)]
    assert {one["items"] for one in bare} == {ITEMS}
    assert {one["unchanged"] for one in ours} == {ITEMS}, ours
    lists = sum(asked[kind] for kind in ("list", "sections", "library", "root"))
    return {
        "plex_first_s": first["s"],
        "plex_unchanged_s": statistics.median(one["s"] for one in ours),
        "plex_bare_s": statistics.median(one["s"] for one in bare),
        "plex_unchanged_mb": max(one["mb"] for one in ours),
        "plex_unchanged_asked": max(one["asked"] for one in ours),
        "plex_unchanged_fetched": asked.total() - lists,
    }


def _paces(root: Path) -> Figures:
    """The same photos from the folder, from a server that has them ready, and from a slow one."""
    photographs.make(root / "photos", PHOTOS)
    figures = {"folder_per_s": PHOTOS / _apart("folder", root / "photos", "")["s"]}
    for name, warm, latency_s in (("cold", 0, 0.0), ("ready", 1, 0.0), ("slow", 1, LATENCY_S)):
        with PlexServer() as plex:
            fill(plex, root / "photos")
            if warm:
                _apart("look", root, plex.url)
            plex.transcode_s = latency_s
            if latency_s:
                figures["plex_delivers_per_s"] = PHOTOS / _apart("look", root, plex.url)["s"]
            figures[f"plex_{name}_per_s"] = PHOTOS / _apart("classify", root / name, plex.url)["s"]
    return figures


def _apart(part: str, root: Path, url: str) -> Figures:
    """Measure a part in a process of its own."""
    command = [sys.executable, "-m", "bench.plex", part, str(root), url]
    found: Figures = json.loads(subprocess.check_output(command).splitlines()[-1])
    return found


def bare(_root: Path, url: str) -> Figures:
    """List the section as plexapi's documentation does."""
    server = BarePlex(url, TOKEN)  # type: ignore[no-untyped-call]
    begun = time.perf_counter()
    photos = server.library.section("Photos").searchPhotos()
    return {"s": time.perf_counter() - begun, "items": len(photos)}


def look(root: Path, url: str) -> Figures:
    """Fetch each small picture, eight at once: the server makes them, as Plex keeps them then."""
    core = _plex(root, url, "tigertag.classifier")
    library, engine = core.library("one"), core.engines[0].engine
    assert engine is not None
    engine.open()
    (section,) = library.sections()
    need = Need(engine.capabilities.short_side_px)

    def fetch(item: Item) -> None:
        with library.fetch(item, need):
            pass

    items = list(library.items(section))
    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, items))
    return {"s": time.perf_counter() - begun}


def _plex(root: Path, url: str, engine: str) -> Core:
    return core_of(root / "home", {"NAME": "tigertag.plex", "URL": url, "TOKEN": TOKEN}, engine)


def _folder(root: Path) -> Core:
    library = {"NAME": "tigertag.folder", "PATH": str(root)}
    return core_of(root.parent / "home", library, "tigertag.classifier")


_PARTS: dict[str, Callable[[Path, str], Figures]] = {
    "bare": bare,
    "look": look,
    "instant": lambda root, url: scan(_plex(root, url, "bench.instant")),
    "classify": lambda root, url: scan(_plex(root, url, "tigertag.classifier")),
    "folder": lambda root, _url: scan(_folder(root)),
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_PARTS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])))
    else:
        main()
