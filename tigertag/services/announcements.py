"""What other programs send to a hook, read into the news in it. Pure: nothing is looked up."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from tigertag import bounds
from tigertag.errors import RequestError
from tigertag.text import did_you_mean, tidy

PLEX, JELLYFIN, EMBY, IMMICH = "Plex", "Jellyfin", "Emby", "Immich"
SONARR, RADARR, PLAIN = "Sonarr", "Radarr", "A script"

_IMMICH_LIBRARY = "library-"
_LONGEST_PATH = 4096
_LONGEST_EVENT = 64
_FIELDS = ("library", "section", "path")
# Sonarr's and Radarr's names, with those that older and newer versions use for the same.
_IMPORTED = frozenset({"download", "upgrade", "import", "importcomplete", "rename"})
# Immich's other triggers tell of what its owner, or TigerTag itself, did to an asset.
_ASSET_IS_NEW = frozenset({"AssetCreate", "AssetMetadataExtraction"})
_UNDERSTOOD = (
    "TigerTag understands Plex, Emby, Immich's workflows, Sonarr, Radarr, Jellyfin's webhook"
    " plugin, and"
    ' {"library": …, "section": …, "path": …}.'
)


@dataclass(frozen=True, slots=True)
class Announcement:
    """There is something new. "": it does not say where.

    `program` sent it. `section`: an id or a title. `path`: a file or folder, as that program names
    it. `not_in`: how the ids of sections begin in which it is not; "": it may be in any.
    """

    program: str
    library: str = ""
    section: str = ""
    path: str = ""
    not_in: str = ""


@dataclass(frozen=True, slots=True)
class NoNews:
    """Something else than news, such as a test or the start of a film: `event` of `program`."""

    program: str
    event: str


def read(payload: bytes) -> Announcement | NoNews:
    """Read what a program sent. Raises `RequestError`, which says why it is not understood."""
    body = _json(payload)
    if not isinstance(body, dict):
        raise RequestError(f"The payload is no JSON object. {_UNDERSTOOD}")
    for field, reader in _READERS.items():
        if field in body:
            return reader(body)
    if any(name in body for name in _FIELDS):
        return _plain(body)
    if "trigger" in body:
        return _immich(body)
    raise RequestError(f"The payload is of a program that TigerTag does not know. {_UNDERSTOOD}")


def _json(payload: bytes) -> object:
    try:
        return json.loads(payload, parse_constant=_refuse_constant)
    except RecursionError as exc:
        raise RequestError("The payload is nested too deeply.") from exc
    except ValueError as exc:
        reason = "it is not UTF-8" if isinstance(exc, UnicodeDecodeError) else str(exc)
        raise RequestError(f"The payload is not JSON: {reason}.") from exc


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _plex(body: Mapping[str, Any]) -> Announcement | NoNews:
    """`library.new` comes once an item or a batch; `Metadata` may be of what the item is in."""
    event = _event(body, "event")
    if event != "library.new":
        return NoNews(PLEX, event)
    metadata = _object(body, "Metadata")
    section = metadata.get("librarySectionID")
    if isinstance(section, int) and not isinstance(section, bool):
        section = str(section)
    return Announcement(PLEX, section=_text(section, "librarySectionID", bounds.NAME))


def _jellyfin(body: Mapping[str, Any]) -> Announcement | NoNews:
    """The webhook plugin names no library and no path; the hook may."""
    event = _event(body, "NotificationType")
    return Announcement(JELLYFIN) if event == "ItemAdded" else NoNews(JELLYFIN, event)


def _emby(body: Mapping[str, Any]) -> Announcement | NoNews:
    event = _event(body, "Event")
    if event != "library.new":
        return NoNews(EMBY, event)
    return Announcement(EMBY, path=_path(_object(body, "Item").get("Path")))


def _immich(body: Mapping[str, Any]) -> Announcement | NoNews:
    """The webhook of a workflow: {type, trigger, data}.

    An upload is in no external library; it may be in the timeline's section, or in an album's.
    """
    trigger = _event(body, "trigger")
    if trigger not in _ASSET_IS_NEW:
        return NoNews(IMMICH, trigger)
    asset = _object(_object(body, "data"), "asset")
    library = _text(asset.get("libraryId"), "libraryId", bounds.NAME)
    if library:
        return Announcement(IMMICH, section=_IMMICH_LIBRARY + library)
    return Announcement(IMMICH, not_in=_IMMICH_LIBRARY)


def _arr(body: Mapping[str, Any]) -> Announcement | NoNews:
    """Sonarr's and Radarr's payloads are alike; what they are about tells one from the other."""
    event = _event(body, "eventType")
    program = RADARR if "movie" in body or "remoteMovie" in body else SONARR
    if event.casefold() not in _IMPORTED:
        return NoNews(program, event)
    if program == SONARR and "series" not in body:
        raise RequestError(f"The payload is about neither a series nor a film. {_UNDERSTOOD}")
    files, folder = ("movieFile", "movie") if program == RADARR else ("episodeFile", "series")
    owner = _object(body, folder)
    places = (_object(body, files).get("path"), owner.get("path"), owner.get("folderPath"))
    return Announcement(program, path=_path(next(filter(None, places), None)))


def _plain(body: Mapping[str, Any]) -> Announcement:
    for name in body:
        if name not in _FIELDS:
            hint = did_you_mean(name, _FIELDS)
            raise RequestError(f"`{tidy(name)}` is unknown{hint} Known: {', '.join(_FIELDS)}.")
    return Announcement(
        PLAIN,
        library=_text(body.get("library"), "library", bounds.NAME),
        section=_text(body.get("section"), "section", bounds.WORD),
        path=_path(body.get("path")),
    )


_Reader = Callable[[Mapping[str, Any]], Announcement | NoNews]
_READERS: Mapping[str, _Reader] = {
    "NotificationType": _jellyfin,
    "eventType": _arr,
    "event": _plex,
    "Event": _emby,
}
"""By the field that names the event, which each program spells in its own way.

Immich's, `trigger`, is a word that a script may send, too.
"""


def _event(body: Mapping[str, Any], field: str) -> str:
    event = _text(body[field], field, _LONGEST_EVENT)
    if not event:
        raise RequestError(f"`{field}` is empty; it has to name an event.")
    return tidy(event)


def _object(body: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = body.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RequestError(f"`{field}` is no object.")
    return value


def _path(value: object) -> str:
    return _text(value, "path", _LONGEST_PATH)


def _text(value: object, field: str, longest: int) -> str:
    """Return a text that can be kept, "" for none. Raises `RequestError`."""
    if value is None:
        return ""
    if not isinstance(value, str) or not bounds.fits(value, longest):
        raise RequestError(f"`{field}` is no text of at most {longest} characters.")
    return value
