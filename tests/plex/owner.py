"""What the owner of a Plex server does with it: adds, replaces, removes, tags and looks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.plex.holdings import FIELDS, Album, Entry, File, Section, Source, Version

_EPOCH = 1_700_000_000
_ENDINGS = {"photo": "jpg"}


class Owner:
    """The holdings of a server. `raises_updated_at`: whether tags show in an item's updatedAt."""

    def __init__(self) -> None:
        self.raises_updated_at = True
        self.lock = threading.RLock()
        self.held: dict[int, Section] = {}
        self._ids = iter(range(101, 1 << 31))
        self._clock = iter(range(_EPOCH, 1 << 40))

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
        kind = "clip" if clip else "photo"
        return self.add(section, title, kind, picture, parent=album, file=file)

    def add_film(self, section: int, title: str, film: Source, *, file: str = "") -> int:
        return self.add(section, title, "movie", film, file=file)

    def add_show(self, section: int, title: str) -> int:
        return self.add(section, title, "show", None)

    def add_season(self, show: int, number: int) -> int:
        section = self.photo(show).section
        return self.add(section, f"Season {number}", "season", None, parent=show, number=number)

    def add_episode(
        self, season: int, title: str, film: Source, *, number: int = 1, file: str = ""
    ) -> int:
        section = self.photo(season).section
        return self.add(section, title, "episode", film, parent=season, number=number, file=file)

    def add(
        self,
        section: int,
        title: str,
        kind: str,
        source: Source | None,
        *,
        parent: int | None = None,
        number: int = 1,
        file: str = "",
    ) -> int:
        """Add an item, with a file if it has one; return its ratingKey."""
        with self.lock:
            now, key = self.tick(), next(self._ids)
            one = Entry(key, section, title, kind, parent, now, now, number=number)
            if source is not None:
                where = file or f"/data/{self.held[section].title}/{key}.{_ending(kind)}"
                one.versions.append(Version(key, [File(key, source, where, now)]))
            self.held[section].entries[key] = one
            self.held[section].touch()
            return key

    def add_version(
        self, key: int, film: Source, *, height: int = 1080, optimized: bool = False, file: str = ""
    ) -> int:
        """Add another version of an item; return the number of its file."""
        with self._changing(key) as one:
            now, number = self.tick(), next(self._ids)
            folder = "Plex Versions/Optimized for TV" if optimized else "other"
            part = File(number, film, file or f"/data/{folder}/{number}.mp4", now)
            size = (height * 16 // 9, height)
            one.versions.append(Version(number, [part], size, optimized))
            return number

    def add_part(self, key: int, film: Source) -> int:
        """Add a file to an item's first version; return its number."""
        with self._changing(key) as one:
            part = File(next(self._ids), film, f"/data/cd/{key}.mp4", self.tick())
            one.versions[0].files.append(part)
            return part.id

    def drop_version(self, key: int, number: int) -> None:
        with self._changing(key) as one:
            one.versions = [each for each in one.versions if each.id != number]

    def add_extra(
        self, film: int, title: str, source: Source, *, kind: str = "trailer", address: str = ""
    ) -> int:
        """Add a trailer, or another extra; `address`: where it is if not on this server."""
        with self._changing(film) as one:
            now, number = self.tick(), next(self._ids)
            part = File(number, source, f"/data/extras/{number}.mp4", now, address)
            extra = Entry(number, one.section, title, "clip", film, now, now, subtype=kind)
            extra.versions.append(Version(number, [part], (1280, 720)))
            one.extras.append(extra)
            return number

    def hang_poster(self, key: int, picture: Source) -> None:
        with self._changing(key) as one:
            one.poster = picture

    def replace_photo(self, key: int, source: Source) -> None:
        """Replace the main file of an item."""
        with self._changing(key) as one:
            one.main.source, one.main.changed = source, self.tick()

    def remove_photo(self, key: int) -> None:
        """Remove an item."""
        with self.lock:
            section = self.held[self.photo(key).section]
            del section.entries[key]
            section.touch()

    def tag(self, key: int, *words: str, field: str = "") -> None:
        with self._changing(key) as one:
            for word in words:
                one.add(field or FIELDS[one.kind][0], word)

    def untag(self, key: int, *words: str, field: str = "") -> None:
        """Take tags off, whatever their case."""
        gone = {word.casefold() for word in words}
        with self._changing(key) as one:
            name = field or FIELDS[one.kind][0]
            one.tags[name] = [tag for tag in one.of(name) if tag.casefold() not in gone]

    def set_lock(self, key: int, *, locked: bool, field: str = "") -> None:
        with self._changing(key) as one:
            name = field or FIELDS[one.kind][0]
            (one.locked.add if locked else one.locked.discard)(name)

    def view(self, key: int) -> None:
        """Look at an item: what the server counts of that is nobody's edit."""
        with self._changing(key) as one:
            one.views += 1

    def rate(self, key: int, rating: float) -> None:
        with self._changing(key) as one:
            one.rating = str(rating)

    def describe(
        self, key: int, *, year: int | None = None, guid: str = "", ids: tuple[str, ...] = ()
    ) -> None:
        """Let an agent say what an item is."""
        with self._changing(key) as one:
            one.year, one.guid, one.ids = year, guid, ids

    def lose_file(self, key: int) -> None:
        """Let an item have no file, as one does that is being replaced."""
        with self._changing(key) as one:
            one.has_file = False

    def tags(self, key: int, *, field: str = "") -> list[str]:
        with self.lock:
            one = self.photo(key)
            return list(one.of(field or FIELDS[one.kind][0]))

    def locks(self, key: int) -> set[str]:
        with self.lock:
            return set(self.photo(key).locked)

    def photo(self, key: int) -> Entry:
        """The item of this ratingKey. Raises `KeyError`."""
        found = self.find(key)
        if found is None:
            raise KeyError(key)
        return found

    def find(self, key: int) -> Entry | None:
        sections = self.held.values()
        return next((one.entries[key] for one in sections if key in one.entries), None)

    def file(self, key: str) -> File | None:
        """The file of this part key, also one of an extra."""
        number = int(key.split("/")[3])
        entries = (entry for one in self.held.values() for entry in one.entries.values())
        quick = self.find(number)
        for entry in [quick] if quick else entries:
            for one in (entry, *entry.extras):
                for file in one.files:
                    if file.key == key:
                        return file
        return None

    @contextmanager
    def _changing(self, key: int) -> Iterator[Entry]:
        with self.lock:
            one = self.photo(key)
            yield one
            one.updated = self.tick() if self.raises_updated_at else one.updated
            self.held[one.section].touch(one)


def _ending(kind: str) -> str:
    return _ENDINGS.get(kind, "mp4")
