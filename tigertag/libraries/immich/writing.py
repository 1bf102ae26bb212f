"""Edits on their way to Immich: read → make tags → write → verified later.

All tags that an asset gets go in one request, `PUT /tags/assets`: of tags that were put on one by
one, a fifth was lost. They can only be taken off one by one, so that this is done in rounds, with a
wait between. The first write to each storage folder is verified at once: where Immich cannot write
sidecars it answers success all the same, and drops the tags a moment later.
"""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import PurePosixPath

from tigertag.contracts import EditOutcome, NotRead
from tigertag.errors import ItemError, LibraryError
from tigertag.libraries.immich.names import survives
from tigertag.libraries.immich.server import ImmichClient, ImmichErrors
from tigertag.libraries.immich.settling import Pace, Settling
from tigertag.libraries.immich.storage import StorageFolder, StorageFolders, Trial
from tigertag.libraries.immich.tagging import Tagging, Work
from tigertag.libraries.immich.tags import ShownByImmich, TagIndex
from tigertag.libraries.mediaserver.sending import Reader, left_to_do
from tigertag.model import Edit, Item, Shown, TagRef
from tigertag.net import wait

logger = logging.getLogger(__name__)

Outcomes = Generator[EditOutcome, None, list[Work]]
"""Outcomes that are known now; returned is what is left to do."""


class ImmichSender:
    """See `contracts.Library.send` and `contracts.VerifyingLater`. Thread-safe."""

    def __init__(
        self,
        client: Callable[[], ImmichClient],
        reader: Reader[ShownByImmich],
        tags: TagIndex,
        errors: ImmichErrors,
        pace: Pace | None = None,
    ) -> None:
        self._tags = tags
        self._errors = errors
        self._pace = pace or Pace()
        self._settling = Settling(client, reader, self._pace)
        self._tagging = Tagging(client, tags, self._settling)
        self._folders = StorageFolders()

    def settles(self, before: Shown, now: Shown) -> bool:
        return self._settling.settles(before, now)

    def dropped(self, item: Item) -> LibraryError:
        path = ""
        with suppress(LibraryError):
            seen = self._settling.look([item])[item.key]
            path = "" if isinstance(seen, NotRead) else seen.path
        return self._unwritable(item, path)

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        self._tags.make(tag.name for edit in edits for tag in edit.adds)
        works = yield from self._to_write(edits)
        works = yield from self._tried(works)
        yield from self._write(works)

    def _to_write(self, edits: Sequence[Edit]) -> Outcomes:
        """Read what is to be edited right before that."""
        read = self._settling.read([edit.item for edit in edits])
        works = []
        for edit in edits:
            key, shown = edit.item.key, read[edit.item.key]
            if isinstance(shown, NotRead):
                yield EditOutcome(key, None, shown.reason)
                continue
            try:
                work = self._work(edit, shown)
            except ItemError as exc:
                yield EditOutcome(key, None, str(exc))
                continue
            is_done = not work.adds and not work.removes
            if self._settling.is_open(shown):
                yield self._later(key, sent=is_done)
            elif is_done:
                yield EditOutcome(key, shown)
            else:
                works.append(work)
        return works

    def _work(self, edit: Edit, shown: ShownByImmich) -> Work:
        """Return what is left to do of an edit. Raises `ItemError`."""
        adds, _removes = left_to_do(edit, shown)
        add_ids = frozenset(self._tags.use(tag.name) for tag in adds) - shown.values.keys()
        remove_ids = {id for tag in edit.removes for id in self._meant(tag, shown)}
        for id, value in shown.values.items():
            if id not in remove_ids and not survives(value):
                raise ItemError(
                    f"It has the tag “{value}”, which Immich would change to another one when the"
                    " tags are stored. Replace it in Immich, then scan again.",
                    retryable=True,
                )
        return Work(edit, shown, add_ids, sorted(remove_ids))

    def _meant(self, tag: TagRef, shown: ShownByImmich) -> list[str]:
        """Return which of the tags of an asset are meant: those that TigerTag uses come first."""
        pairs = zip(shown.values, shown.tags, strict=True)
        alike = [(id, ref) for id, ref in pairs if ref.word == tag.word]
        used = [id for id, _ref in alike if self._tags.is_used(id)]
        exact = [id for id, ref in alike if ref == tag]
        return used or exact or ([alike[0][0]] if len(alike) == 1 else [])

    def _tried(self, works: Sequence[Work]) -> Outcomes:
        """Write to each storage folder once before the rest; return what can be written now."""
        self._folders.see(work.shown for work in works)
        ready, untried = self._sorted(works)
        firsts: dict[StorageFolder, Work] = {}
        for folder, waiting in untried.items():
            if self._folders.trial(folder) is None:
                firsts[folder] = waiting[0]
        verified = yield from self._verified(firsts)
        ready += [work for work in verified if work.removes]
        for folder, waiting in untried.items():
            rest = [work for work in waiting if work is not firsts.get(folder)]
            if self._folders.is_writable(waiting[0].shown):
                ready += rest
            else:
                yield from (self._later(work.key, sent=False) for work in rest)
        return ready

    def _sorted(
        self, works: Iterable[Work]
    ) -> tuple[list[Work], dict[StorageFolder, list[Work]]]:
        """Return what can be written, and by folder what the first write there has to precede."""
        ready: list[Work] = []
        untried: dict[StorageFolder, list[Work]] = {}
        for work in works:
            folder = self._folders.folder(work.shown)
            if work.adds and not self._folders.is_writable(work.shown):
                self._look_at_trial(folder)
            if work.adds and not self._folders.is_writable(work.shown):
                untried.setdefault(folder, []).append(work)
            else:
                ready.append(work)
        return ready, untried

    def _look_at_trial(self, folder: StorageFolder) -> None:
        """See what came of a first write that was open when it was looked at last."""
        trial = self._folders.trial(folder)
        if trial is None:
            return
        seen = self._settling.look([trial.item])[trial.item.key]
        if isinstance(seen, NotRead):
            self._folders.end(folder, is_writable=False)
        elif not self._settling.is_open(seen):
            self._folders.end(folder, is_writable=trial.tag_ids <= seen.values.keys())
