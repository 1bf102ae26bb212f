"""Which folders and files are left out: trash, snapshots, previews, and what the user excludes.

Patterns are those of gitignore(5), matched as Git does (its dir.c, wildmatch.c).
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

NOMEDIA = ".nomedia"
"""A folder with such a file is left out, as Android's gallery does."""

DEFAULTS = (
    # Hidden files and folders: .Trash-1000, .Trashes, .snapshots, .zfs, .@__thumb, .thumbnails,
    # .Recycle.Bin, .dtrash, .stversions, .Spotlight-V100, AppleDouble's ._photo.jpg …
    ".*",
    # Trash, snapshots and previews of Synology, QNAP, Asustor, TerraMaster, NetApp and Samba.
    *("@eaDir/", "@tmp/", "@sharebin/", "#recycle/", "#snapshot/", "@Recycle/", "@recycle/"),
    *("@Recently-Snapshot/", "@snapshots/", "~snapshot/", "@GMT-*/", "Recycle Bin/"),
    # Of Windows, macOS and Linux.
    *("$RECYCLE.BIN/", "$Recycle.Bin/", "RECYCLER/", "RECYCLED/", "System Volume Information/"),
    *("Network Trash Folder/", "Temporary Items/", "__MACOSX/", "Backups.backupdb/"),
    *("*.sparsebundle/", "lost+found/"),
    # Libraries, catalogues and previews of Photos, iPhoto, Aperture, Lightroom, Capture One, iMovie
    # and Final Cut: they keep their files themselves.
    *("*.photoslibrary/", "*.photolibrary/", "*.migratedphotolibrary/", "*.aplibrary/"),
    *("*.migratedaplibrary/", "*.apvault/", "**/iPhoto Library/Thumbnails/"),
    *("**/iPhoto Library/Data/", "**/iPhoto Library/Data.noindex/"),
    *("**/iPhoto Library/Previews/", "**/iPhoto Library/Faces/", "*.lrdata/", "*.lrcat-data/"),
    *("*.lrlibrary/", "*.cocatalog/", "**/CaptureOne/Cache/", "*.imovielibrary/", "*.fcpbundle/"),
    # Of Nextcloud and ownCloud, Jellyfin and Plex.
    *("files_trashbin/", "files_versions/", "appdata_*/", "*.trickplay/", "Plex Versions/"),
)
"""What is left out unless a pattern of the user's takes it in again (`!.*`)."""

_IMMICHS_OWN = ("thumbs", "encoded-video", "profile")
_IMMICHS_MADE = ("thumbs", "encoded-video")
_IMMICHS_PHOTOS = ("upload", "library")

_TOKEN = re.compile(r"\*+|\?|\[|\\?.", re.DOTALL)
_BRACKET_ITEM = re.compile(
    r"\[:(?P<group>[^\]]*):\]|(?P<first>\\.|[^\\])(?:-(?P<last>\\.|[^\]\\]))?", re.DOTALL
)
_GROUPS = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t-\r\x1c- ",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class Exclusion:
    """Which of a library's files are listed. Paths are relative to its folder."""

    def __init__(self, exclude: Iterable[str] = (), min_bytes: int = 0) -> None:
        self._ignore = Ignore((*DEFAULTS, *exclude))
        self.min_bytes = min_bytes

    def excludes_file(self, path: str) -> bool:
        return bool(self._ignore.verdict(path, is_folder=False))

    def excludes_folder(self, path: str, has_sibling: Callable[[str], bool]) -> bool:
        """Whether a folder is left out, by its path and what else is in the folder above."""
        verdict = self._ignore.verdict(path, is_folder=True)
        if verdict is not None:
            return verdict
        # The folders that Immich makes beside the photos that it was given.
        return (
            os.path.basename(path) in _IMMICHS_OWN
            and all(map(has_sibling, _IMMICHS_MADE))
            and any(map(has_sibling, _IMMICHS_PHOTOS))
        )

    def heeds_nomedia(self, path: str) -> bool:
        """Whether a .nomedia file in a folder counts: no pattern takes the folder in again."""
        return self._ignore.verdict(path, is_folder=True) is None

    def excludes_listed(self, root: str, start: str, path: str, size_bytes: int | None) -> bool:
        """Whether a file that was once listed below `start` would be left out there now."""
        if size_bytes is not None and size_bytes < self.min_bytes:
            return True
        below = path if start == "." else path.removeprefix(start + "/")
        above = path[: len(path) - len(below)]
        names = below.split("/")
        folders = [above + "/".join(names[:depth]) for depth in range(1, len(names))]
        return any(self._leaves_out(root, each) for each in folders) or self.excludes_file(path)

    def _leaves_out(self, root: str, folder: str) -> bool:
        inside = os.path.join(root, folder)
        above = os.path.dirname(inside)
        if self.excludes_folder(folder, lambda name: os.path.lexists(os.path.join(above, name))):
            return True
        return self.heeds_nomedia(folder) and os.path.lexists(os.path.join(inside, NOMEDIA))


