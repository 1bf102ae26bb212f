"""Edits on their way to Immich: read → make tags → write → verified later.

All tags that an asset gets go in one request, `PUT /tags/assets`: of tags that were put on one by
one, a fifth was lost. They can only be taken off one by one, so that this is done in rounds, with a
wait between. The first write to each storage folder is verified at once: where Immich cannot write
sidecars it answers success all the same, and drops the tags a moment later.
"""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import PurePosixPath

from tigertag.contracts import EditOutcome, NotRead
from tigertag.errors import ItemError, LibraryError
from tigertag.libraries.immich.errors import ImmichErrors
from tigertag.libraries.immich.names import survives
from tigertag.libraries.immich.server import ImmichClient
from tigertag.libraries.immich.settling import Pace, Settling
from tigertag.libraries.immich.storage import StorageFolder, StorageFolders, Trial
from tigertag.libraries.immich.tagging import Tagging, Work
from tigertag.libraries.immich.tags import ShownByImmich, TagIndex
from tigertag.libraries.mediaserver.sending import Reader, left_to_do
from tigertag.model import Edit, Item, Shown, TagRef
from tigertag.net import wait

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
        add_ids = frozenset(self._tags.use(tag.name) for tag in adds).difference(shown.values)
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
        ready: list[Work] = []
        untried: dict[StorageFolder, list[Work]] = {}
        for work in works:
            if work.adds and not self._is_writable(work, untried):
                untried.setdefault(self._folders.folder(work.shown), []).append(work)
            else:
                ready.append(work)
        firsts = {
            folder: waiting[0]
            for folder, waiting in untried.items()
            if self._folders.trial(folder) is None
        }
        yield from self._try(firsts)
        for folder, waiting in untried.items():
            first = firsts.get(folder)
            if self._folders.is_writable(waiting[0].shown):
                ready += [work for work in waiting if work is not first or work.removes]
            else:
                rest = [work for work in waiting if work is not first]
                yield from (self._later(work.key, sent=False) for work in rest)
        return ready

    def _is_writable(self, work: Work, untried: Collection[StorageFolder]) -> bool:
        """Whether it is known, also by a first write that was still open when it was looked at."""
        folder = self._folders.folder(work.shown)
        trial = self._folders.trial(folder)
        if trial is not None and folder not in untried:
            seen = self._settling.look([trial.item])[trial.item.key]
            if isinstance(seen, NotRead):
                self._folders.end(folder, is_writable=False)
            elif not self._settling.is_open(seen):
                self._folders.end(folder, is_writable=trial.tag_ids <= seen.values.keys())
        return self._folders.is_writable(work.shown)

    def _try(self, firsts: Mapping[StorageFolder, Work]) -> Iterator[EditOutcome]:
        """Make the first write to each folder, and see what comes of it: twice where it is dropped.

        Raises `LibraryError` where it is dropped twice.
        """
        wanted = {folder: work.adds for folder, work in firsts.items()}
        seen = yield from self._step_and_wait(list(firsts.values()))
        dropped = []
        for folder, work in firsts.items():
            shown = seen.get(work.key)
            if isinstance(shown, ShownByImmich) and not wanted[folder] <= shown.values.keys():
                work.shown, work.adds = shown, wanted[folder].difference(shown.values)
                dropped.append(work)
        if dropped and wait(self._pace.slower_s):
            seen = {**seen, **dict.fromkeys((work.key for work in dropped), None)}
            seen |= yield from self._step_and_wait(dropped)
        stopped: LibraryError | None = None
        for folder, work in firsts.items():
            shown = seen.get(work.key)
            if isinstance(shown, ShownByImmich) and not wanted[folder] <= shown.values.keys():
                stopped = self._unwritable(work.item, shown.path)
            yield from self._concluded(folder, work, wanted[folder], shown)
        if stopped is not None:
            raise stopped

    def _concluded(
        self,
        folder: StorageFolder,
        first: Work,
        wanted: frozenset[str],
        seen: ShownByImmich | NotRead | None,
    ) -> Iterator[EditOutcome]:
        """Keep what the first write to a folder has shown; None: Immich is not done with it."""
        if seen is None and first.begun and not first.problem:
            self._folders.begin(folder, Trial(first.item, wanted))
        if seen is None or isinstance(seen, NotRead):
            yield self._outcome(first)
            return
        is_whole = wanted | first.kept <= seen.values.keys()
        self._folders.end(folder, is_writable=is_whole)
        first.shown = seen
        if not (first.removes and is_whole):
            yield EditOutcome(first.key, seen)

    def _step_and_wait(
        self, works: Sequence[Work]
    ) -> Generator[EditOutcome, None, dict[str, ShownByImmich | NotRead | None]]:
        """Make the next step of each, and return what the assets show once Immich is done."""
        stopped = self._tagging.step(works)
        begun = [work for work in works if work.begun and not work.problem]
        if stopped is not None:
            yield from (self._outcome(work) for work in begun)
            raise stopped
        return {**self._settling.wait([work.item for work in begun])}

    def _write(self, works: Sequence[Work]) -> Iterator[EditOutcome]:
        """Write what is left, in rounds; what came of the last one is seen later."""
        while works:
            stopped = self._tagging.step(works)
            left = [work for work in works if work.begun and work.removes and not work.problem]
            ended = [work for work in works if work not in left]
            if stopped is not None:
                # What came of the rest is not known, or nothing of it was sent.
                ended = [work for work in works if work.begun or work.problem]
            yield from map(self._outcome, ended)
            if stopped is not None:
                raise stopped
            seen = self._settling.wait([work.item for work in left])
            works = []
            for work in left:
                shown = seen.get(work.key)
                if isinstance(shown, ShownByImmich):
                    work.shown = shown
                    work.removes = [id for id in work.removes if id in shown.values]
                if isinstance(shown, ShownByImmich) and work.removes:
                    works.append(work)
                else:
                    yield self._outcome(work)

    def _outcome(self, work: Work) -> EditOutcome:
        if work.problem:
            return EditOutcome(work.key, None, work.problem)
        return self._later(work.key, sent=work.begun)

    def _later(self, key: str, *, sent: bool) -> EditOutcome:
        after_s = self._pace.look_again_s if sent else self._pace.send_again_s
        return EditOutcome(key, None, sent=sent, look_again_s=after_s)

    def _unwritable(self, item: Item, path: str) -> LibraryError:
        folder = str(PurePosixPath(path).parent) if path else f"the folder of {item.called}"
        return self._errors.error(
            f"Immich cannot write beside the originals of {folder}: it accepted the tags of"
            f" {item.called} twice, and dropped them. Nothing else is written; what was verified is"
            " kept. Make that folder writable for Immich's container (no :ro in its volumes), then"
            " scan again."
        )
