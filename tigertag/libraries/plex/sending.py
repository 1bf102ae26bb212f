"""Edits on their way: read in full → what is left to be done → requests → read back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tigertag.contracts import EditOutcome, NotRead
from tigertag.errors import LibraryError, Unreadable
from tigertag.libraries.mediaserver.batches import batches
from tigertag.libraries.mediaserver.edits import took
from tigertag.libraries.mediaserver.faults import Refused
from tigertag.libraries.plex.edits import Delta, delta, misplaced, paths, problem
from tigertag.libraries.plex.server import Server
from tigertag.libraries.plex.shown import Seen
from tigertag.model import Edit, Item, Shown

Read = Callable[[Sequence[Item]], Iterable[Seen | NotRead]]


@dataclass(frozen=True, slots=True)
class _Due:
    """An edit, what its item showed before, and what is left of it to be done."""

    edit: Edit
    before: Shown
    change: Delta

    @property
    def key(self) -> str:
        return self.edit.item.key


class Sending:
    """One call of `contracts.Library.send`."""

    def __init__(self, server: Server, read: Read) -> None:
        self._server = server
        self._read = read
        self._refused: dict[str, str] = {}

    def run(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        due = []
        for edit, seen in self._seen(edits):
            if isinstance(seen, NotRead):
                yield EditOutcome(edit.item.key, None, seen.reason)
                continue
            change = delta(edit, seen)
            if change is None:
                yield EditOutcome(edit.item.key, seen.shown)
            else:
                due.append(_Due(edit, seen.shown, change))
        yield from self._made(due)

    def _seen(self, edits: Sequence[Edit]) -> Iterator[tuple[Edit, Seen | NotRead]]:
        """Yield each edit with what its item shows now, or why it cannot be made."""
        problems = [(edit, problem(edit)) for edit in edits]
        read = self._by_key([edit.item for edit, reason in problems if not reason])
        for edit, reason in problems:
            key = edit.item.key
            found: Seen | NotRead = NotRead(key, reason) if reason else read[key]
            if isinstance(found, Seen) and (wrong := misplaced(edit, found.kind)):
                found = NotRead(key, wrong)
            yield edit, found

    def _by_key(self, items: Sequence[Item]) -> dict[str, Seen | NotRead]:
        found = self._read(items)
        return {one.shown.key if isinstance(one, Seen) else one.key: one for one in found}

    def _made(self, due: Sequence[_Due]) -> Iterator[EditOutcome]:
        """Send what is due; what could not be sent any more has no outcome."""
        sent: list[_Due] = []
        stopped: LibraryError | None = None
        for some in _sets(due):
            try:
                self._put(some)
            except LibraryError as exc:
                stopped = exc
                break
            sent += some
        yield from self._read_back(sent)
        if stopped is not None:
            raise stopped

    def _put(self, some: Sequence[_Due]) -> None:
        """Make one change to items; where Plex refuses it for all of them, to each half."""
        section, change = some[0].edit.item.section, some[0].change
        keys = [one.key for one in some]
        try:
            for path in list(paths(self._server.url(""), section, keys, change)):
                self._server.put(path)
        except Unreadable as exc:
            self._refused |= dict.fromkeys(keys, str(exc))
        except Refused as exc:
            if len(some) > 1:
                self._put(some[: len(some) // 2])
                self._put(some[len(some) // 2 :])
            else:
                self._refused[keys[0]] = f"Plex refused the edit ({exc.status}); see its own log."

    def _read_back(self, sent: Sequence[_Due]) -> Iterator[EditOutcome]:
        """Yield what is shown now: whatever Plex answered, that is what came of an edit."""
        read = self._by_key([one.edit.item for one in sent])
        for one in sent:
            after, refused = read[one.key], self._refused.get(one.key, "")
            if isinstance(after, NotRead):
                yield EditOutcome(one.key, None, refused or after.reason, sent=not refused)
            elif refused and not took(one.edit, one.before, after.shown):
                yield EditOutcome(one.key, None, refused)
            else:
                yield EditOutcome(one.key, after.shown)


def _sets(due: Iterable[_Due]) -> Iterator[list[_Due]]:
    """Put together the edits of a section that change the same, as many as one request takes."""
    alike: dict[tuple[str, Delta], list[_Due]] = {}
    for one in due:
        alike.setdefault((one.edit.item.section, one.change), []).append(one)
    for some in alike.values():
        yield from batches(some)
