"""Facts that a file itself knows: where it was taken, what kind of picture it is. Free and local.

All facts are in every answer; TAGS says which become tags, so another choice asks nothing again.
Places, seasons, years, people and what stands on pixels are in it only where they are asked for.
"""

import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from tigertag.contracts import Capabilities, Host, Labelled, Outcome, PluginState, RunContext
from tigertag.engines.metadata import facts, geonames, naming, seasons
from tigertag.engines.metadata.facts import Fact
from tigertag.engines.metadata.monochrome import SIDE_PX, is_monochrome
from tigertag.engines.metadata.options import BLACK_AND_WHITE, PEOPLE, SEASONS, YEARS, Options
from tigertag.errors import ModelError
from tigertag.model import Kind, Label, Media, Metadata, Sample
from tigertag.net import holding

__all__ = ["MetadataEngine", "Options", "build"]

_VERSION = "metadata-1"
"""Changes when the same metadata may give other labels."""
_KEY, _KEY_LEASE = "private-places-key", "private-places-key-lease"
_KEY_BYTES = 16
_LEASE_S, _LOOK_S, _LOOKS = 10.0, 0.1, 50
_MAX_TAGS = 20
_MOST_FRAMES = 8
"""Of a video, to see whether it is black and white."""


def build(id: str, options: Options, host: Host) -> "MetadataEngine":
    """Return the engine. Does no I/O."""
    return MetadataEngine(id, options, host.state)


class MetadataEngine:
    """Says what metadata prove. Keeps to `Engine` and `Keyed`."""

    def __init__(self, id: str, options: Options, state: PluginState) -> None:
        self.id = id
        self._options = options
        self._state = state
        # Until the one that is kept is taken: places under another key are read again, not named.
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._lock = threading.Lock()
        self._is_open = False
        self._names: naming.PlaceNames | None = None
        self._level = options.level if geonames.version() else "off"

    @property
    def fingerprint(self) -> str:
        """See `Engine`. What may not be named is in it as a digest.

        There are few enough places to try them all, so the digest has a key.
        """
        options = self._options
        parts = [_VERSION]
        if self._level != "off":
            parts += [self._level, options.language, naming.version(options.language)]
        if options.private_places:
            private = repr(sorted(options.private_places, key=repr)).encode()
            parts.append(f"private-{blake2b(private, digest_size=16, key=self._key).hexdigest()}")
        asked = options.chosen & {BLACK_AND_WHITE, SEASONS, YEARS, PEOPLE}
        return ":".join([*parts, *sorted(asked)])

    @property
    def capabilities(self) -> Capabilities:
        options = self._options
        looks = BLACK_AND_WHITE in options.chosen
        return Capabilities(
            media=frozenset({Media.PHOTO, Media.VIDEO}),
            short_side_px=SIDE_PX if looks else 0,
            max_frames=_MOST_FRAMES if looks else 1,
            local=True,
            metadata=True,
            max_tags=_MAX_TAGS,
            withheld=frozenset(facts.FACTS) - options.chosen,
            notice=self._notice,
        )

    @property
    def _notice(self) -> str:
        if self._level == self._options.level:
            return ""
        return "Places are not named: install their data with: pip install 'tigertag[places]'."

    def take_key(self) -> None:
        """See `Keyed`. Without private places there is nothing to hide."""
        for _look in range(_LOOKS if self._options.private_places else 0):
            if (kept := self._state.get(_KEY)) is not None:
                self._key = bytes.fromhex(kept)
                return
            with self._state.alone(_KEY_LEASE, lease_s=_LEASE_S) as is_alone:
                if is_alone and self._state.get(_KEY) is None:
                    self._state.put(_KEY, secrets.token_hex(_KEY_BYTES))
            if not is_alone:
                time.sleep(_LOOK_S)

    def open(self) -> None:
        """See `Engine`. Loads the places where they are asked for."""
        with holding(self._lock):
            if self._level != "off" and self._names is None:
                self._names = naming.open_names(self._options.language, self._level)
            self._is_open = True

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`."""
        if not self._is_open:
            raise ModelError(f"Engine {self.id} is not open.")
        names = self._names
        for sample in batch:
            if run.cancelled():
                return
            yield Labelled(sample.id, tuple(self._labels(sample, names)), _VERSION)

    def close(self) -> None:
        """Let go of the places."""
        self._is_open, self._names = False, None

    def _labels(self, sample: Sample, names: naming.PlaceNames | None) -> Iterator[Label]:
        metadata = sample.metadata or Metadata()
        is_private = self._is_private(metadata)
        latitude, longitude = metadata.latitude, metadata.longitude
        if names and not is_private and latitude is not None and longitude is not None:
            yield from names.labels(latitude, longitude)
        for fact in self._facts(sample, metadata, is_private=is_private):
            yield Label(fact.name, 1.0, kind=Kind.FACT, note=fact.note)
        if PEOPLE in self._options.chosen:
            for name in metadata.people:
                yield Label(name, 1.0, kind=Kind.FACE, note="Named on the server")

    def _facts(self, sample: Sample, metadata: Metadata, *, is_private: bool) -> Iterable[Fact]:
        chosen = self._options.chosen
        yield from facts.facts(metadata, sample.media)
        # Of places that are not to be named, the height of the sun tells too much.
        if night := facts.night(metadata, is_private=is_private or self._level != "city"):
            yield night
        if BLACK_AND_WHITE in chosen and is_monochrome(sample.frames):
            yield Fact(BLACK_AND_WHITE, "No pixel has a colour")
        if SEASONS in chosen:
            yield from seasons.season(metadata)
        if YEARS in chosen:
            yield from seasons.year(metadata)

    def _is_private(self, metadata: Metadata) -> bool:
        latitude, longitude = metadata.latitude, metadata.longitude
        if latitude is None or longitude is None:
            return False
        return any(place.holds(latitude, longitude) for place in self._options.private_places)
