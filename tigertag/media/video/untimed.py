"""A bare stream of pictures, without any time: read through once, then found by its bytes."""

from bisect import bisect_right
from collections.abc import Iterator

from av.container import InputContainer
from av.video.stream import VideoStream

from tigertag.media.video.track import ROUND_S, Piece, readable, step_s


class Untimed:
    """Counts frames at the rate that the stream tells. Not thread-safe."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        self.step_s = step_s(stream)
        self._keys: list[tuple[int, int]] = []
        self.duration_s = self._listed() * self.step_s

    def seconds(self, ticks: int) -> float:
        return ticks * self.step_s

    def from_key(self, at_s: float) -> Iterator[Piece]:
        place = self._place(at_s)
        number, position = self._keys[place] if self._keys else (0, 0)
        self._container.seek(position, unsupported_byte_offset=True, stream=self._stream)
        packets = enumerate(readable(self._container.demux(self._stream)), number)
        return (Piece(packet, n * self.step_s, None) for n, packet in packets)

    def key_near(self, at_s: float) -> Piece | None:
        return next(self.from_key(at_s), None)

    def goes_on(self, from_s: float, to_s: float) -> bool:
        return self._place(from_s) == self._place(to_s)

    def keys_s(self) -> list[float]:
        return [number * self.step_s for number, _ in self._keys]

    def _place(self, at_s: float) -> int:
        number = int((at_s + ROUND_S) / self.step_s)
        return max(0, bisect_right(self._keys, number, key=lambda key: key[0]) - 1)

    def _listed(self) -> int:
        """Note the number and the position of each keyframe; return how many frames there are."""
        count = 0
        self._container.seek(0, unsupported_byte_offset=True, stream=self._stream)
        for packet in self._container.demux(self._stream):
            if packet.is_keyframe and packet.pos is not None:
                self._keys.append((count, packet.pos))
            count += bool(packet.size)
        return count
