"""Films of a second, made here."""

import io

import av
import numpy as np


def film(rgb: tuple[int, int, int] = (200, 30, 30), *, height: int = 48) -> bytes:
    """An MP4 of one colour, lighter and darker in patches, twice as wide as high."""
    stream, side = io.BytesIO(), height // 8
    light = np.random.default_rng(1).integers(-25, 25, (8, 16, 1))
    patches = np.clip(np.array(rgb) + light, 0, 255).astype(np.uint8)
    picture = patches.repeat(side, 0).repeat(side, 1)
    with av.open(stream, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=5)
        video.width, video.height, video.pix_fmt = 2 * height, height, "yuv420p"
        for _number in range(5):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
    return stream.getvalue()
