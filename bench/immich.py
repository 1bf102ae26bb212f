"""Immich: 20 000 photos of which nothing has changed, photos a second, and tags that stay.

The fake server runs in this process, what is measured in processes of its own.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from bench import photographs
from bench.scanned import core_of, scan
from bench.wordy import WORDS
from tests.immich import KEY, ImmichServer, fill
from tigertag.core import Core

ITEMS, PHOTOS, WRITTEN, TIMES = 20_000, 600, 80, 3
SEARCH_S = 0.25
_LISTS = "POST /search/metadata"
_CONNECTS = ("GET /api-keys/me", "GET /users/me", "GET /server/version")
_PAGE = 1000
_MONTH_S = 30 * 86_400.0

Figures = dict[str, float]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        print(json.dumps(_idle(root / "idle") | _paces(root / "pace") | _writes(root / "writes")))


@contextmanager
def _immich(folder: Path, photos: int, *, extraction_s: float) -> Iterator[ImmichServer]:
    with ImmichServer() as server:
        server.extraction_s = extraction_s
        fill(server, folder, photos=photos)
        _age(server)
        yield server


def _age(server: ImmichServer) -> None:
    """Let a month go by since the photos were added and changed."""
    for asset in server.assets.values():
        asset.made = asset.updated = time.time() - _MONTH_S
        asset.shown.clear()
    server.changed()


def _idle(root: Path) -> Figures:
    """A timeline of 20 000 photos: scanned, then scanned again and again, and listed bare."""
    photographs.make(root / "photos", 6, sizes=("0.3 Mpx",))
    with _immich(root / "photos", ITEMS, extraction_s=0.0005) as server:
        first = _apart("instant", root, server.url)
        server.settle(600)
        # A month later: who changed them cannot be told by these dates, so they are read once more.
        _age(server)
        _apart("instant", root, server.url)
        before = server.counts.copy()
        ours = [_apart("instant", root, server.url) for _ in range(TIMES)]
        asked = server.counts - before
        bare = [_apart("bare", root, server.url) for _ in range(TIMES)]
        server.search_s = SEARCH_S
        slow = _apart("instant", root, server.url)["s"] / _apart("bare", root, server.url)["s"]
    assert {one["items"] for one in bare} == {ITEMS}
    assert {one["unchanged"] for one in ours} == {ITEMS}, ours
    return {
        "immich_first_s": first["s"],
        "immich_unchanged_s": statistics.median(one["s"] for one in ours),
        "immich_bare_s": statistics.median(one["s"] for one in bare),
        "immich_unchanged_slow_of_bare": slow,
        "immich_unchanged_mb": max(one["mb"] for one in ours),
        "immich_unchanged_asked": max(one["asked"] for one in ours),
        "immich_unchanged_lists": asked[_LISTS] / TIMES,
        "immich_unchanged_fetched": asked.total() - sum(asked[one] for one in (_LISTS, *_CONNECTS)),
    }


def _paces(root: Path) -> Figures:
    """The same photos from the folder, and from a server that has their previews ready."""
    photographs.make(root / "photos", PHOTOS)
    figures: Figures = {}
    with _immich(root / "photos", PHOTOS, extraction_s=0.05) as server:
        _apart("look", root, server.url)
        for write in ("preview", "apply"):
            # Sidecars that are there would make the folder's photos others for the next scan.
            folder = _apart(f"folder {write}", root / "photos", "")
            ours = _apart(f"classify {write}", root / write, server.url)
            figures[f"immich_folder_{write}_per_s"] = PHOTOS / folder["s"]
            figures[f"immich_{write}_per_s"] = PHOTOS / ours["s"]
            figures[f"immich_{write}_mb"] = ours["mb"]
    return figures


def _writes(root: Path) -> Figures:
    """Ten tags for each of 80 photos: by TigerTag, and one by one, as a plain script does it."""
    photographs.make(root / "photos", 8, sizes=("0.3 Mpx",))
    figures: Figures = {"immich_written": WRITTEN * len(WORDS)}
    for writer in ("words", "naive"):
        with _immich(root / "photos", WRITTEN, extraction_s=0.05) as server:
            figures[f"immich_{writer}_s"] = _apart(writer, root, server.url)["s"]
            server.settle(60)
            tags = [Counter(server.tags(key)) for key in server.assets]
        wanted = WRITTEN * len(WORDS)
        figures[f"immich_{writer}_lost"] = wanted - sum(
            min(one[word], 1) for one in tags for word in WORDS
        )
        figures[f"immich_{writer}_doubled"] = sum(
            count - 1 for one in tags for count in one.values()
        ) + sum(word not in WORDS for one in tags for word in one)
    return figures


def _apart(part: str, root: Path, url: str) -> Figures:
    """Measure a part in a process of its own."""
    command = [sys.executable, "-m", "bench.immich", part, str(root), url]
    found: Figures = json.loads(subprocess.check_output(command).splitlines()[-1])
    return found


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["x-api-key"] = KEY
    return session


def bare(_root: Path, url: str) -> Figures:
    """List the timeline by the requests that TigerTag sends for its pages, and nothing else."""
    session, items = _session(), set[str]()
    body = {"size": _PAGE, "order": "asc", "withExif": True, "withPeople": False}
    body |= {"visibility": "timeline"}
    begun = time.perf_counter()
    while True:
        answer = session.post(f"{url}/api/search/metadata", json=body, timeout=60)
        found = answer.json()["assets"]
        items.update(asset["id"] for asset in found["items"])
        if found["nextPage"] is None:
            return {"s": time.perf_counter() - begun, "items": len(items)}
        body["takenAfter"] = found["items"][-1]["fileCreatedAt"]


def naive(_root: Path, url: str) -> Figures:
    """Put each tag on each photo by a request of its own."""
    session = _session()

    def asked(method: str, path: str, **body: Any) -> Any:
        answer = session.request(method, f"{url}/api{path}", json=body, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    begun = time.perf_counter()
    tags = [tag["id"] for tag in asked("PUT", "/tags", tags=list(WORDS))]
    found = asked("POST", "/search/metadata", size=_PAGE, visibility="timeline")
    for asset in found["assets"]["items"]:
        for tag in tags:
            (done,) = asked("PUT", f"/tags/{tag}/assets", ids=[asset["id"]])
            assert done["success"], done
    return {"s": time.perf_counter() - begun}


def look(_root: Path, url: str) -> Figures:
    """Fetch each preview: a server has made them long before somebody scans."""
    session = _session()
    begun = time.perf_counter()
    body = {"size": _PAGE, "visibility": "timeline"}
    found = session.post(f"{url}/api/search/metadata", json=body, timeout=60).json()["assets"]
    for asset in found["items"]:
        path = f"/api/assets/{asset['id']}/thumbnail?size=preview"
        assert session.get(f"{url}{path}", timeout=60).ok
    return {"s": time.perf_counter() - begun}


def _immich_core(root: Path, url: str, engine: str) -> Core:
    return core_of(root / "home", {"NAME": "tigertag.immich", "URL": url, "API_KEY": KEY}, engine)


def _folder_core(root: Path, write: str) -> Core:
    library = {"NAME": "tigertag.folder", "PATH": str(root)}
    return core_of(root.parent / f"home {write}", library, "tigertag.classifier")


def _timeline(engine: str, write: str = "apply") -> Callable[[Path, str], Figures]:
    return lambda root, url: scan(_immich_core(root, url, engine), "Timeline", write)


_PARTS: dict[str, Callable[[Path, str], Figures]] = {
    "bare": bare,
    "naive": naive,
    "look": look,
    "instant": _timeline("bench.instant"),
    "words": _timeline("bench.wordy"),
    "classify preview": _timeline("tigertag.classifier", "preview"),
    "classify apply": _timeline("tigertag.classifier"),
    "folder preview": lambda root, _url: scan(_folder_core(root, "preview"), ".", "preview"),
    "folder apply": lambda root, _url: scan(_folder_core(root, "apply"), "."),
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_PARTS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])))
    else:
        main()
