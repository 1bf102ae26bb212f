"""A view made of a folder of pictures."""

from pathlib import Path

from tests.mediabrowser.server import MediaServer

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".bmp"})


def fill(
    server: MediaServer, folder: Path, *, title: str = "Photos", photos: int | None = None
) -> str:
    """Add a view with the pictures of a folder, going round to make `photos`; return its id."""
    view = server.add_view(title, "homevideos")
    found = sorted(one for one in folder.rglob("*") if one.suffix.lower() in _PICTURES)
    for number in range(len(found) if photos is None else photos):
        path = found[number % len(found)]
        name = path.stem if photos is None else f"{path.stem} {number:06}"
        server.add_photo(view, name, path, file=str(path))
    return view
