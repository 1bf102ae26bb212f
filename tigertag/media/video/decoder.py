"""A video that is open: its frames at given times, decoding only what they need."""

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tigertag.errors import Unreadable
from tigertag.media.video.tracks import ROUND_S, TimedPacket, Track
from tigertag.sequences import batched

TimedFrame = tuple[float, VideoFrame]
"""A decoded frame, and from when on it is shown."""

_GATHERED_BYTES = 32 * 1024 * 1024
_AHEAD_S = 1.0
_SIDE_BY_SIDE = 16
_ASSUMED_KEYFRAMES_S, _MOST_ASSUMED = 2.0, 10_000
# With these, a frame that no other refers to can be left undecoded without a trace in the others.
_SKIPPABLE = {"h264", "hevc", "mpeg2video"}
_MOST_THREADS = 4
_LARGE_PX, _HUGE_PX = 2_500_000, 10_000_000
_STOPPED = "The work was stopped while it was read; scan again."


class VideoDecoder:
    """Reads one video. Not thread-safe. Raises `Unreadable` once `cancelled`.

    `asked_s`: the latest time that was asked for; `reached_s`: that of the latest frame decoded.
    """

    def __init__(
        self, stream: VideoStream, track: Track, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        self._track = track
        self._codec = stream.codec_context
        self._skips = self._codec.name in _SKIPPABLE
        self._cancelled = cancelled
        self._keys_s: list[float] | None = None
        self._ran_out = False
        self.aspect = stream.sample_aspect_ratio or Fraction(1)
        self.duration_s = track.duration_s
        self.pixels = self._codec.width * self._codec.height
        self.rate = 1.0 / track.step_s
        self.asked_s = 0.0
        self.reached_s = 0.0

    def keys_s(self) -> list[float]:
        """Return when keyframes are shown; nothing where that would take reading a long file."""
        if self._keys_s is None:
            self._keys_s = self._track.keys_s()
        return self._keys_s

    def key_times_s(self) -> list[float]:
        """Return about when keyframes are shown: as the file tells, else at even times."""
        stated = self.keys_s()
        if stated:
            return stated
        count = min(_MOST_ASSUMED, int(self.duration_s / _ASSUMED_KEYFRAMES_S) + 1)
        return [n * self.duration_s / count for n in range(count)]

    def shown_at(self, times_s: Sequence[float]) -> Iterator[TimedFrame]:
        """Yield the frame that is shown at each of the times, which ascend; none twice.

        Before the first frame that is the first, after the last one the last.
        """
        last_s, start = -1.0, 0
        self._ask(times_s)
        while start < len(times_s):
            end = start + 1
            while end < len(times_s) and self._track.goes_on(times_s[end - 1], times_s[end]):
                end += 1
            before_s = last_s
            for shown in _later(self._run(times_s[start:end]), before_s):
                last_s = shown[0]
                yield shown
            if self._ran_out and last_s == before_s:
                return  # The file ends before its time.
            start = end

    def keys_near(self, times_s: Iterable[float]) -> Iterator[TimedFrame]:
        """Yield a keyframe at about each of the times, which ascend; none twice."""
        last_s = -1.0
        for together_s in batched(times_s, _SIDE_BY_SIDE):
            self._ask(together_s)
            keys = [self._track.key_near(at_s) for at_s in together_s]
            for shown in _later(self._keys(keys), last_s):
                last_s = shown[0]
                yield shown

    def every(self) -> Iterator[TimedFrame]:
        """Yield all frames, from the first on."""
        self._ask([self.duration_s])
        return self._decoded(self._track.from_key(0.0))

    def is_last(self, at_s: float) -> bool:
        """Whether no keyframe is known behind this time, so that none can be asked for."""
        return bool(self._keys_s) and at_s >= max(self._keys_s or ())

    def end_after(self, at_s: float) -> float:
        """Return when the last frame from there on that the file has ends; none is decoded."""
        end_s, step_s = at_s, self._track.step_s
        for timed in self._track.from_key(at_s):
            packet = timed.packet
            if packet.size:
                lasts_s = float(packet.duration * packet.time_base) if packet.duration else step_s
                end_s = max(end_s, timed.at_s + lasts_s)
        return end_s

    def _ask(self, times_s: Sequence[float]) -> None:
        self.asked_s = max((self.asked_s, *times_s[-1:]))

    def _reach(self, at_s: float) -> None:
        self.reached_s = max(self.reached_s, at_s)

    def _run(self, wanted_s: Sequence[float]) -> Iterator[TimedFrame]:
        packets = self._to_end(self._track.from_key(wanted_s[0]))
        return _shown(self._decoded(packets, wanted_s), wanted_s)

    def _to_end(self, packets: Iterator[TimedPacket]) -> Iterator[TimedPacket]:
        self._ran_out = False
        yield from packets
        self._ran_out = True

    def _keys(self, packets: Sequence[TimedPacket | None]) -> Iterator[TimedFrame]:
        """Decode keyframes: side by side, where their times tell which is which."""
        keys = {timed.packet.pts: timed for timed in packets if timed is not None}
        if any(timed.shown_s is None for timed in keys.values()):
            for timed in filter(None, packets):
                self._codec.flush_buffers()
                yield from self._decoded(iter((timed,)))
            return
        for frame in self._all(list(keys.values())):
            # Between keyframes that are far apart, a decoder may make up frames.
            key = keys.pop(frame.pts, None) if frame.key_frame else None
            if key is not None:
                self._reach(key.shown_s or 0.0)
                yield key.shown_s or 0.0, frame

    def _decoded(
        self, packets: Iterator[TimedPacket], wanted_s: Sequence[float] = ()
    ) -> Iterator[TimedFrame]:
        """Decode all, or what is needed to see what is shown at the times; then drain."""
        first = next(packets, None)
        if first is None:
            return iter(())
        whole = chain((first,), packets)
        return self._timed(first, self._chosen(whole, wanted_s) if wanted_s else self._all(whole))

    def _timed(self, first: TimedPacket, frames: Iterator[VideoFrame]) -> Iterator[TimedFrame]:
        step_s = self._track.step_s
        next_s = first.decoded_s or 0.0
        for frame in frames:
            if first.shown_s is not None and frame.pts is not None:
                next_s = self._track.seconds(frame.pts)
            self._reach(next_s)
            yield next_s, frame
            next_s += step_s

    def _all(self, packets: Iterable[TimedPacket]) -> Iterator[VideoFrame]:
        self._codec.skip_frame = "DEFAULT"
        for timed in packets:
            yield from self._frames(timed.packet)
        yield from self._frames(None)

    def _chosen(
        self, packets: Iterator[TimedPacket], wanted_s: Sequence[float]
    ) -> Iterator[VideoFrame]:
        ended = False
        while not ended:
            gathered, ended = _gathered(packets, wanted_s[-1])
            plan = _plan(gathered, wanted_s) if ended and self._skips else None
            for timed, needed in plan or ((timed, True) for timed in gathered):
                self._codec.skip_frame = "DEFAULT" if needed else "NONREF"
                yield from self._frames(timed.packet)
        self._codec.skip_frame = "DEFAULT"
        yield from self._frames(None)

    def _frames(self, packet: "Packet[VideoStream] | None") -> list[VideoFrame]:
        """Decode; what is broken gives nothing."""
        if self._cancelled():
            raise Unreadable(_STOPPED, retryable=True)
        try:
            frames = self._codec.decode(packet)
        except av.FFmpegError:
            return []
        return [frame for frame in frames if not frame.is_corrupt]


def threads_for(pixels: int) -> int:
    """How many frames of that size are decoded at once: each takes memory."""
    most = 1 if pixels > _HUGE_PX else 2 if pixels > _LARGE_PX else _MOST_THREADS
    return min(most, len(os.sched_getaffinity(0)))


def _later(frames: Iterable[TimedFrame], than_s: float) -> Iterator[TimedFrame]:
    return (shown for shown in frames if shown[0] > than_s)


def _shown(frames: Iterable[TimedFrame], wanted_s: Sequence[float]) -> Iterator[TimedFrame]:
    """Of frames in order, yield the one that is shown at each of the times."""
    held: TimedFrame | None = None
    place = 0
    for frame in frames:
        if held is not None and frame[0] <= held[0]:
            continue
        while wanted_s[place] + ROUND_S < frame[0]:
            yield held or frame
            place += 1
            if place == len(wanted_s):
                return
        held = frame
    if held is not None:
        yield held


def _gathered(packets: Iterable[TimedPacket], until_s: float) -> tuple[list[TimedPacket], bool]:
    """Take what is decoded until then, or a bounded part of it; tell whether that was all."""
    taken: list[TimedPacket] = []
    size_bytes = 0
    for timed in packets:
        slack_s = 0.0 if timed.shown_s is not None else _AHEAD_S
        if timed.decoded_s is not None and timed.decoded_s > until_s + ROUND_S + slack_s:
            return taken, True
        taken.append(timed)
        size_bytes += timed.packet.size
        if size_bytes > _GATHERED_BYTES:
            return taken, False
    return taken, True


def _plan(
    packets: Sequence[TimedPacket], wanted_s: Sequence[float]
) -> list[tuple[TimedPacket, bool]] | None:
    """Say of each packet whether its own frame is wanted; leave out what no wanted one needs.

    None where the packets do not tell when they are shown.
    """
    stated_s = [timed.shown_s for timed in packets if timed.packet.size]
    shown_s = sorted(at_s for at_s in stated_s if at_s is not None)
    if len(shown_s) < len(stated_s) or not shown_s:
        return None
    places = (bisect_right(shown_s, at_s + ROUND_S) - 1 for at_s in wanted_s)
    targets = {shown_s[max(0, place)] for place in places}
    # Decoding begins with the last keyframe that is shown before all that is wanted.
    begins = (
        n
        for n, timed in enumerate(packets)
        if timed.packet.is_keyframe and timed.shown_s is not None and timed.shown_s <= min(targets)
    )
    first = max(begins, default=0)
    last = max(n for n, timed in enumerate(packets) if timed.shown_s in targets)
    return [(timed, timed.shown_s in targets) for timed in packets[first : last + 1]]
