"""The picture in an upload: it must be a JPEG that decodes, and must tell nothing else."""

import io
import re

from PIL import Image

_MULTIPART = re.compile(r'multipart/form-data; boundary="?([0-9A-Za-z\'()+_,./:=?-]+)"?')
_IMAGE = re.compile(rb'Content-Disposition: form-data; name="image"; filename="[^"]+"', re.I)


class NoPicture(ValueError):
    """The body holds no picture that is taken."""


class Telltale(ValueError):
    """The picture carries more than pixels."""


def uploaded(content_type: str, body: bytes) -> bytes:
    """Return the part `image` of a multipart body. Raises `NoPicture`."""
    matched = _MULTIPART.fullmatch(content_type)
    if matched is None or not body.rstrip().endswith(b"--"):
        raise NoPicture(f"the body is {content_type or 'nothing'}")
    for part in body.split(b"--" + matched[1].encode())[1:-1]:
        head, _blank, payload = part.partition(b"\r\n\r\n")
        if _IMAGE.search(head) and payload.endswith(b"\r\n"):
            return payload[:-2]
    raise NoPicture("there is no file in a field 'image'")


def short_side_px(jpeg: bytes) -> int:
    """Decode it. Raises `NoPicture` and `Telltale`."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            image.load()
            if image.getexif() or {"exif", "comment", "xmp", "photoshop"} & set(image.info):
                raise Telltale("a picture carries metadata")
            return min(image.size)
    except OSError as exc:
        raise NoPicture(str(exc)) from exc
