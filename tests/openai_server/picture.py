"""What is really seen in a picture: its main colour."""

import base64
import binascii
import io
from dataclasses import dataclass
from hashlib import sha256

from PIL import Image

from tests.openai_server.refusals import Refused

_START = "data:image/jpeg;base64,"


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture: its hash, its size, and what it shows."""

    digest: str
    width_px: int
    height_px: int
    colour: str
    is_bright: bool
    has_metadata: bool


def seen(url: str) -> Seen:
    """Decode a picture that is sent within the request. Raises `Refused`."""
    if not url.startswith(_START):
        raise Refused(400, "Only JPEG data URLs are taken here.", code="invalid_image_url")
    try:
        content = base64.b64decode(url[len(_START) :], validate=True)
        image = Image.open(io.BytesIO(content), formats=["JPEG"])
        small = image.convert("RGB").resize((1, 1), Image.Resampling.BOX)
    except (binascii.Error, OSError) as exc:
        message = "You uploaded an unsupported image. Please make sure your image is valid."
        raise Refused(400, message, code="invalid_image_format") from exc
    red, green, blue = small.tobytes()
    return Seen(
        sha256(content).hexdigest(),
        *image.size,
        colour=_colour(red, green, blue),
        is_bright=red + green + blue > 384,
        has_metadata=bool(image.getexif()) or "comment" in image.info,
    )


def _colour(red: int, green: int, blue: int) -> str:
    if max(red, green, blue) - min(red, green, blue) < 24:
        return "grey"
    return max((red, "red"), (green, "green"), (blue, "blue"))[1]
