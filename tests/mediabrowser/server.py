"""A fake Emby or Jellyfin on a real socket, and its owner's hands on it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.media_server import FakeMediaServer
from tests.mediabrowser.dto import date
from tests.mediabrowser.handler import Handler
from tests.mediabrowser.holdings import Held, Source, User, Version, View
from tests.mediabrowser.spec import load

KEY = "0123456789abcdef0123456789abcdef"
_EPOCH = 1_700_000_000


@dataclass(slots=True)
class Habits:
    """How a server lists and sends: most items a page, what it promises, whether it gives parts.

    `photo_sources`: whether it names the media sources of photos. `tells_total`: of a list.
    """

    most_per_page: int = 1000
    promises: int | None = None
    tells_total: bool = True
    ranges: bool = True
    photo_sources: bool = False


class MediaServer(FakeMediaServer):
    """`with MediaServer("jellyfin", "10.11") as server:` serves on `server.url`.

    What its official document does not know, such as a parameter, is kept in `violations` and
    raised when the block ends; so is a key in a URL. `counts` are the requests by operation, `log`
    their methods, paths and queries. `before_edit` and `after_edit` get the item of each edit. `id`
    tells the server from others.
    """

    def __init__(self, kind: str, version: str, *, port: int = 0, key: str = KEY) -> None:
        super().__init__(port, Handler)
        self.kind = kind
        self.version = version
        self.blame = f"{kind} was asked what nobody asks it"
        self.key = key
        self.id = "5ca1e"
        self.spec = load(kind, version)
        self.habits = Habits()
        self.lock = threading.RLock()
        self.users = [User(self._id(1), "Kim", False), User(self._id(2), "Ada", True)]
        self.views: dict[str, View] = {}
        self.items: dict[str, Held] = {}
        self.before_edit: Callable[[Held], object] = lambda _item: None
        self.after_edit: Callable[[Held], object] = lambda _item: None
        self._ids = iter(range(101, 1 << 31))
        self._clock = iter(range(_EPOCH, 1 << 40))

    @property
    def emby(self) -> bool:
        return self.kind == "emby"

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def tick(self) -> int:
        """A second passes; which one it is now."""
        return next(self._clock)

    def add_view(self, name: str, kind: str | None) -> str:
        """Add a view: "homevideos", "movies", "tvshows", "music" …; None: of mixed content."""
        with self.lock:
            one = View(self._id(next(self._ids)), name, kind)
            self.views[one.id] = one
            return one.id

    def delete_view(self, view: str) -> None:
        with self.lock:
            del self.views[view]
            self.items = {key: one for key, one in self.items.items() if one.view != view}

    def add_photo(self, view: str, name: str, picture: Source, **told: Any) -> str:
        """Add a photo: bytes, a file, or a function that gives bytes; return its id."""
        return self.add(view, "Photo", name, [(picture, 0, 0)], **told)

    def add(
        self,
        view: str,
        type: str,
        name: str,
        versions: Sequence[tuple[Source, int, int]],
        *,
        file: str = "",
        poster: Source | None = None,
        keywords: Sequence[str] = (),
        **told: Any,
    ) -> str:
        """Add an item of one or more files, each with the width and height of its picture."""
        with self.lock:
            number, now = next(self._ids), self.tick()
            key, ending = self._id(number), "jpg" if type == "Photo" else "mkv"
            where = file or f"/data/{self.views[view].name}/{number}.{ending}"
            made = [
                self._version(key, number, place, where, one) for place, one in enumerate(versions)
            ]
            known: dict[str, Any] = {
                "Genres": [],
                "ProviderIds": {},
                "LockedFields": [],
                "Taglines": [],
            }
            metadata = known | {"LockData": False, "Studios": []} | told | {"Name": name}
            metadata |= {"Tags": list(keywords), "DateCreated": told.get("DateCreated", date(now))}
            one = Held(key, view, type, made, metadata, now, now, now, poster, list(keywords))
            one.stored = dict(metadata)
            self.items[key] = one
            return key

    def add_series(self, view: str, name: str, **told: Any) -> str:
        """Add a show, which has a folder and no file."""
        return self.add(view, "Series", name, [(b"", 0, 0)], **told)

    def add_episode(self, series: str, name: str, film: Source, **told: Any) -> str:
        above = self.items[series]
        told = {"SeriesId": series, "SeriesName": above.told["Name"], "ParentIndexNumber": 1} | told
        return self.add(above.view, "Episode", name, [(film, 1920, 1080)], **told)

    def replace_photo(self, key: str, picture: Source) -> None:
        with self.changing(key) as one:
            one.versions[0].source, one.changed = picture, self.tick()

    def remove(self, key: str) -> None:
        with self.lock:
            del self.items[key]

    def tag(self, key: str, *words: str) -> None:
        """Replace an item's tags, as its owner would."""
        with self.changing(key) as one:
            one.told["Tags"] = list(words)

    def untag(self, key: str, *words: str) -> None:
        gone = {word.casefold() for word in words}
        with self.changing(key) as one:
            one.told["Tags"] = [tag for tag in one.told["Tags"] if tag.casefold() not in gone]

    def refresh(self, key: str) -> None:
        """Rebuild metadata. Jellyfin takes a photo's from its file, locked or not."""
        with self.changing(key) as one:
            if one.type == "Photo" and not self.emby:
                one.told |= {"Tags": list(one.keywords), "Genres": [], "Overview": None}

    def rescan(self, key: str) -> None:
        """Read an item from the database again, where Jellyfin joins its tags with bars."""
        with self.lock:
            stored = self.items[key].stored
            tags = "|".join(stored["Tags"])
            self.items[key].told = stored | {"Tags": tags.split("|") if tags else []}

    def play(self, key: str) -> None:
        """Look at an item: what the server counts of that is nobody's edit."""
        with self.lock:
            self.items[key].plays += 1

    def tags(self, key: str) -> list[str]:
        with self.lock:
            return list(self.items[key].told["Tags"])

    @contextmanager
    def changing(self, key: str) -> Iterator[Held]:
        """Change an item, and save it."""
        with self.lock:
            one = self.items[key]
            yield one
            one.saved = self.tick()
            one.stored = dict(one.told)

    def _id(self, number: int) -> str:
        return str(number) if self.emby else f"{number:032x}"

    def _version(
        self, key: str, number: int, place: int, where: str, one: tuple[Source, int, int]
    ) -> Version:
        owner = key if place == 0 else self._id(1_000_000 * place + number)
        stem, dot, ending = where.rpartition(".")
        path = where if place == 0 else f"{stem} - {place}{dot}{ending}"
        return Version(
            f"mediasource_{owner}" if self.emby else owner, owner, one[0], path, *one[1:]
        )
