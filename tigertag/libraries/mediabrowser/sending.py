"""Edits on their way: read → what is left to be done → one write an item → read back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tigertag.contracts import EditOutcome, NotRead
from tigertag.errors import ItemError, LibraryError
from tigertag.libraries.mediabrowser.dialect import Change, Dialect, Writer
from tigertag.libraries.mediabrowser.faults import Changed, Spoilt
from tigertag.libraries.mediabrowser.reading import is_key
from tigertag.libraries.mediaserver.edits import is_storable, left, took
from tigertag.libraries.mediaserver.faults import Refused
from tigertag.model import Edit, Field, Item, Shown

ReadTags = Callable[[Sequence[Item]], Iterable[Shown | NotRead]]


@dataclass(frozen=True, slots=True)
class _Due:
    """An edit, what its item showed before, and what is left of it to be done."""

    edit: Edit
    before: Shown
    change: Change


class Sending:
    """One call of `contracts.Library.send`."""

    def __init__(self, writer: Writer, read_tags: ReadTags, dialect: Dialect) -> None:
        self._writer = writer
        self._read_tags = read_tags
        self._product = dialect.product
        self._unstorable = set(dialect.unstorable)
        self._refused: dict[str, str] = {}
        self._changed: dict[str, str] = {}

    def run(self, edits: Sequence[Edit]) -> Iterator[EditOutcome]:
        due = []
        for edit, seen in self._seen(edits):
            if isinstance(seen, NotRead):
                yield EditOutcome(edit.item.key, None, seen.reason)
                continue
            change = _change(edit, seen)
            if change is None:
                yield EditOutcome(edit.item.key, seen)
            else:
                due.append(_Due(edit, seen, change))
        yield from self._made(due)

    def _seen(self, edits: Sequence[Edit]) -> Iterator[tuple[Edit, Shown | NotRead]]:
        """Yield each edit with what its item shows now, or why it cannot be made."""
        problems = [(edit, self._problem(edit)) for edit in edits]
        sound = [edit.item for edit, reason in problems if not reason]
        read = {one.key: one for one in self._read_tags(sound)}
        for edit, reason in problems:
            key = edit.item.key
            yield edit, NotRead(key, reason) if reason else read[key]

    def _problem(self, edit: Edit) -> str:
        """Say why the server cannot keep an edit; "" where it can."""
        if not is_key(edit.item.key):
            return f"Its key is none of an item on {self._product}."
        if any(tag.field is not Field.TAG for tag in edit.adds):
            return f"{self._product} is given tags alone, no labels and no genres."
        if not all(self._is_storable(tag.name) for tag in edit.adds):
            return f"A tag of characters that {self._product} cannot hold was refused."
        return ""

    def _is_storable(self, name: str) -> bool:
        return is_storable(name) and self._unstorable.isdisjoint(name)

    def _made(self, due: Sequence[_Due]) -> Iterator[EditOutcome]:
        """Write what is due; what is not known to have been written has no outcome."""
        sent: list[_Due] = []
        stopped: LibraryError | None = None
        for one in due:
            try:
                self._write(one)
            except Spoilt as exc:
                stopped = exc
                yield EditOutcome(one.change.key, None, exc.reason, sent=not exc.restored)
                break
            except LibraryError as exc:
                stopped = exc
                break
            sent.append(one)
        yield from self._read_back(sent)
        if stopped is not None:
            raise stopped

    def _write(self, one: _Due) -> None:
        key = one.change.key
        try:
            self._writer.write(one.change)
        except Changed as exc:
            self._changed[key] = str(exc)
        except ItemError as exc:
            self._refused[key] = str(exc)
        except Refused as exc:
            self._refused[key] = (
                f"{self._product} refused the edit ({exc.status}); see its own log."
            )

    def _read_back(self, sent: Sequence[_Due]) -> Iterator[EditOutcome]:
        """Yield what is shown now: whatever was answered, that is what came of an edit."""
        read = {one.key: one for one in self._read_tags([one.edit.item for one in sent])}
        for one in sent:
            key = one.change.key
            after, refused = read[key], self._refused.get(key, "")
            if changed := self._changed.get(key):
                yield EditOutcome(key, None, changed, sent=True)
            elif isinstance(after, NotRead):
                yield EditOutcome(key, None, refused or after.reason, sent=not refused)
            elif refused and not took(one.edit, one.before, after):
                yield EditOutcome(key, None, refused)
            else:
                yield EditOutcome(key, after)


def _change(edit: Edit, seen: Shown) -> Change | None:
    """Return what is left to be done of an edit; None where all of it is there already."""
    adds, removes = (tuple(tag.name for tag in tags) for tags in left(edit, seen))
    return Change(edit.item.key, edit.item.called, adds, removes) if adds or removes else None
