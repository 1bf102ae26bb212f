"""What the file of a photo or video says of itself, from its first kilobytes, without its pixels.

Pillow is not used: it takes twice as long, needs a decoder for each format, and refuses a file of
which only the beginning is there. Broken and lying data are common: what cannot be so is left out,
and nothing here fails because of it.
"""

import io
import logging
from pathlib import Path
from typing import BinaryIO

from tigertag.errors import ItemError
from tigertag.media.files import disk_error, opened_file
from tigertag.media.metadata import exif, movies, pictures, xmp
from tigertag.model import Media, Metadata

logger = logging.getLogger(__name__)

HEAD_BYTES = 64 * 1024
"""So much is read at once. In what cameras write, all that counts stands in it."""


def read(source: Path | bytes, media: Media) -> Metadata:
    """Return what a file says of itself. `bytes` may be the beginning of a file.

    Broken content says nothing. Raises `Unreadable` and `ItemGone` where a file cannot be read.
    """
    with opened_file(source, buffering=HEAD_BYTES) as stream:
        try:
            if media is Media.VIDEO:
                return movies.read(stream, is_cut=isinstance(source, bytes))
            return _of_picture(stream)
        except ItemError:
            raise
        except OSError as exc:
            if isinstance(stream, io.BytesIO) or exc.errno is None:
                return Metadata()
            raise disk_error(exc) from exc
        except Exception:
            # Whatever a file holds, it must not stop a scan; that it came to this is a bug.
            logger.exception("metadata that could not be read")
            return Metadata()


def _of_picture(stream: BinaryIO) -> Metadata:
    parts = pictures.parts(stream)
    tags = exif.read(parts.exif)
    packet = xmp.read(parts.xmp or tags.xmp)
    size = parts.size_px or tags.size_px
    is_turned = tags.is_turned if parts.is_turned is None else parts.is_turned
    return Metadata(
        taken_at=tags.taken_at or packet.taken_at,
        latitude=tags.place[0] if tags.place else None,
        longitude=tags.place[1] if tags.place else None,
        size_px=size[::-1] if size and is_turned else size,
        make=tags.make,
        camera=tags.camera,
        lens=tags.lens,
        software=tags.software or parts.software or packet.software,
        comment=tags.comment or parts.comment or packet.comment,
        marks=parts.marks | tags.marks | packet.marks,
    )
