"""The packets of a video's track, from any keyframe on: found by their times, or by counting."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, product

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

ROUND_S = 0.0005
"""Times are told in milliseconds: what lies within half of one is at the same time."""

_USUAL_RATE = 25
_BACK_S = (0.0, 1.0, 4.0, 16.0, 64.0)
_BEFORE_S = 10.0
_FAR_TICKS = 1 << 40
_SHORT_S = 180.0
_USUAL_GROUP_S = 2.0
_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
_INDEXED = {_MP4, "avi"}
_REACHED = 0.8


@dataclass(frozen=True, slots=True)
class TimedPacket:
    """A packet, and when it is decoded and shown, in seconds from the film's beginning.

    `shown_s` is None in files that tell only in which order packets are decoded.
    """

    packet: "Packet[VideoStream]"
    decoded_s: float | None
    shown_s: float | None

    @property
    def at_s(self) -> float:
        """When it is shown, else when it is decoded."""
        return (self.decoded_s if self.shown_s is None else self.shown_s) or 0.0

    @property
    def is_key(self) -> bool:
        return self.packet.is_keyframe and self.packet.size > 0


class TimedTrack:
    """A track whose packets have times: keyframes are found by seeking. Not thread-safe.

    `step_s` is how long a frame is shown on average. Each call moves to another place, and raises
    `av.FFmpegError`.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, first: "Packet[VideoStream]"
    ) -> None:
        self._container = container
        self._stream = stream
        self._tick_s = float(stream.time_base or 0) or 1.0 / av.time_base
        self._start_s = self._beginning()
        self._indexed = container.format.name in _INDEXED
        # AVI has no times to show frames at: FFmpeg makes them up, wrongly where frames are
        # stored in another order than they are shown.
        self._in_order = container.format.name != "avi" or not stream.codec_context.has_b_frames
        # The table of an MP4 says when frames are decoded, and is sought in with this added.
        has_both = container.format.name == _MP4 and first.pts is not None and first.dts is not None
        self._delay_s = ((first.pts or 0) - (first.dts or 0)) * self._tick_s if has_both else 0.0
        self._last_key_s = -1.0
        self._reach_s = _USUAL_GROUP_S
        self.step_s = _step_s(stream)
        self.duration_s = self._stated_duration() or self._measured_duration()

    def seconds(self, ticks: int) -> float:
        """Return when a frame with this timestamp is shown."""
        return ticks * self._tick_s - self._start_s

    def from_key(self, at_s: float) -> Iterator[TimedPacket]:
        """Yield from the keyframe on that is needed to see what is shown at this time."""
        key, packets, _ = self._sought(at_s)
        return packets if key is None else chain((key,), packets)

    def key_near(self, at_s: float) -> TimedPacket | None:
        """Return a keyframe at about this time, the one before it where there is one."""
        until_s = at_s + self.step_s / 2
        if self._indexed:
            return _first_key(self._seek(until_s), self.duration_s)
        key, packets, exact = self._sought(until_s)
        for timed in () if exact else packets:
            if timed.is_key and timed.at_s <= until_s:
                key = timed
            elif timed.decoded_s is not None and timed.decoded_s > until_s:
                break
        return key

    def goes_on(self, from_s: float, to_s: float) -> bool:
        """Whether it is best to go on decoding from the one time to reach the other."""
        entries = self._stream.index_entries
        if len(entries):
            first = entries.search_timestamp(self._ticks(from_s))
            if 0 <= first < entries.search_timestamp(self._ticks(to_s)):
                return False
        return self._indexed or to_s - from_s <= self._reach_s

    def keys_s(self) -> list[float]:
        """Return about when keyframes are shown, where the file has a table of them or is short."""
        # Matroska reads its table when it is first asked for a place.
        self._seek(0.0)
        keys_s = [
            max(0.0, self.seconds(entry.timestamp) + self._delay_s)
            for entry in self._stream.index_entries
            if entry.is_keyframe and not entry.is_discard
        ]
        if not self._indexed and (not keys_s or keys_s[-1] < _REACHED * self.duration_s):
            is_short = self.duration_s < _SHORT_S
            keys_s = [timed.at_s for timed in self._seek(0.0) if timed.is_key] if is_short else []
        return sorted(set(keys_s))

    def _sought(self, at_s: float) -> tuple[TimedPacket | None, Iterator[TimedPacket], bool]:
        """Return a keyframe before this time, what follows, and whether it is the nearest one.

        Without a table, FFmpeg lands behind the keyframe: then an earlier time is asked for.
        """
        for back_s in _BACK_S:
            packets = self._seek(at_s - back_s)
            key = _first_key(packets, at_s)
            if key is not None and key.at_s <= at_s + ROUND_S:
                self._learn(key.at_s, at_s)
                return key, packets, back_s == 0.0
            if back_s >= at_s:
                break
        packets = self._seek(0.0)
        key = _first_key(packets, self.duration_s)
        return key, self._seek(0.0) if key is None else packets, key is not None

    def _learn(self, key_s: float, at_s: float) -> None:
        if key_s == self._last_key_s:
            self._reach_s = max(self._reach_s, at_s - key_s)
        self._last_key_s = key_s

    def _seek(self, at_s: float) -> Iterator[TimedPacket]:
        # What is decoded before the beginning is found by asking for what was long before it.
        asked_s = (at_s,) if at_s > 0.0 else (-_BEFORE_S, 0.0)
        self._move([self._ticks(each_s) for each_s in asked_s])
        return map(self._timed, _readable(self._container.demux(self._stream)))

    def _move(self, ticks: Iterable[int]) -> None:
        for tick, backward in product(ticks, (True, False)):
            try:
                self._container.seek(tick, stream=self._stream, backward=backward)
                return
            except av.FFmpegError:
                continue
        self._container.seek(0, stream=self._stream, unsupported_byte_offset=True)

    def _timed(self, packet: "Packet[VideoStream]") -> TimedPacket:
        decoded_s = None if packet.dts is None else self.seconds(packet.dts)
        has_time = self._in_order and packet.pts is not None
        return TimedPacket(packet, decoded_s, self.seconds(packet.pts or 0) if has_time else None)

    def _ticks(self, at_s: float) -> int:
        return round((at_s + self._start_s) / self._tick_s)

    def _beginning(self) -> float:
        if self._container.start_time is not None:
            return self._container.start_time / av.time_base
        return (self._stream.start_time or 0) * self._tick_s

    def _stated_duration(self) -> float:
        if self._stream.duration:
            return self._stream.duration * self._tick_s
        return (self._container.duration or 0) / av.time_base

    def _measured_duration(self) -> float:
        """Look for the end: FFmpeg reads through a file that has no table of its parts."""
        self._move([_FAR_TICKS])
        ends = (
            packet.pts for packet in self._container.demux(self._stream) if packet.pts is not None
        )
        return max((self.seconds(end) for end in ends), default=0.0) + self.step_s


