"""A section made of a folder of pictures."""

from pathlib import Path

from tests.plex.server import PlexServer

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".bmp"})


def fill(
    plex: PlexServer, folder: Path, *, title: str = "Photos", photos: int | None = None
) -> int:
    """Add a section with the pictures of a folder, each sub-folder an album; return its number."""
    section, albums = plex.add_section(title), dict[Path, int]()
    found = sorted(one for one in folder.rglob("*") if one.suffix.lower() in _PICTURES)
    for path in dict.fromkeys(one.parent for one in found):
        if path != folder:
            albums[path] = plex.add_album(section, path.name, parent=albums.get(path.parent))
    for number in range(len(found) if photos is None else photos):
        path = found[number % len(found)]
        name = path.stem if photos is None else f"{path.stem} {number:06}"
        plex.add_photo(section, name, path, album=albums.get(path.parent), file=str(path))
    return section
