"""Hooks: addresses where other programs announce what is new, and what follows from it.

A hook's token is its address. Whoever has it can announce news, and do nothing else.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from tigertag import bounds
from tigertag.contracts import Locating
from tigertag.core import Core, LibraryEntry
from tigertag.errors import Conflict, LibraryError, NotFound, RequestError
from tigertag.model import Section
from tigertag.services import accounts, announcements
from tigertag.services.announcements import Announcement, NoNews
from tigertag.store import events, hooks, scans
from tigertag.store import scan_requests as requests
from tigertag.store.hooks import HookRow
from tigertag.store.scan_requests import MOST_S, Wanted
from tigertag.text import count, tidy

__all__ = ["Announced", "HookRow", "NewHook", "add", "announce", "identify", "listed", "remove"]

_MOST_HOOKS = 100
_SECTIONS_KEPT_S = 30.0
_KINDS = {
    announcements.PLEX: "tigertag.plex",
    announcements.JELLYFIN: "tigertag.jellyfin",
    announcements.EMBY: "tigertag.emby",
    announcements.IMMICH: "tigertag.immich",
}
_NAME_IT = "Make a hook that names its library."


@dataclass(frozen=True, slots=True)
class NewHook:
    """A hook that was just made, and its token, which is shown once."""

    hook: HookRow
    token: str


@dataclass(frozen=True, slots=True)
class Announced:
    """What followed from a call. `sections` will be scanned: "library/section id", or a library."""

    message: str
    sections: tuple[str, ...] = ()


class _NotForUs(Exception):
    """News that no library of TigerTag is about."""


def listed(core: Core) -> tuple[HookRow, ...]:
    """Return the hooks by their names."""
    with core.store.read() as db:
        return tuple(hooks.every(db))


def add(
    core: Core, name: str, *, library: str = "", section: str = "", write: str = "preview"
) -> NewHook:
    """Make a hook, for a library, one section of it, or whatever it announces.

    Raises `RequestError`, `NotFound`, `Conflict`, `PluginError`, `LibraryError`.
    """
    name = tidy(name)[: bounds.NAME]
    if not name:
        raise RequestError("Give the hook a name, such as that of the program that will call it.")
    if section and not library:
        raise NotFound("A hook for a section has to name its library, too.")
    if write not in ("preview", "apply"):
        raise RequestError("What a hook's scans do is one of preview, apply.")
    if library:
        library = core.library_entry(library).id
    if section:
        section = core.section(core.library(library), section).id
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    with core.store.write() as db:
        if len(hooks.every(db)) >= _MOST_HOOKS:
            raise Conflict(f"There are {_MOST_HOOKS} hooks already; remove one first.")
        new = {"name": name, "library": library, "section": section, "write": write}
        hooks.add(db, hash=_digest(token), now=now, **new)
        hook = hooks.of_hash(db, _digest(token))
        assert hook is not None
        events.record(db, "info", "hook", f"Hook {hook.id} ({name}) was made.")
    return NewHook(hook, token)


def remove(core: Core, hook_id: int) -> None:
    """Revoke a hook: its address is none from now on. Raises `NotFound`."""
    with core.store.write() as db:
        if not hooks.remove(db, hook_id):
            raise NotFound(f"There is no hook {hook_id}.")
        events.record(db, "info", "hook", f"Hook {hook_id} was revoked.")


def identify(core: Core, token: str, address: str) -> HookRow:
    """Return the hook of a token. Raises `NotFound`, and `Throttled` after too many of those.

    A token that is right is never throttled: behind a proxy, or on one machine, a program that
    calls a revoked hook shares its address with others. 256 bits are not guessed.
    """
    with core.store.read() as db:
        hook = hooks.of_hash(db, _digest(token))
    if hook is None:
        accounts.count_attempt(core, accounts.HOOK, accounts.network_of(address))
        raise NotFound("There is no such hook; it may have been revoked. Make a new one in Setup.")
    return hook


def announce(core: Core, hook: HookRow, payload: bytes) -> Announced:
    """Take in what a program sent to a hook.

    Raises `RequestError`, which says why it is not understood, and `PluginError`; nothing has
    changed then.
    """
    sent = announcements.read(payload)
    if isinstance(sent, NoNews):
        _count_other(core, hook)
        return Announced(f"{sent.program}'s event {sent.event} is no news; nothing was changed.")
    try:
        wanted = list(dict.fromkeys(_wanted(core, hook, sent)))
    except _NotForUs as exc:
        _count_other(core, hook)
        return Announced(f"{exc} Nothing was changed.")
    _want(core, hook, sent.program, wanted)
    quiet = count(round(core.hook_quiet_s), "second")
    message = f"{_named(wanted)} will be scanned ({hook.write}) after {quiet} without more news."
    return Announced(message, tuple(_path(each) for each in wanted))


def _want(core: Core, hook: HookRow, program: str, wanted: Sequence[Wanted]) -> None:
    """Ask for the scans. Of a storm of calls one a second is written; the others only look."""
    reason, quiet_s = f"hook {hook.name}", core.hook_quiet_s
    with core.store.read() as db:
        if all(requests.is_wanted(db, each, reason=reason, quiet_s=quiet_s) for each in wanted):
            return
    with core.store.write() as db:
        hooks.count(db, hook.id, datetime.now(UTC), is_news=True)
        known = {row.wanted for row in requests.waiting(db)}
        for each in wanted:
            requests.want(db, each, reason=reason, quiet_s=quiet_s, most_s=MOST_S)
        if new := [each for each in wanted if each not in known]:
            message = f"{program} announced news in {_named(new)} to hook {hook.name}."
            events.record(db, "info", "hook", message)


def _count_other(core: Core, hook: HookRow) -> None:
    with core.store.write() as db:
        hooks.count(db, hook.id, datetime.now(UTC), is_news=False)


def _wanted(core: Core, hook: HookRow, news: Announcement) -> Iterator[Wanted]:
    """Yield the scans that news ask for. Raises `RequestError`, `_NotForUs`."""
    for entry in _libraries(core, hook, news):
        for section in _sections(core, entry, hook, news):
            yield Wanted(entry.id, section, "new", hook.write)


def _libraries(core: Core, hook: HookRow, news: Announcement) -> Sequence[LibraryEntry]:
    """Return the libraries that news are about: named, or the only ones that they can be about."""
    if hook.library and news.library and hook.library != news.library.casefold():
        raise RequestError(f"This hook is for library {hook.library}, not for {news.library!r}.")
    name = hook.library or news.library
    if name:
        try:
            return [core.library_entry(name)]
        except NotFound as exc:
            raise RequestError(str(exc)) from exc
    kind = _KINDS.get(news.program)
    if kind is not None:
        return [_only([entry for entry in core.libraries if entry.name == kind], news.program)]
    if not news.path:
        raise RequestError(f"{news.program} does not say what library it is about. {_NAME_IT}")
    entries = [entry for entry in core.libraries if _places(core, entry, news.path)]
    if not entries:
        raise RequestError(
            f"No library is known to have the folder that {news.program} names. {_NAME_IT}"
        )
    return entries


def _only(entries: Sequence[LibraryEntry], program: str) -> LibraryEntry:
    if len(entries) == 1:
        return entries[0]
    raise RequestError(f"There are {len(entries)} libraries of {program}. {_NAME_IT}")


def _sections(core: Core, entry: LibraryEntry, hook: HookRow, news: Announcement) -> Sequence[str]:
    """Return the ids of the sections that news are about; "": a script names all of the library.

    Raises `RequestError`, `_NotForUs`.
    """
    known = _known_sections(core, entry)
    fixed = _id_of(known, hook.section)
    named = _id_of(known, news.section)
    if fixed is None:
        raise RequestError(f"Section {hook.section} of this hook is not in {entry.id} any more.")
    if named is None and news.program == announcements.PLAIN:
        raise RequestError(f"Library {entry.id} has no section {news.section!r}.")
    if named is None:
        raise _NotForUs(f"TigerTag does not scan section {news.section} of {entry.id}.")
    if fixed and named and fixed != named:
        raise _NotForUs(f"The news is about section {named}; this hook is for {fixed}.")
    if fixed or named:
        return [fixed or named]
    if news.program == announcements.PLAIN:
        return _places(core, entry, news.path) or [""]
    return _places(core, entry, news.path) or _scanned(core, entry, news, known)


def _scanned(
    core: Core, entry: LibraryEntry, news: Announcement, known: Sequence[Section] | None
) -> Sequence[str]:
    """Return the sections that were scanned before: news of one are no reason to begin another.

    A first scan may ask engines about all of a section, and cost accordingly. Raises `_NotForUs`.
    """
    with core.store.read() as db:
        scanned = scans.scanned_sections(db, entry.id)
    there = [
        id
        for id in scanned
        if (known is None or _id_of(known, id) == id)
        and not (news.not_in and id.startswith(news.not_in))
    ]
    if not there:
        raise _NotForUs(
            f"{news.program} does not say in which section of {entry.id} there is something new,"
            " and none of them was scanned yet. Scan one, or make a hook that names its section."
        )
    return there


def _known_sections(core: Core, entry: LibraryEntry) -> tuple[Section, ...] | None:
    """Return a library's sections, read every now and then; None: it cannot be reached.

    Raises `PluginError`.
    """

    def sections() -> tuple[Section, ...] | None:
        try:
            return tuple(core.library(entry.id).sections())
        except LibraryError:
            return None

    return core.cache.get(("hooks", entry.id), sections, keep_s=_SECTIONS_KEPT_S)


def _id_of(sections: Sequence[Section] | None, name: str) -> str | None:
    """Return the id of a section by id or title; None: there is none; unknown: the name itself."""
    if sections is None or not name:
        return name
    names = name.casefold()
    for section in sections:
        if names in (section.id.casefold(), section.title.casefold()):
            return section.id
    return None


def _places(core: Core, entry: LibraryEntry, path: str) -> list[str]:
    """Return the sections of a library in whose folders a path is, as far as that is known."""
    if not path or not isinstance(entry.library, Locating):
        return []
    sections = _known_sections(core, entry) or ()
    at = entry.library.sections_at(path)
    return [section.id for section in sections if section.id in at]


def _named(wanted: Sequence[Wanted]) -> str:
    return ", ".join(map(_path, wanted))


def _path(wanted: Wanted) -> str:
    return f"{wanted.library}/{wanted.section}" if wanted.section else wanted.library


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
