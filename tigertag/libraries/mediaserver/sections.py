"""The sections that a user wants."""

from collections.abc import Sequence

from tigertag.libraries.mediaserver.faults import Wording
from tigertag.model import Section
from tigertag.wording import did_you_mean


def wanted(names: Sequence[str], found: Sequence[Section], wording: Wording) -> list[Section]:
    """Return the sections of these titles or ids; all where none is named.

    Raises `LibraryError` where one of them is not there.
    """
    named = dict.fromkeys(_named(name, found, wording) for name in names)
    return list(named) if names else list(found)


def _named(name: str, found: Sequence[Section], wording: Wording) -> Section:
    for section in found:
        if name.casefold() in (section.id.casefold(), section.title.casefold()):
            return section
    titles = [section.title for section in found]
    raise wording.no_section(name, did_you_mean(name, titles), ", ".join(titles))
