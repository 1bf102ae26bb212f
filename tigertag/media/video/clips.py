"""Shots of short videos that have few keyframes: they are decoded, once."""

from collections.abc import Iterable, Iterator

from tigertag.contracts import Sampling
from tigertag.media.video.content import Watch
from tigertag.media.video.crew import Crew
from tigertag.media.video.film import Film
from tigertag.media.video.lens import small
from tigertag.media.video.picking import picked
from tigertag.model import Frame

_CLIP_S = 180.0
_SPARSE_S = 2.5
_DENSE_S = 0.5
_FEW_KEYS = 4
_HELD_BYTES = 64_000_000
_MOST_OF_A_SHOT = 16


def frames(crew: Crew, sampling: Sampling, most: int) -> list[Frame]:
    """Return one frame of each shot; nothing for a film that has keyframes enough."""
    seen = crew.first.shown_at(_times_s(crew.film, most, crew.short_side_px))
    return picked(list(_middles(seen, sampling.scene_threshold)), most, lambda chosen: chosen)


def _times_s(film: Film, most: int, short_side_px: int) -> list[float]:
    duration_s = film.duration_s
    keys = len(film.keys_s()) or _FEW_KEYS
    count = 2 * most if keys < _FEW_KEYS else 0
    if duration_s <= _CLIP_S and keys * _SPARSE_S < duration_s:
        # Were each of them a shot, this is what would be held.
        fits = _HELD_BYTES // (6 * short_side_px**2)
        count = max(1, min(fits, int(duration_s / _DENSE_S)))
    return [(n + 0.5) * duration_s / count for n in range(count)]


def _middles(frames: Iterable[Frame], threshold: float) -> Iterator[Frame]:
    """Yield the middle one of frames that follow each other and have the same content."""
    watch = Watch(threshold)
    held: list[Frame] = []
    each, count = 1, 0
    for frame in frames:
        if watch.sees_other(small(frame)):
            yield held[len(held) // 2]
            held, each, count = [], 1, 0
        if count % each == 0:
            held.append(frame)
        if len(held) > _MOST_OF_A_SHOT:
            held, each = held[::2], 2 * each
        count += 1
    if held:
        yield held[len(held) // 2]
