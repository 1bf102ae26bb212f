"""What the owner of a library on Immich should know of its key, its Tags feature and its server."""

from collections.abc import Collection, Iterator, Sequence

from tigertag.libraries.immich.server import ImmichClient
from tigertag.libraries.mediaserver.client import ServerRequest
from tigertag.libraries.mediaserver.json_client import Entry, number

READING = ("asset.read", "asset.view", "tag.read", "user.read")
"""The permissions without which nothing can be previewed."""
WRITING = ("tag.create", "tag.asset")
ALBUMS = "album.read"
PREFERENCES = "userPreference.read"
"""Shows whether tags are switched on; nothing depends on it."""
EVERYTHING = "all"

_OLDEST = (2, 5)
_HARMLESS = (".read", ".view", ".statistics", ".about")
_MOST_NAMED = 8


def may(permissions: Collection[str], permission: str) -> bool:
    """Whether a key with these permissions has this one."""
    return permission in permissions or EVERYTHING in permissions


def asked(client: ImmichClient, *, albums: bool) -> Sequence[str]:
    """Ask a server, as it is now, for what `advice` goes by. Raises `LibraryError`.

    Nothing here takes a permission that the key may lack; a client that is not connected will do.
    """
    key = client.entry(ServerRequest("/api-keys/me"), opening=True)
    version = client.entry(ServerRequest("/server/version"), opening=True)
    permissions = key.get("permissions")
    if not isinstance(permissions, list):
        raise client.errors.not_this_product()
    shown = None
    if may(permissions, PREFERENCES):
        shown = shows_tags(client.entry(ServerRequest("/users/me/preferences"), opening=True))
    return advice(
        [each for each in permissions if isinstance(each, str)],
        (
            number(version, "major") or 0,
            number(version, "minor") or 0,
            number(version, "patch") or 0,
        ),
        tags_shown=shown,
        albums=albums,
        setting=client.errors.key_setting,
    )


def shows_tags(preferences: Entry) -> bool | None:
    """Whether Immich shows a user its tags; None: the preferences do not say."""
    tags = preferences.get("tags")
    enabled = tags.get("enabled") if isinstance(tags, dict) else None
    return enabled if isinstance(enabled, bool) else None


def advice(
    permissions: Collection[str],
    version: tuple[int, int, int],
    *,
    tags_shown: bool | None,
    albums: bool,
    setting: str,
) -> Sequence[str]:
    """Return a line for each thing to know or do; empty where all is well.

    `permissions`: of the key. `tags_shown`: see `shows_tags`; None also where the key may not read
    it. `albums`: whether the settings name any. `setting` is the name of the key's setting.
    """
    needed = (*READING, *WRITING, *((ALBUMS,) if albums else ()))
    about_key = [*_missing(permissions, albums=albums), *_unneeded(permissions, needed)]
    if about_key:
        about_key.append(
            "To make the least key: in Immich's web app, your picture → Account Settings → API Keys"
            f" → New API Key, tick {_names(needed)} and nothing else, and set {setting} to the key"
            " that is then shown once."
        )
    return [*about_key, *_about_tags(tags_shown), *_about_version(version)]


def _missing(permissions: Collection[str], *, albums: bool) -> Iterator[str]:
    reading = [each for each in READING if not may(permissions, each)]
    writing = [each for each in WRITING if not may(permissions, each)]
    if reading:
        yield f"The key lacks {_names(reading)}: nothing can be previewed or tagged without."
    if writing:
        follows = (
            "no tag can be written either"
            if reading
            else "previews work, but no tag can be written"
        )
        yield f"The key lacks {_names(writing)}: {follows}."
    if albums and not may(permissions, ALBUMS):
        yield f"The key lacks {ALBUMS}: the albums that the settings name cannot be found."


def _unneeded(permissions: Collection[str], needed: Collection[str]) -> Iterator[str]:
    if EVERYTHING in permissions:
        yield (
            f"The key has the permission {EVERYTHING}: whoever gets it may delete every photo."
            " TigerTag needs far less."
        )
        return
    others = sorted(set(permissions) - {*needed, ALBUMS, PREFERENCES})
    others.sort(key=lambda each: each.endswith(_HARMLESS))
    if others:
        more = len(others) - _MOST_NAMED
        named = (
            _names(others) if more <= 0 else f"{', '.join(others[:_MOST_NAMED])} and {more} more"
        )
        yield f"The key has permissions that TigerTag never uses: {named}."


def _about_tags(tags_shown: bool | None) -> Iterator[str]:
    where = "Account Settings → Features → Tags in Immich's web app"
    if tags_shown is False:
        yield f"Tags are switched off in Immich: they are stored, but not shown. Switch on {where}."
    if tags_shown is None:
        yield (
            f"Whether Immich shows tags cannot be seen without {PREFERENCES}. If you see no tags"
            f" there, switch on {where}. Add {PREFERENCES} to the key, and TigerTag sees it; this"
            " line ends then."
        )


def _about_version(version: tuple[int, int, int]) -> Iterator[str]:
    if version < _OLDEST:
        yield (
            f"Immich {'.'.join(map(str, version))} is older than 2.5, whose way of storing tags"
            " TigerTag relies on: it may lose some. Update Immich before you write tags."
        )


def _names(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