class UntimedTrack:
    """A bare stream of pictures without any time: read through once, then found by its bytes.

    Frames are counted at the rate that the stream states. Not thread-safe. See `TimedTrack`.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        self.step_s = _step_s(stream)
        self._keys: list[tuple[int, int]] = []
        self.duration_s = self._listed() * self.step_s

    def seconds(self, ticks: int) -> float:
        return ticks * self.step_s

    def from_key(self, at_s: float) -> Iterator[TimedPacket]:
        place = self._place(at_s)
        number, position = self._keys[place] if self._keys else (0, 0)
        self._container.seek(position, unsupported_byte_offset=True, stream=self._stream)
        packets = enumerate(_readable(self._container.demux(self._stream)), number)
        return (TimedPacket(packet, n * self.step_s, None) for n, packet in packets)

    def key_near(self, at_s: float) -> TimedPacket | None:
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


Track = TimedTrack | UntimedTrack


def _first_key(packets: Iterator[TimedPacket], until_s: float) -> TimedPacket | None:
    """Return the first keyframe, None where there is none that is decoded until then."""
    for timed in packets:
        if timed.is_key:
            return timed
        if timed.decoded_s is not None and timed.decoded_s > until_s:
            return None
    return None


def _step_s(stream: VideoStream) -> float:
    """How long a frame is shown on average."""
    return 1.0 / float(stream.guessed_rate or stream.average_rate or _USUAL_RATE)


def _readable(packets: "Iterator[Packet[VideoStream]]") -> "Iterator[Packet[VideoStream]]":
    """Yield packets up to where the file is broken."""
    try:
        yield from packets
    except MemoryError:
        raise
    except (av.FFmpegError, IndexError):
        # An IndexError is PyAV's, where a broken file's streams change while it is read.
        return
