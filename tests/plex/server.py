"""A strict fake of Plex Media Server on a real socket, and its owner's hands on it."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from tests.plex.faults import Faults
from tests.plex.handler import Handler
from tests.plex.holdings import Album, Photo, Section, Source
from tests.plex.listing import Habits
from tests.wire import Wire

TOKEN = "t0ken-of-the-owner"
_EPOCH = 1_700_000_000


class PlexServer:
    """`with PlexServer() as plex:` serves on `plex.url` to whoever sends `plex.token`.

    What no client of Plex does, such as a token in a URL, is kept in `violations` and raised when
    the block ends. `counts` are the requests by kind, `log` their methods, paths and queries.
    `raises_updated_at`: whether an edit of tags shows in an item's updatedAt. `transcode_s`: how
    long a small picture takes, besides the work.
    """

    def __init__(self, *, port: int = 0, token: str = TOKEN) -> None:
        self.token = token
        self.raises_updated_at = True
        self.bears_missing = True
        self.silence_s = 1.0
        self.transcode_s = 0.0
        self.habits = Habits()
        self.faults = Faults()
        self.lock = threading.RLock()
        self.held: dict[int, Section] = {}
        self.counts: Counter[str] = Counter()
        self.log: deque[str] = deque(maxlen=100_000)
        self.violations: list[str] = []
        self.before_edit: Callable[[], None] = lambda: None
        self._ids = iter(range(101, 1 << 31))
        self._clock = iter(range(_EPOCH, 1 << 40))
        self._wire = _Wire(port, self)
        self._thread = threading.Thread(target=self._wire.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._wire.shutdown()
        self._thread.join()
        self._wire.hang_up()
        self._wire.server_close()
        if kind is None and self.violations:
            raise AssertionError(
                "Plex was asked what nobody asks it: " + "; ".join(self.violations)
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._wire.server_port}"

    def fail(
        self, kind: int | str, *, at: str = "", after: int = 0, times: float = float("inf")
    ) -> None:
        """Let requests fail whose `METHOD /path?query` holds `at`.

        `kind` is a status, "maintenance" (503), "html" or "empty" (both 200), "garbled" (XML that
        ends too early), "reset" (in the middle of the body), "silent" (an answer that comes too
        late), and for lists "short", "twice" (an item) or "cut" (no items). The first `after`
        requests that match are served, the next `times` fail; `mend()` ends all that.
        """
        self.faults.add(kind, at=at, after=after, times=times)

    def mend(self) -> None:
        self.faults.clear()

    def hang_up(self) -> None:
        """Cut all connections, as a restart does."""
        self._wire.hang_up()

    def tick(self) -> int:
        """A second passes; which one it is now."""
        return next(self._clock)

    def add_section(self, title: str, *, kind: str = "photo") -> int:
        with self.lock:
            number = max(self.held, default=0) + 1
            self.held[number] = Section(number, title, kind)
            return number

    def rename_section(self, section: int, title: str) -> None:
        with self.lock:
            self.held[section].title = title
            self.held[section].touch()

    def delete_section(self, section: int) -> None:
        with self.lock:
            del self.held[section]

    def add_album(self, section: int, title: str, *, parent: int | None = None) -> int:
        with self.lock:
            one = Album(next(self._ids), section, title, parent, self.tick())
            self.held[section].albums[one.id] = one
            self.held[section].touch()
            return one.id

    def add_photo(
        self,
        section: int,
        title: str,
        picture: Source,
        *,
        album: int | None = None,
        file: str = "",
        clip: bool = False,
    ) -> int:
        """Add a photo: bytes, a file, or a function that gives bytes; return its ratingKey."""
        with self.lock:
            now, number = self.tick(), next(self._ids)
            where = file or f"/data/{self.held[section].title}/{number}.jpg"
            one = Photo(number, section, title, album, picture, where, now, now, now, clip)
            self.held[section].photos[number] = one
            self.held[section].touch()
            return number

    def replace_photo(self, photo: int, picture: Source) -> None:
        with self._changing(photo) as one:
            one.source, one.changed = picture, self.tick()

    def remove_photo(self, photo: int) -> None:
        with self.lock:
            section = self.held[self.photo(photo).section]
            del section.photos[photo]
            section.touch()

    def tag(self, photo: int, *words: str) -> None:
        with self._changing(photo) as one:
            for word in words:
                one.add(word)

    def untag(self, photo: int, *words: str) -> None:
        """Take tags off, whatever their case."""
        gone = {word.casefold() for word in words}
        with self._changing(photo) as one:
            one.tags = [tag for tag in one.tags if tag.casefold() not in gone]

    def set_lock(self, photo: int, *, locked: bool, field: str = "tag") -> None:
        with self._changing(photo) as one:
            (one.locked.add if locked else one.locked.discard)(field)

    def view(self, photo: int) -> None:
        """Look at a photo: what the server counts of that is nobody's edit."""
        with self._changing(photo) as one:
            one.views += 1

    def rate(self, photo: int, rating: float) -> None:
        with self._changing(photo) as one:
            one.rating = str(rating)

    def lose_file(self, photo: int) -> None:
        """Let a photo have no file, as one does that is being replaced."""
        with self._changing(photo) as one:
            one.has_file = False

    def tags(self, photo: int) -> list[str]:
        with self.lock:
            return list(self.photo(photo).tags)

    def locks(self, photo: int) -> set[str]:
        with self.lock:
            return set(self.photo(photo).locked)

    def photo(self, photo: int) -> Photo:
        """The photo of this ratingKey. Raises `KeyError`."""
        found = self.find(photo)
        if found is None:
            raise KeyError(photo)
        return found

    def find(self, photo: int) -> Photo | None:
        sections = self.held.values()
        return next((one.photos[photo] for one in sections if photo in one.photos), None)

    @contextmanager
    def _changing(self, photo: int) -> Iterator[Photo]:
        with self.lock:
            one = self.photo(photo)
            yield one
            one.updated = self.tick() if self.raises_updated_at else one.updated
            self.held[one.section].touch(one)


class _Wire(Wire):
    def __init__(self, port: int, plex: PlexServer) -> None:
        self.plex = plex
        super().__init__(port, Handler)
