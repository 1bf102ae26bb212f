"""Taking over what the original TigerTag, by hedrickbt, wrote.

Its database names files and their tags. Those that an item of ours still has count as written by
TigerTag: they are put into the ledger as edits of a scan of their own, which can be undone.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tigertag.contracts import Library
from tigertag.core import Core
from tigertag.errors import Conflict, RequestError
from tigertag.libraries.mediaserver.options import file_identity
from tigertag.model import Edit, Item, Section, Shown, TagOwnership, TagRef, fold
from tigertag.scan.worker import home_lock
from tigertag.sequences import batched
from tigertag.store import Db, chunks, items, ledger, scans
from tigertag.store.ledger import EditVerdict
from tigertag.store.scans import NewScan
from tigertag.store.transfer import original
from tigertag.store.transfer.original import OriginalFile

REASON = "taken over from the original TigerTag"
_PAGE = 200
_ByName = Mapping[str, Sequence[OriginalFile]]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What was taken over of a section. `scan_id`: the scan to undo; None where nothing was.

    `gone`: tags that the items do not have any more.
    """

    section: Section
    scan_id: int | None
    items: int
    tags: int
    gone: int


def take_over(core: Core, path: Path, library: str, section: str | None) -> TakenOver:
    """Let tags of the original count as ours where they still stand; writes nothing to the library.

    Raises `BackupError`: this is no such database; `Conflict`: TigerTag is running, or a scan of
    the section has not ended.
    """
    by_name = _by_name(original.read(path))
    if not by_name:
        raise RequestError(f"{path} holds no tag of any file; nothing was changed.")
    opened = core.library(library)
    chosen = core.section(opened, section)
    with home_lock(core.home) as is_free:
        if not is_free:
            raise Conflict(
                f"TigerTag is running with {core.home}; nothing was changed. Stop it first."
            )
        return _Taking(core, opened, chosen).run(_matched(opened.items(chosen), by_name))


def _by_name(files: Iterator[OriginalFile]) -> _ByName:
    """Return the files by their name without its ending, which is what servers take for a title."""
    found: dict[str, list[OriginalFile]] = defaultdict(list)
    for file in files:
        found[_stem(file.location)].append(file)
    return found


def _stem(location: str) -> str:
    return PurePosixPath(location.replace("\\", "/")).stem.casefold()


def _matched(listed: Iterator[Item], by_name: _ByName) -> Iterator[tuple[Item, OriginalFile]]:
    """Yield the items whose file the original has tagged; none where two files could be meant."""
    for item in listed:
        stems = {_stem(item.title), item.title.casefold()} if item.file else {_stem(item.key)}
        files = [file for stem in stems for file in by_name.get(stem, ()) if _is_of(item, file)]
        if len({file.location for file in files}) == 1:
            yield item, files[0]


def _is_of(item: Item, file: OriginalFile) -> bool:
    """Whether it is the same file: by the server's path and the size, or by the end of the path."""
    if item.file:
        return item.file == file_identity(file.location, item.size_bytes)
    return f"/{file.location}".replace("\\", "/").endswith(f"/{item.key}")


class _Taking:
    """The scan that stands for what the original wrote."""

    def __init__(self, core: Core, library: Library, section: Section) -> None:
        self._core = core
        self._library = library
        self._section = section
        self._scan_id: int | None = None
        self._items = self._tags = self._gone = 0

    def run(self, matched: Iterator[tuple[Item, OriginalFile]]) -> TakenOver:
        try:
            for page in batched(matched, _PAGE):
                self._take(page)
        except BaseException:
            self._end("cancelled")
            raise
        self._end("done")
        return TakenOver(self._section, self._scan_id, self._items, self._tags, self._gone)

    def _take(self, page: Sequence[tuple[Item, OriginalFile]]) -> None:
        written = {item.key: {fold(name) for name in file.tags} for item, file in page}
        listed = {item.key: item for item, _file in page}
        shown = self._library.read_tags(list(listed.values()))
        ours = {
            listed[seen.key]: (seen, _standing(seen, written[seen.key]))
            for seen in shown
            if isinstance(seen, Shown)
        }
        for item, (_seen, refs) in ours.items():
            self._gone += len(written[item.key] - {ref.word[1] for ref in refs})
        self._keep({item: found for item, found in ours.items() if found[1]})

    def _keep(self, found: Mapping[Item, tuple[Shown, tuple[TagRef, ...]]]) -> None:
        """Write down the edits and how their tags stand, in one transaction."""
        if not found:
            return
        with self._core.store.write() as db:
            section_id = scans.ensure_section(db, self._section)
            scan_id = self._scan_id = self._scan_id or _begin(db, section_id)
            rows = items.note(db, section_id, self._section, [*found], scan_id)
            known = ledger.ownership(db, [row.id for row in rows])
            edits: dict[int, tuple[Edit, Shown]] = {}
            for row in rows:
                seen, refs = found[row.item]
                new = tuple(ref for ref in refs if ref.word not in known[row.id])
                if new:
                    edits[row.id] = (Edit(row.item, new), seen)
            _write_down(db, scan_id, edits)
        self._items += len(edits)
        self._tags += sum(len(edit.adds) for edit, _seen in edits.values())

    def _end(self, state: str) -> None:
        if self._scan_id is not None:
            with self._core.store.write() as db:
                scans.put(db, self._scan_id, listed=self._items)
                scans.move(db, self._scan_id, to=state, among=("running",))


def _begin(db: Db, section_id: int) -> int:
    """Make a scan that lists nothing: a scan of what is new looks further back than to it.

    Raises `Conflict` where another is active.
    """
    new = NewScan(section_id, mode="decide", write="apply", reason=REASON)
    scan_id = scans.create(db, new)
    scans.move(db, scan_id, to="running", among=("queued",))
    chunk = chunks.lease(db, scan_id, owner="import", lease_s=60.0)
    assert chunk is not None
    chunks.finish(db, chunk)
    return scan_id


def _write_down(db: Db, scan_id: int, edits: Mapping[int, tuple[Edit, Shown]]) -> None:
    planned = [(id, edit, _without(seen, edit.adds)) for id, (edit, seen) in edits.items()]
    edit_ids = ledger.plan(db, scan_id, planned)
    verdicts = [EditVerdict(edit_ids[id], "verified", seen) for id, (_edit, seen) in edits.items()]
    ledger.judge(db, verdicts)
    ours = {id: dict.fromkeys(edit.adds, TagOwnership.OURS) for id, (edit, _) in edits.items()}
    ledger.set_ownership(db, ours)


def _standing(seen: Shown, words: set[str]) -> tuple[TagRef, ...]:
    return tuple(ref for ref in seen.tags if ref.word[1] in words)


def _without(seen: Shown, refs: Sequence[TagRef]) -> Shown:
    """Return what was shown before these tags were written."""
    words = {ref.word for ref in refs}
    return replace(seen, tags=tuple(ref for ref in seen.tags if ref.word not in words))
