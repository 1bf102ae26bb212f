"""Items of a library, found by what people call them."""

from collections.abc import Sequence
from pathlib import PurePath

from tigertag.errors import Unreadable
from tigertag.media.formats import media_of
from tigertag.model import Item, Media
from tigertag.text import did_you_mean

_BETWEEN = " · "
_OFFERED = 3


class Named:
    """Videos and pictures that bear one of these names, upper and lower case alike.

    A name is an item's key or title. It is also a file's without its ending, or an episode's
    without its show, where that is of one item only.
    """

    def __init__(self, library: str, names: Sequence[str]) -> None:
        self._library = library
        self._wanted = {name.casefold() for name in names}
        self._exact: dict[str, Item] = {}
        self._near: dict[str, list[Item]] = {}
        self._titles: list[str] = []

    def see(self, item: Item) -> None:
        """Take note of an item of the library."""
        if item.media is Media.GROUP:
            return
        self._titles.append(item.title)
        for word in self._wanted & {item.key.casefold(), item.title.casefold()}:
            self._exact.setdefault(word, item)
        for word in self._wanted & _shorter(item.title.casefold()):
            self._near.setdefault(word, []).append(item)

    def item(self, name: str) -> Item:
        """Return the item of this name. Raises `Unreadable`, which says what others there are."""
        word = name.casefold()
        if word in self._exact:
            return self._exact[word]
        near = self._near.get(word, [])
        if len(near) == 1:
            return near[0]
        some = [one.title for one in near] or [one for one in self._titles if _has(one, word)]
        raise Unreadable(
            f"Library {self._library} has no video or picture {name!r}{self._hint(name, some)}"
        )

    def _hint(self, name: str, some: Sequence[str]) -> str:
        if some:
            return f"; did you mean {' or '.join(repr(one) for one in some[:_OFFERED])}?"
        guess = did_you_mean(name, self._titles)
        if guess != ".":
            return guess
        return ": give its title or its key; an episode's is like 'Show · S01E02 · Title'."


def _shorter(title: str) -> set[str]:
    shorter = {title.rpartition(_BETWEEN)[2]}
    return shorter | {PurePath(title).stem} if media_of(title) else shorter


def _has(title: str, word: str) -> bool:
    return bool(word) and word in title.casefold()
