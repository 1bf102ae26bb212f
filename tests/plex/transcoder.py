"""Plex's photo transcoder: upright, a bound or a least size, never larger unless asked."""

from functools import lru_cache
from io import BytesIO

from PIL import ExifTags, Image, ImageOps

from tests.plex.holdings import Source, content


@lru_cache(maxsize=1024)
def transcoded(
    source: Source, _version: int, width: int, height: int, *, min_size: bool, upscale: bool
) -> bytes:
    """A JPEG of the picture. Raises `OSError` where it is none."""
    with Image.open(BytesIO(content(source))) as image:
        across = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        wide, high = image.size[::-1] if across else image.size
        size = _size((wide, high), (width, height), min_size=min_size, upscale=upscale)
        if image.format == "JPEG":
            image.draft("RGB", size[::-1] if across else size)
        upright = ImageOps.exif_transpose(image).convert("RGB")
        stream = BytesIO()
        upright.resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=92)
        return stream.getvalue()


def _size(
    whole: tuple[int, int], box: tuple[int, int], *, min_size: bool, upscale: bool
) -> tuple[int, int]:
    across, down = box[0] / whole[0], box[1] / whole[1]
    scale = max(across, down) if min_size else min(across, down)
    scale = scale if upscale else min(scale, 1.0)
    return max(1, round(whole[0] * scale)), max(1, round(whole[1] * scale))
