"""`python scripts/structure.py`: how large the house is, and how far one photo walks through it.

Lines, files, the longest function; the modules of ours in which a function runs while a folder's
photo is scanned to its sidecar; and the longest chain of imports below the program's entrance.
"""

import ast
import os
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType

import grimp
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tigertag"


def main() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    lines = [len(file.read_text().splitlines()) for file in files]
    # An empty `__init__.py` says nothing about how long a file is to read.
    rooms = [count for count in lines if count > 5]
    longest, where = max(_functions(files))
    depth, chain = _depth()
    walked = _walked()
    print(f"lines under tigertag/      {sum(lines)}")
    print(f"files                      {len(files)}")
    print(f"median file                {statistics.median(rooms):.0f} lines, longest {max(lines)}")
    print(f"longest function           {longest} lines, {where}")
    print(f"import depth               {depth}: {' > '.join(chain)}")
    print(f"modules of a photo's scan  {len(walked)}")
    if "--modules" in sys.argv:
        print("\n".join(sorted(walked)))


def _functions(files: list[Path]) -> Iterator[tuple[int, str]]:
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield node.end_lineno - node.lineno + 1, f"{file.relative_to(ROOT)}:{node.name}"


def _depth() -> tuple[int, list[str]]:
    """Return the longest chain of imports, in modules, and its modules."""
    graph = grimp.build_graph("tigertag")

    @cache
    def below(module: str) -> list[str]:
        chains = (below(name) for name in graph.find_modules_directly_imported_by(module))
        return [module, *max(chains, key=len, default=[])]

    chain = max((below(module) for module in graph.modules), key=len)
    return len(chain), [name.removeprefix("tigertag.") for name in chain]


def _walked() -> set[str]:
    """Scan one photo of a folder to its sidecar; return the modules in which a function ran."""
    from tigertag import bootstrap, settings
    from tigertag.services import scans

    walked: set[str] = set()

    def watch(frame: FrameType, event: str, _arg: object) -> None:
        file = frame.f_code.co_filename
        # Bodies of modules run when they are imported.
        if event == "call" and file.startswith(str(PACKAGE)) and frame.f_code.co_name != "<module>":
            walked.add(os.path.relpath(file, PACKAGE).removesuffix(".py").replace(os.sep, "."))

    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch, "photos")
        photos.mkdir()
        Image.radial_gradient("L").resize((640, 480)).save(photos / "a.jpg")
        core = bootstrap.build(
            settings.load(
                {
                    "TIGERTAG_HOME": str(Path(scratch, "home")),
                    "LIBRARY_PHOTOS_NAME": "tigertag.folder",
                    "LIBRARY_PHOTOS_PATH": str(photos),
                    "ENGINE_LOCAL_NAME": "bench.instant",
                }
            )
        )
        bootstrap.open_store(core)
        scan_id = scans.start(core, scans.Request("photos", write="apply"))
        threading.setprofile(watch)
        sys.setprofile(watch)
        try:
            scans.run(core, scan_id).run()
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        assert list(photos.glob("*.xmp")), "no sidecar was written"
        core.store.close()
    return walked


if __name__ == "__main__":
    main()