@dataclass(frozen=True, slots=True)
class _Pattern:
    """`anywhere`: it holds no slash and is matched with names alone, at any depth."""

    text: str
    regex: re.Pattern[str]
    negative: bool
    folders_only: bool
    anywhere: bool


class Ignore:
    """Patterns; the last one that matches decides."""

    def __init__(self, patterns: Iterable[str]) -> None:
        # Names without wildcards, most of the defaults, are looked up instead of matched in turn.
        self._literals: dict[str, list[tuple[int, _Pattern]]] = {}
        self._others: list[tuple[int, _Pattern]] = []
        for number, pattern in enumerate(filter(None, map(_parsed, patterns))):
            if pattern.anywhere and not set(pattern.text) & set("*?[\\"):
                self._literals.setdefault(pattern.text, []).append((number, pattern))
            else:
                self._others.append((number, pattern))
        self._others.reverse()

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether a path is left out by itself, or taken in again; None: no pattern matches.

        A folder that is left out takes all below with it.
        """
        name = path.rpartition("/")[2]
        last, is_out = -1, None
        for number, pattern in self._literals.get(name, ()):
            if is_folder or not pattern.folders_only:
                last, is_out = number, not pattern.negative
        for number, pattern in self._others:
            if number < last:
                break
            applies = is_folder or not pattern.folders_only
            if applies and pattern.regex.fullmatch(name if pattern.anywhere else path):
                return not pattern.negative
        return is_out


class _MatchesNothing(Exception):
    """The pattern is broken: Git matches nothing with it."""


def _parsed(line: str) -> _Pattern | None:
    """Return the pattern of a line; None where it matches nothing."""
    # Blanks at the end do not count, but for one after a backslash.
    text = line.rstrip(" ")
    backslashes = len(text) - len(text.rstrip("\\"))
    if backslashes % 2 and len(text) < len(line):
        text += " "
    negative = text.startswith("!")
    text = text.removeprefix("!")
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    anywhere = "/" not in text
    # Git compares what is before the first special character by itself, and `**` after it counts as
    # if it began the pattern: "a**/b" matches "ax/y/b".
    prefix = "" if anywhere else re.split(r"[*?\[\\]", text.removeprefix("/"), maxsplit=1)[0]
    rest = text if anywhere else text.removeprefix("/").removeprefix(prefix)
    try:
        regex = re.compile(re.escape(prefix) + "".join(_parts(rest)), re.DOTALL)
    except _MatchesNothing:
        return None
    return _Pattern(text, regex, negative, folders_only, anywhere) if text else None


def _parts(text: str) -> Iterator[str]:
    """Translate a pattern, part by part; `*` stops at a slash."""
    at = 0
    while token := _TOKEN.match(text, at):
        start, at = token.span()
        if token[0] == "?":
            yield "[^/]"
        elif token[0] == "[":
            part, at = _bracket(text, at)
            yield f"(?!/){part}"
        elif token[0] == "\\":
            raise _MatchesNothing
        elif token[0][0] != "*":
            yield re.escape(token[0][-1])
        elif at - start > 1 and _spans_folders(text, start, at):
            # `**/` also stands for nothing, with its slash.
            is_followed = text.startswith("/", at)
            yield "(?:.*/)?" if is_followed else ".*"
            at += is_followed
        else:
            yield "[^/]*"


def _spans_folders(text: str, start: int, end: int) -> bool:
    """Whether asterisks stand between slashes."""
    begins = start == 0 or text[start - 1] == "/"
    return begins and (end == len(text) or text.startswith(("/", "\\/"), end))


def _bracket(text: str, at: int) -> tuple[str, int]:
    """Translate what is in brackets from `at` on; return it and where it ends."""
    is_negative = text.startswith(("!", "^"), at)
    at += is_negative
    begin, inside = at, ""
    # A closing bracket that comes first is a character like others.
    while at == begin or not text.startswith("]", at):
        item = _BRACKET_ITEM.match(text, at)
        if item is None:
            raise _MatchesNothing
        at = item.end()
        if item["group"] is not None:
            if item["group"] not in _GROUPS:
                raise _MatchesNothing
            inside += _GROUPS[item["group"]]
            continue
        first, last = item["first"][-1], (item["last"] or "")[-1:]
        inside += re.escape(first)
        if first <= last:
            inside += f"{re.escape(first)}-{re.escape(last)}"
    return f"[{'^' if is_negative else ''}{inside}]", at + 1
