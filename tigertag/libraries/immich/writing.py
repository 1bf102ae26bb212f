"""Edits on their way to Immich, one step at a time: read → make tags → write → verified later.

All tags that an asset gets go in one request, `PUT /tags/assets`: of tags that were put on one by
one, a fifth was lost. They can only be taken off one by one. Each request to an asset is a step,
and `send` makes one: the next is planned once Immich is done with it, by whoever sees that. The
first write to each storage folder is verified at once: where Immich cannot write sidecars it
answers success all the same, and drops the tags a moment later.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath

from tigertag.contracts import EditOutcome, NotRead
from tigertag.errors import ItemError, LibraryError
from tigertag.libraries.immich.errors import ImmichErrors
from tigertag.libraries.immich.names import survives
from tigertag.libraries.immich.server import ImmichClient
from tigertag.libraries.immich.settling import Settling
from tigertag.libraries.immich.storage import StorageFolder, StorageFolders, Trial
from tigertag.libraries.immich.tagging import Result, Step, Tagging
from tigertag.libraries.immich.tags import ShownByImmich, TagIndex
from tigertag.libraries.mediaserver.sending import left_to_do
from tigertag.model import Edit, Item, TagRef
from tigertag.net import wait

Steps = Generator[EditOutcome, None, list[Step]]
"""Outcomes that are known now; returned are the steps that are left to make."""


class ImmichSender:
    """See `contracts.Library.send` and `contracts.VerifyingLater`. Thread-safe."""

    def __init__(
        self,
        client: Callable[[], ImmichClient],
        settling: Settling,
        tags: TagIndex,
        errors: ImmichErrors,
    ) -> None:
        self._tags = tags
        self._errors = errors
        self._settling = settling
        self._tagging = Tagging(client, tags, settling)
        self._folders = StorageFolders(settling.pace.look_again_s)

    def send(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        self._tags.make(tag.name for edit in edits for tag in edit.adds)
        steps = yield from self._next_steps(edits)
        self._folders.see(step.shown for step in steps)
        untried: dict[StorageFolder, list[Step]] = {}
        ready = []
        for step in steps:
            if step.is_remove or self._folders.is_writable(step.shown):
                ready.append(step)
            else:
                untried.setdefault(self._folders.folder(step.shown), []).append(step)
        yield from map(self._outcome, self._tagging.make(ready))
        yield from self._send_to(untried)

    def dropped(self, item: Item) -> LibraryError:
        seen: ShownByImmich | NotRead = NotRead(item.key, "")
        with suppress(LibraryError):
            seen = self._settling.look([item])[item.key]
        if isinstance(seen, NotRead):
            return self._unwritable(item, "")
        if ours := [value for id, value in seen.values.items() if self._tags.is_used(id)]:
            return self._changed_back(item, ours)
        return self._unwritable(item, seen.path)

    def _next_steps(self, edits: Sequence[Edit]) -> Steps:
        """Plan the next step of each edit by what its asset shows right now."""
        read, changing = self._settling.read_to_write([edit.item for edit in edits])
        steps = []
        for edit in edits:
            key, shown = edit.item.key, read[edit.item.key]
            if isinstance(shown, NotRead):
                yield EditOutcome(key, None, shown.reason)
            elif key in changing:
                yield self._not_yet(key)
            else:
                try:
                    step = self._next_step(edit, shown)
                except ItemError as exc:
                    yield EditOutcome(key, None, str(exc))
                    continue
                if step is None:
                    yield EditOutcome(key, shown)
                else:
                    steps.append(step)
        return steps

    def _next_step(self, edit: Edit, shown: ShownByImmich) -> Step | None:
        """Return the next step of an edit; None: nothing is left of it. Raises `ItemError`."""
        adds, _removes = left_to_do(edit, shown)
        add_ids = frozenset(self._tags.use(tag.name) for tag in adds).difference(shown.values)
        remove_ids = sorted({id for tag in edit.removes for id in self._meant(tag, shown)})
        for id, value in shown.values.items():
            if id not in remove_ids and not survives(value):
                raise ItemError(
                    f"It has the tag “{value}”, which Immich would change to another one when the"
                    " tags are stored. Replace it in Immich, then scan again.",
                    retryable=True,
                )
        if add_ids:
            return Step(edit, shown, add_ids, is_remove=False, is_last=not remove_ids)
        if remove_ids:
            first = frozenset(remove_ids[:1])
            return Step(edit, shown, first, is_remove=True, is_last=len(remove_ids) == 1)
        return None

    def _meant(self, tag: TagRef, shown: ShownByImmich) -> list[str]:
        """Return which of the tags of an asset are meant: those that TigerTag uses come first."""
        pairs = zip(shown.values, shown.tags, strict=True)
        alike = [(id, ref) for id, ref in pairs if ref.word == tag.word]
        used = [id for id, _ref in alike if self._tags.is_used(id)]
        exact = [id for id, ref in alike if ref == tag]
        return used or exact or ([alike[0][0]] if len(alike) == 1 else [])

    def _send_to(self, untried: Mapping[StorageFolder, Sequence[Step]]) -> Iterator[EditOutcome]:
        """Write to each of these folders once before the rest, or see what came of that."""
        trials = []
        for folder, steps in untried.items():
            self._look_at_trial(folder)
            if not self._folders.is_writable(steps[0].shown):
                trial = Trial(folder, steps[0], steps[0].tag_ids)
                if self._folders.begin(trial):
                    trials.append(trial)
        if trials:
            yield from self._try(trials)
        firsts = {trial.step.key for trial in trials}
        rest: list[Edit] = []
        for folder, steps in untried.items():
            others = [step for step in steps if step.key not in firsts]
            if self._folders.is_writable(steps[0].shown):
                rest += [step.edit for step in others]
            else:
                gap_s = self._folders.gap_s(folder)
                yield from (EditOutcome(step.key, None, look_again_s=gap_s) for step in others)
        if rest:
            # It was read before the first writes were waited for.
            yield from self.send(rest)

    def _look_at_trial(self, folder: StorageFolder) -> None:
        trial = self._folders.to_look_at(folder)
        if trial is None:
            return
        step = trial.step
        seen = self._settling.read([step.item])[step.key]
        if isinstance(seen, NotRead) or not step.shows_in(seen):
            self._folders.end(trial, is_writable=False)
        elif seen.stamp != step.shown.stamp:
            self._folders.end(trial, is_writable=True)

    def _try(self, trials: Sequence[Trial]) -> Iterator[EditOutcome]:
        """Make the first write to each folder, and see what comes of it: twice where it is dropped.

        Raises `LibraryError` where it is dropped twice.
        """
        try:
            dropped = yield from self._first_writes(trials, is_again=False)
            if dropped:
                wait(self._settling.pace.slower_s)
                yield from self._first_writes(dropped, is_again=True)
        finally:
            for trial in trials:
                if trial.step.may_be_made:
                    self._folders.leave_open(trial)
                else:
                    self._folders.end(trial, is_writable=False)

    def _first_writes(
        self, trials: Sequence[Trial], *, is_again: bool
    ) -> Generator[EditOutcome, None, list[Trial]]:
        """Write, wait, and return the trials that have to be made again."""
        made = []
        for step in self._tagging.make([trial.step for trial in trials]):
            if step.result is Result.MADE:
                made.append(step)
            else:
                yield self._outcome(step)
        seen = self._settling.wait({step.item: step.shown for step in made})
        again: list[Trial] = []
        stopped: LibraryError | None = None
        for trial in trials:
            step, shown = trial.step, seen.get(trial.step.key)
            if not isinstance(shown, ShownByImmich):
                if step in made:
                    yield self._outcome(step)
                continue
            missing = step.tag_ids.difference(shown.values)
            if missing and not is_again and _is_intact(step, shown):
                trial.step = replace(step, shown=shown, tag_ids=missing, result=Result.NOT_SENT)
                again.append(trial)
                continue
            if is_again and trial.tag_ids.isdisjoint(shown.values):
                stopped = self._unwritable(step.item, shown.path)
            yield self._tried(trial, shown)
        if stopped is not None:
            raise stopped
        return again

    def _tried(self, trial: Trial, shown: ShownByImmich) -> EditOutcome:
        """Keep what the first write to a folder has shown."""
        step = trial.step
        is_stored = not trial.tag_ids.isdisjoint(shown.values)
        is_writable = is_stored and _is_intact(step, shown)
        self._folders.end(trial, is_writable=is_writable)
        if is_writable and not step.is_last:
            return self._outcome(step)
        return EditOutcome(step.key, shown)

    def _outcome(self, step: Step) -> EditOutcome:
        stamp = step.shown.stamp
        if step.result is Result.MADE:
            after_s = self._settling.pace.look_again_s
            return EditOutcome(step.key, None, sent=True, look_again_s=after_s, stamp=stamp)
        if step.result is Result.NOTHING:
            return self._not_yet(step.key)
        is_unknown = step.result is Result.UNKNOWN
        return EditOutcome(step.key, None, step.reason, sent=is_unknown, stamp=stamp)

    def _not_yet(self, key: str) -> EditOutcome:
        """The edit has to be planned anew, by what its asset shows then."""
        return EditOutcome(key, None, look_again_s=self._settling.pace.look_again_s)

    def _unwritable(self, item: Item, path: str) -> LibraryError:
        folder = str(PurePosixPath(path).parent) if path else f"the folder of {item.called}"
        return self._errors.error(
            f"Immich cannot write beside the originals of {folder}: it accepted the tags of"
            f" {item.called} twice, and dropped them. Nothing else is written; what was verified is"
            " kept. Make that folder writable for Immich's container (no :ro in its volumes), then"
            " scan again."
        )

    def _changed_back(self, item: Item, values: Sequence[str]) -> LibraryError:
        return self._errors.error(
            f"Immich changed the tags of {item.called} back twice: it put back tags that TigerTag"
            f" took off, or dropped others. Of TigerTag's, it shows {', '.join(values)}. Nothing"
            " else is written; what was verified is kept. See that no other program writes its"
            " tags, and that Immich can write beside its original, then scan again."
        )


def _is_intact(step: Step, shown: ShownByImmich) -> bool:
    """Whether all that was there before tags were put on is there still."""
    return step.shown.values.keys() <= shown.values.keys()
