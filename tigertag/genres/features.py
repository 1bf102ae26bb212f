"""What is kept of a video or a picture to learn from it, and to tell its genres."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Features:
    """The embeddings of its frames, and how it is cut.

    `frames`: float16 [frames, dimensions], at least one frame. `times_s`: when each is shown; empty
    for a picture, which has one frame. `shots_s`: how long its shots are; empty where that is not
    known.
    """

    frames: NDArray[Any]
    times_s: tuple[float, ...] = ()
    shots_s: tuple[float, ...] = ()

    @property
    def is_video(self) -> bool:
        return bool(self.times_s)
