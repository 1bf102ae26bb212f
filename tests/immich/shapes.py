"""The size and the orientation of a picture."""

from functools import lru_cache
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.immich.holdings import Asset, Source, content

_ORIENTATION = 274


def changed_in(file: Path) -> float:
    """A file's date, in the milliseconds that routes show."""
    return round(file.stat().st_mtime, 3)


def version_of(asset: Asset) -> int:
    """What tells whether its file is still the same."""
    return asset.source.stat().st_mtime_ns if isinstance(asset.source, Path) else asset.version


def shape_of(asset: Asset) -> tuple[int, int, str | None]:
    """Width and height, upright, and the orientation in EXIF; what is no picture is a film."""
    if asset.kind == "VIDEO":
        return 640, 360, "1"
    return _shape(asset.source, version_of(asset))


@lru_cache(maxsize=1024)
def _shape(source: Source, _version: int) -> tuple[int, int, str | None]:
    try:
        with Image.open(BytesIO(content(source))) as image:
            orientation = image.getexif().get(_ORIENTATION)
            wide, high = image.size[::-1] if (orientation or 1) >= 5 else image.size
            return wide, high, None if orientation is None else str(orientation)
    except OSError:
        return 640, 360, None
