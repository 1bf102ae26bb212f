"""A track whose packets bear times: found by seeking."""

from collections.abc import Iterable, Iterator
from itertools import chain, product

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from tigertag.media.video.track import ROUND_S, Piece, readable, step_s

_BACK_S = (0.0, 1.0, 4.0, 16.0, 64.0)
_BEFORE_S = 10.0
_FAR_TICKS = 1 << 40
_SHORT_S = 180.0
_USUAL_GROUP_S = 2.0
_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
_INDEXED = {_MP4, "avi"}
_REACHED = 0.8


class Timed:
    """Seeks to keyframes by their times. Not thread-safe."""

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
        told = container.format.name == _MP4 and first.pts is not None and first.dts is not None
        self._delay_s = ((first.pts or 0) - (first.dts or 0)) * self._tick_s if told else 0.0
        self._last_key_s = -1.0
        self._reach_s = _USUAL_GROUP_S
        self.step_s = step_s(stream)
        self.duration_s = self._told_duration() or self._found_duration()

    def seconds(self, ticks: int) -> float:
        return ticks * self._tick_s - self._start_s

    def from_key(self, at_s: float) -> Iterator[Piece]:
        key, pieces, _ = self._sought(at_s)
        return pieces if key is None else chain((key,), pieces)

    def key_near(self, at_s: float) -> Piece | None:
        until_s = at_s + self.step_s / 2
        if self._indexed:
            return _first_key(self._seek(until_s), self.duration_s)
        key, pieces, exact = self._sought(until_s)
        for piece in () if exact else pieces:
            if _is_key(piece) and _when(piece) <= until_s:
                key = piece
            elif piece.decoded_s is not None and piece.decoded_s > until_s:
                break
        return key

    def goes_on(self, from_s: float, to_s: float) -> bool:
        entries = self._stream.index_entries
        if len(entries):
            first = entries.search_timestamp(self._ticks(from_s))
            if 0 <= first < entries.search_timestamp(self._ticks(to_s)):
                return False
        return self._indexed or to_s - from_s <= self._reach_s

    def keys_s(self) -> list[float]:
        # Matroska reads its table when it is first asked for a place.
        self._seek(0.0)
        found = [
            max(0.0, self.seconds(one.timestamp) + self._delay_s)
            for one in self._stream.index_entries
            if one.is_keyframe and not one.is_discard
        ]
        if not self._indexed and (not found or found[-1] < _REACHED * self.duration_s):
            is_short = self.duration_s < _SHORT_S
            found = [_when(one) for one in self._seek(0.0) if _is_key(one)] if is_short else []
        return sorted(set(found))

    def _sought(self, at_s: float) -> tuple[Piece | None, Iterator[Piece], bool]:
        """Return a keyframe before this time, what follows, and whether it is the nearest one.

        Without a table, FFmpeg lands behind the keyframe: then an earlier time is asked for.
        """
        for back_s in _BACK_S:
            pieces = self._seek(at_s - back_s)
            key = _first_key(pieces, at_s)
            if key is not None and _when(key) <= at_s + ROUND_S:
                self._learn(_when(key), at_s)
                return key, pieces, back_s == 0.0
            if back_s >= at_s:
                break
        pieces = self._seek(0.0)
        key = _first_key(pieces, self.duration_s)
        return key, self._seek(0.0) if key is None else pieces, key is not None

    def _learn(self, key_s: float, at_s: float) -> None:
        if key_s == self._last_key_s:
            self._reach_s = max(self._reach_s, at_s - key_s)
        self._last_key_s = key_s

    def _seek(self, at_s: float) -> Iterator[Piece]:
        # What is decoded before the beginning is found by asking for what was long before it.
        asked_s = (at_s,) if at_s > 0.0 else (-_BEFORE_S, 0.0)
        self._move([self._ticks(one) for one in asked_s])
        return map(self._piece, readable(self._container.demux(self._stream)))

    def _move(self, ticks: Iterable[int]) -> None:
        for tick, backward in product(ticks, (True, False)):
            try:
                self._container.seek(tick, stream=self._stream, backward=backward)
                return
            except av.FFmpegError:
                continue
        self._container.seek(0, stream=self._stream, unsupported_byte_offset=True)

    def _piece(self, packet: "Packet[VideoStream]") -> Piece:
        decoded_s = None if packet.dts is None else self.seconds(packet.dts)
        known = self._in_order and packet.pts is not None
        return Piece(packet, decoded_s, self.seconds(packet.pts or 0) if known else None)

    def _ticks(self, at_s: float) -> int:
        return round((at_s + self._start_s) / self._tick_s)

    def _beginning(self) -> float:
        if self._container.start_time is not None:
            return self._container.start_time / av.time_base
        return (self._stream.start_time or 0) * self._tick_s

    def _told_duration(self) -> float:
        if self._stream.duration:
            return self._stream.duration * self._tick_s
        return (self._container.duration or 0) / av.time_base

    def _found_duration(self) -> float:
        """Look for the end: FFmpeg reads through a file that has no table of its parts."""
        self._move([_FAR_TICKS])
        ends = (one.pts for one in self._container.demux(self._stream) if one.pts is not None)
        return max((self.seconds(end) for end in ends), default=0.0) + self.step_s


def _first_key(pieces: Iterator[Piece], until_s: float) -> Piece | None:
    """Return the first keyframe, None where there is none that is decoded until then."""
    for piece in pieces:
        if _is_key(piece):
            return piece
        if piece.decoded_s is not None and piece.decoded_s > until_s:
            return None
    return None


def _is_key(piece: Piece) -> bool:
    return piece.packet.is_keyframe and piece.packet.size > 0


def _when(piece: Piece) -> float:
    told = piece.decoded_s if piece.shown_s is None else piece.shown_s
    return 0.0 if told is None else told
