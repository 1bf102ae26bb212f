"""How the frames of a video are chosen."""

from dataclasses import dataclass
from typing import Literal

By = Literal["scenes", "interval", "keyframes"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames of a video engines see.

    `scenes`: one from the middle of each shot; `interval`: one each `interval_s`; `keyframes`: of
    the frames that are stored whole. Never more than `max_frames`, spread over the video.
    `scene_threshold` is that of PySceneDetect's ContentDetector. `exact`: shots are found by
    looking at every frame, not at the keyframes first.
    """

    by: By = "scenes"
    interval_s: float = 5.0
    max_frames: int = 10
    scene_threshold: float = 27.0
    exact: bool = False

    @property
    def name(self) -> str:
        """What an answer about a video depends on, besides the engine."""
        told = {
            "scenes": f"-{self.scene_threshold:g}{'-exact' if self.exact else ''}",
            "interval": f"-{self.interval_s:g}",
            "keyframes": "",
        }
        return f"{self.by}{told[self.by]}-{self.max_frames}"
