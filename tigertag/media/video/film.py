"""A video that is open: its frames at given times, decoding only what they need."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tigertag.errors import Unreadable
from tigertag.media.video import faults
from tigertag.media.video.track import ROUND_S, Piece, Track

At = tuple[float, VideoFrame]
"""A decoded frame, and from when on it is shown."""

_GATHERED_BYTES = 32 * 1024 * 1024
_AHEAD_S = 1.0
_SIDE_BY_SIDE = 16
# With these, a frame that no other refers to can be left undecoded without a trace in the others.
_SKIPPABLE = {"h264", "hevc", "mpeg2video"}


class Film:
    """Reads one video. Not thread-safe. Raises `Unreadable` once `cancelled`.

    `asked_s`: the latest time that was asked for; `reached_s`: that of the latest frame decoded.
    """

    def __init__(
        self, stream: VideoStream, track: Track, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        self._track = track
        self._decoder = stream.codec_context
        self._skips = self._decoder.name in _SKIPPABLE
        self._cancelled = cancelled
        self._keys_s: list[float] | None = None
        self._ran_out = False
        self.aspect = stream.sample_aspect_ratio or Fraction(1)
        self.duration_s = track.duration_s
        self.pixels = self._decoder.width * self._decoder.height
        self.rate = 1.0 / track.step_s
        self.asked_s = 0.0
        self.reached_s = 0.0

    def keys_s(self) -> list[float]:
        """Return when keyframes are shown; nothing where that would take reading a long file."""
        if self._keys_s is None:
            self._keys_s = self._track.keys_s()
        return self._keys_s

    def shown_at(self, times_s: Sequence[float]) -> Iterator[At]:
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
            for one in _later(self._run(times_s[start:end]), before_s):
                last_s = one[0]
                yield one
            if self._ran_out and last_s == before_s:
                return  # The file ends before its time.
            start = end

    def keys_near(self, times_s: Iterable[float]) -> Iterator[At]:
        """Yield a keyframe at about each of the times, which ascend; none twice."""
        last_s, times = -1.0, iter(times_s)
        while some_s := list(islice(times, _SIDE_BY_SIDE)):
            self._ask(some_s)
            for found in _later(self._keys([self._track.key_near(one) for one in some_s]), last_s):
                last_s = found[0]
                yield found

    def every(self) -> Iterator[At]:
        """Yield all frames, from the first on."""
        self._ask([self.duration_s])
        return self._decoded(self._track.from_key(0.0))

    def is_last(self, at_s: float) -> bool:
        """Whether no keyframe is known behind this time, so that none can be asked for."""
        return bool(self._keys_s) and at_s >= max(self._keys_s or ())

    def end_after(self, at_s: float) -> float:
        """Return when the last frame from there on that the file has ends; none is decoded."""
        pieces = (one for one in self._track.from_key(at_s) if one.packet.size)
        return max((_end_s(one, self._track.step_s) for one in pieces), default=at_s)

    def _ask(self, times_s: Sequence[float]) -> None:
        self.asked_s = max((self.asked_s, *times_s[-1:]))

    def _reach(self, at_s: float) -> None:
        self.reached_s = max(self.reached_s, at_s)

    def _run(self, wanted_s: Sequence[float]) -> Iterator[At]:
        pieces = self._to_end(self._track.from_key(wanted_s[0]))
        return _shown(self._decoded(pieces, wanted_s), wanted_s)

    def _to_end(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        self._ran_out = False
        yield from pieces
        self._ran_out = True

    def _keys(self, pieces: Sequence[Piece | None]) -> Iterator[At]:
        """Decode keyframes: side by side, where their times tell which is which."""
        keys = {one.packet.pts: one for one in pieces if one is not None}
        if any(one.shown_s is None for one in keys.values()):
            for piece in filter(None, pieces):
                self._decoder.flush_buffers()
                yield from self._decoded(iter((piece,)))
            return
        for frame in self._all(list(keys.values())):
            # Between keyframes that are far apart, a decoder may make up frames.
            key = keys.pop(frame.pts, None) if frame.key_frame else None
            if key is not None:
                self._reach(key.shown_s or 0.0)
                yield key.shown_s or 0.0, frame

    def _decoded(self, pieces: Iterator[Piece], wanted_s: Sequence[float] = ()) -> Iterator[At]:
        """Decode all, or what is needed to see what is shown at the times; then drain."""
        first = next(pieces, None)
        if first is None:
            return iter(())
        whole = chain((first,), pieces)
        return self._timed(first, self._chosen(whole, wanted_s) if wanted_s else self._all(whole))

    def _timed(self, first: Piece, frames: Iterator[VideoFrame]) -> Iterator[At]:
        step_s = self._track.step_s
        next_s = first.decoded_s or 0.0
        for frame in frames:
            if first.shown_s is not None and frame.pts is not None:
                next_s = self._track.seconds(frame.pts)
            self._reach(next_s)
            yield next_s, frame
            next_s += step_s

    def _all(self, pieces: Iterable[Piece]) -> Iterator[VideoFrame]:
        self._decoder.skip_frame = "DEFAULT"
        for piece in pieces:
            yield from self._frames(piece.packet)
        yield from self._frames(None)

    def _chosen(self, pieces: Iterator[Piece], wanted_s: Sequence[float]) -> Iterator[VideoFrame]:
        ended = False
        while not ended:
            gathered, ended = _gathered(pieces, wanted_s[-1])
            plan = _plan(gathered, wanted_s) if ended and self._skips else None
            for piece, needed in plan or ((one, True) for one in gathered):
                self._decoder.skip_frame = "DEFAULT" if needed else "NONREF"
                yield from self._frames(piece.packet)
        self._decoder.skip_frame = "DEFAULT"
        yield from self._frames(None)

    def _frames(self, packet: "Packet[VideoStream] | None") -> list[VideoFrame]:
        """Decode; what is broken gives nothing."""
        if self._cancelled():
            raise Unreadable(faults.STOPPED, retryable=True)
        try:
            frames = self._decoder.decode(packet)
        except av.FFmpegError:
            return []
        return [frame for frame in frames if not frame.is_corrupt]


def _end_s(piece: Piece, step_s: float) -> float:
    packet, begin_s = piece.packet, piece.decoded_s if piece.shown_s is None else piece.shown_s
    lasts_s = float(packet.duration * packet.time_base) if packet.duration else step_s
    return (begin_s or 0.0) + lasts_s


def _later(found: Iterable[At], than_s: float) -> Iterator[At]:
    return (one for one in found if one[0] > than_s)


def _shown(frames: Iterable[At], wanted_s: Sequence[float]) -> Iterator[At]:
    """Of frames in order, yield the one that is shown at each of the times."""
    held: At | None = None
    place = 0
    for one in frames:
        if held is not None and one[0] <= held[0]:
            continue
        while wanted_s[place] + ROUND_S < one[0]:
            yield held or one
            place += 1
            if place == len(wanted_s):
                return
        held = one
    if held is not None:
        yield held


def _gathered(pieces: Iterable[Piece], until_s: float) -> tuple[list[Piece], bool]:
    """Take what is decoded until then, or a bounded part of it; tell whether that was all."""
    taken: list[Piece] = []
    size_bytes = 0
    for piece in pieces:
        slack_s = 0.0 if piece.shown_s is not None else _AHEAD_S
        if piece.decoded_s is not None and piece.decoded_s > until_s + ROUND_S + slack_s:
            return taken, True
        taken.append(piece)
        size_bytes += piece.packet.size
        if size_bytes > _GATHERED_BYTES:
            return taken, False
    return taken, True


def _plan(pieces: Sequence[Piece], wanted_s: Sequence[float]) -> list[tuple[Piece, bool]] | None:
    """Say of each packet whether its own frame is wanted; leave out what no wanted one needs.

    None where the packets do not tell when they are shown.
    """
    told = [piece.shown_s for piece in pieces if piece.packet.size]
    shown_s = sorted(one for one in told if one is not None)
    if len(shown_s) < len(told) or not shown_s:
        return None
    places = (bisect_right(shown_s, at_s + ROUND_S) - 1 for at_s in wanted_s)
    targets = {shown_s[max(0, place)] for place in places}
    first = max((n for n, one in enumerate(pieces) if _begins(one, min(targets))), default=0)
    last = max(n for n, one in enumerate(pieces) if one.shown_s in targets)
    return [(piece, piece.shown_s in targets) for piece in pieces[first : last + 1]]


def _begins(piece: Piece, target_s: float) -> bool:
    """Whether decoding may begin with this packet to see what is shown at that time."""
    return piece.packet.is_keyframe and piece.shown_s is not None and piece.shown_s <= target_s
