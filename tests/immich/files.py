"""Pictures and files: previews that are made, originals and videos in spans, and their headers."""

from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import quote

from PIL import Image, ImageOps

from tests.immich.asked import Asked
from tests.immich.holdings import Asset, Source, content
from tests.immich.refusals import Refused, check_option, check_uuid, not_there

if TYPE_CHECKING:
    from tests.immich.server import ImmichServer

_SIZES = ("original", "fullsize", "preview", "thumbnail")
_THUMBNAIL = 250
_ORIENTATION = 274
_KINDS = {"JPEG": ("image/jpeg", "jpeg"), "WEBP": ("image/webp", "webp")}
CACHED = "private, max-age=86400, no-transform, stale-while-revalidate=2592000, " + (
    "stale-if-error=2592000"
)


@dataclass(frozen=True, slots=True)
class File:
    """A file that is sent, in parts if so asked. `location` sends the client elsewhere."""

    body: bytes = b""
    kind: str = ""
    name: str = ""
    changed: float = 0.0
    location: str = ""

    @property
    def etag(self) -> str:
        return f'W/"{len(self.body):x}-{int(self.changed * 1000):x}"'

    @property
    def headers(self) -> dict[str, str]:
        named = f"inline; filename*=UTF-8''{quote(self.name)}"
        return {
            "Cache-Control": CACHED,
            **({"Content-Disposition": named} if self.name else {}),
            "Accept-Ranges": "bytes",
            "ETag": self.etag,
            "Last-Modified": formatdate(self.changed, usegmt=True),
        }


def thumbnail(server: "ImmichServer", asked: Asked) -> File:
    size = asked.query.get("size", "thumbnail")
    asset = _viewed(server, asked, "asset.view")
    check_option(size, ["size"], _SIZES)
    if size in ("original", "fullsize"):
        return File(location="original?")
    if not asset.has_preview:
        raise Refused(404, "Asset media not found")
    source = asset.poster if asset.kind == "VIDEO" and asset.poster is not None else asset.source
    form = server.preview_format if size == "preview" else "WEBP"
    longest = server.preview_size if size == "preview" else 0
    try:
        body = _made(source, asset.version, form, longest)
    except (OSError, ValueError) as exc:
        raise Refused(404, "Asset media not found") from exc
    kind, ending = _KINDS[form]
    stem = asset.name.rpartition(".")[0] or asset.name
    return File(body, kind, f"{stem}_{size}.{ending}", asset.made)


def original(server: "ImmichServer", asked: Asked) -> File:
    asset = _viewed(server, asked, "asset.download")
    return File(_content(asset), asset.mime, asset.name, asset.file_changed)


def playback(server: "ImmichServer", asked: Asked) -> File:
    asset = _viewed(server, asked, "asset.view")
    if asset.kind != "VIDEO":
        raise Refused(404, "Not Found")
    return File(_content(asset), asset.mime, "", asset.file_changed)


def _viewed(server: "ImmichServer", asked: Asked, permission: str) -> Asset:
    with server.lock:
        asset = server.may_see(asked.user, check_uuid(asked.id, ["id"]))
    if asset is None:
        raise not_there(permission)
    return asset


def _content(asset: Asset) -> bytes:
    if asset.offline:
        raise Refused(404, "Not Found")
    try:
        return content(asset.source)
    except OSError as exc:
        raise Refused(404, "Not Found") from exc


@lru_cache(maxsize=2048)
def _made(source: Source, _version: int, form: str, longest: int) -> bytes:
    """The picture upright and without EXIF, never larger than it is."""
    with Image.open(BytesIO(content(source))) as image:
        size = _shrunk(image.size, longest)
        across = image.getexif().get(_ORIENTATION, 1) >= 5
        if image.format == "JPEG":
            image.draft("RGB", size)
        upright = ImageOps.exif_transpose(image).convert("RGB")
        stream = BytesIO()
        made = upright.resize(size[::-1] if across else size, Image.Resampling.BICUBIC)
        made.save(stream, form, quality=85, exif=b"")
        return stream.getvalue()


def _shrunk(size: tuple[int, int], longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(size) if longest else _THUMBNAIL / min(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
