"""`make demo`: real photographs, tagged from end to end by the command line.

Without an argument: the photographs in scikit-image's wheel are copied to a scratch folder,
previewed, applied, and their sidecars shown. With a folder as argument: a preview of that folder;
nothing is written to it. Ends with 0 only if every photo was looked at.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PHOTOS = (
    "astronaut.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "motorcycle_left.png",
    "rocket.jpg",
)


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


def tigertag(*arguments: str, home: Path, photos: Path) -> int:
    """Run the command as a user would; return its exit code."""
    print(f"\n$ tigertag {' '.join(arguments)}", flush=True)
    settings = {
        "TIGERTAG_HOME": str(home),
        "LIBRARY_PHOTOS_NAME": "tigertag.folder",
        "LIBRARY_PHOTOS_PATH": str(photos),
        "COLUMNS": os.environ.get("COLUMNS", "140"),
    }
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("TIGERTAG_", "LIBRARY_", "ENGINE_", "DB_URL"))
    }
    command = [sys.executable, "-m", "tigertag", *arguments]
    return subprocess.run(command, env=inherited | settings, check=False).returncode


def main(folder: str) -> int:
    with tempfile.TemporaryDirectory(prefix="tigertag-demo-") as scratch:
        home = Path(scratch) / "home"
        own = Path(folder).expanduser() if folder else None
        if own is not None and not own.is_dir():
            print(f"{folder} is not a folder.", file=sys.stderr)
            return 2
        photos = own or copied(Path(scratch) / "photos")
        steps = [("scan", "photos"), ("show", "1")]
        if own is None:
            steps += [("apply", "1"), ("scan", "photos")]
        codes = [tigertag(*step, home=home, photos=photos) for step in steps]
        for sidecar in sorted(photos.glob("*.xmp")) if own is None else ():
            print(f"written: {sidecar.name} ({sidecar.stat().st_size} bytes)")
        print("\nEvery photo was looked at." if not any(codes) else "\nNot every photo was.")
        return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
