"""The packets of a video's track, from any keyframe on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import av
from av.packet import Packet
from av.video.stream import VideoStream

ROUND_S = 0.0005
"""Times are told in milliseconds: what lies within half of one is at the same time."""

_USUAL_RATE = 25


@dataclass(frozen=True, slots=True)
class Piece:
    """A packet, and when it is decoded and shown, in seconds from the film's beginning.

    `shown_s` is None in files that tell only in which order packets are decoded.
    """

    packet: "Packet[VideoStream]"
    decoded_s: float | None
    shown_s: float | None


class Track(Protocol):
    """Where packets come from; each call moves to another place. Raises `av.FFmpegError`.

    `step_s` is how long a frame is shown on average.
    """

    step_s: float
    duration_s: float

    def seconds(self, ticks: int) -> float:
        """Return when a frame with this timestamp is shown."""
        ...

    def from_key(self, at_s: float) -> Iterator[Piece]:
        """Yield from the keyframe on that is needed to see what is shown at this time."""
        ...

    def key_near(self, at_s: float) -> Piece | None:
        """Return a keyframe at about this time, the one before it where there is one."""
        ...

    def goes_on(self, from_s: float, to_s: float) -> bool:
        """Whether it is best to go on decoding from the one time to reach the other."""
        ...

    def keys_s(self) -> list[float]:
        """Return about when keyframes are shown, where the file has a table of them or is short."""
        ...


def step_s(stream: VideoStream) -> float:
    """How long a frame is shown on average."""
    return 1.0 / float(stream.guessed_rate or stream.average_rate or _USUAL_RATE)


def readable(packets: "Iterator[Packet[VideoStream]]") -> "Iterator[Packet[VideoStream]]":
    """Yield packets up to where the file is broken."""
    try:
        yield from packets
    except MemoryError:
        raise
    except (av.FFmpegError, IndexError):
        # An IndexError is PyAV's, where a broken file's streams change while it is read.
        return
