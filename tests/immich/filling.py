"""A library made of a folder of pictures."""

from pathlib import Path

from tests.immich.server import ImmichServer

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".bmp"})
_SECONDS_APART = 60


def fill(server: ImmichServer, folder: Path, *, photos: int | None = None) -> None:
    """Upload the pictures of a folder, going round to make `photos`."""
    found = sorted(one for one in folder.rglob("*") if one.suffix.lower() in _PICTURES)
    for number in range(len(found) if photos is None else photos):
        path = found[number % len(found)]
        name = path.name if photos is None else f"{path.stem} {number:06}{path.suffix}"
        taken = 1_700_000_000.0 + number * _SECONDS_APART
        server.add_photo(None, name, path, taken=taken, file_changed=taken)
