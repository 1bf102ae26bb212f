"""The two requests that change which tags an asset has."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from enum import Enum, auto
from threading import Lock

from tigertag.contracts import NotRead
from tigertag.errors import LibraryUnavailable
from tigertag.libraries.immich.server import ImmichClient, objects
from tigertag.libraries.immich.settling import Settling
from tigertag.libraries.immich.tags import ShownByImmich, TagIndex
from tigertag.libraries.mediaserver.errors import NOT_FOUND, RefusedByServer
from tigertag.libraries.mediaserver.json_client import text
from tigertag.model import Edit, Item
from tigertag.sequences import batched

_MOST_ASSETS = 200
_SERVER_ERROR = 500
_NOT_ANSWERED = "Immich did not answer; the next scan sees what came of it."


class Result(Enum):
    """What came of a step. `NOTHING`: there was nothing to change any more, or not yet."""

    NOT_SENT = auto()
    MADE = auto()
    NOTHING = auto()
    REFUSED = auto()
    UNKNOWN = auto()


@dataclass(slots=True, eq=False)
class Step:
    """The next change of an asset: all tags that it gets, or else one that is taken off.

    `shown`: what the asset showed right before. `is_last`: nothing of the edit is left after it.
    """

    edit: Edit
    shown: ShownByImmich
    tag_ids: frozenset[str]
    is_remove: bool
    is_last: bool
    result: Result = Result.NOT_SENT
    reason: str = ""

    @property
    def item(self) -> Item:
        return self.edit.item

    @property
    def key(self) -> str:
        return self.edit.item.key

    @property
    def may_be_made(self) -> bool:
        return self.result in (Result.MADE, Result.UNKNOWN)

    def shows_in(self, seen: ShownByImmich) -> bool:
        """Whether an asset shows that the step was made, be it in part."""
        if self.is_remove:
            return self.tag_ids.isdisjoint(seen.values)
        return not self.tag_ids.isdisjoint(seen.values)


class Tagging:
    """Puts tags on assets and takes them off, one request at a time. Thread-safe."""

    def __init__(
        self, client: Callable[[], ImmichClient], tags: TagIndex, settling: Settling
    ) -> None:
        self._client = client
        self._tags = tags
        self._settling = settling
        self._one_in_flight = Lock()

    def make(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Make steps, those that are alike in one request, and yield each with its result.

        Raises `LibraryError` where no more can be made; that of which it is not known whether it
        was made is yielded before.
        """
        groups: dict[tuple[bool, frozenset[str]], list[Step]] = {}
        for step in steps:
            groups.setdefault((step.is_remove, step.tag_ids), []).append(step)
        for group in groups.values():
            for batch in batched(group, _MOST_ASSETS):
                try:
                    self._insist(batch)
                except LibraryUnavailable:
                    yield from batch
                    raise
                yield from batch

    def _insist(self, batch: Sequence[Step]) -> None:
        """Make the steps; where Immich fails at it, see what was done, and try the rest again."""
        left = list(batch)
        for is_again in (False, True):
            for step in left:
                # That is what is known of it where no answer comes.
                step.result, step.reason = Result.UNKNOWN, _NOT_ANSWERED
            try:
                changed = self._request(left)
            except RefusedByServer as exc:
                refused = exc
            else:
                self._see_changed(left, changed, is_again=is_again)
                return
            self._see_refused(left, refused)
            left = [step for step in left if step.result is Result.REFUSED]
            if not left or refused.status < _SERVER_ERROR:
                return

    def _request(self, steps: Sequence[Step]) -> set[str] | None:
        """Send a request for steps that are alike; return the keys of what it has changed.

        None: it is not answered which. Of tags that are put on, only the number of new pairs is.
        """
        keys = [step.key for step in steps]
        tag_ids = sorted(steps[0].tag_ids)
        if steps[0].is_remove:
            return self._take_off(tag_ids[0], keys)
        body = {"tagIds": tag_ids, "assetIds": keys}
        with self._one_in_flight:
            answer = self._client().json("PUT", "/tags/assets", body)
        count = answer.get("count") if isinstance(answer, dict) else None
        if count == len(tag_ids) * len(keys):
            return set(keys)
        return set() if count == 0 else None

    def _take_off(self, tag_id: str, keys: Sequence[str]) -> set[str]:
        try:
            with self._one_in_flight:
                path = f"/tags/{tag_id}/assets"
                results = objects(self._client().json("DELETE", path, {"ids": keys}))
        except RefusedByServer as exc:
            # Its owner has deleted the tag as a whole: then it is nowhere.
            if exc.status != NOT_FOUND:
                raise
            return set()
        return {text(each, "id") for each in results if each.get("success") is True}

    def _see_refused(self, steps: Sequence[Step], refused: RefusedByServer) -> None:
        read = self._settling.look([step.item for step in steps])
        for step in steps:
            seen = read[step.key]
            if isinstance(seen, ShownByImmich) and step.shows_in(seen):
                step.result, step.reason = Result.MADE, ""
            else:
                is_unknown = isinstance(seen, NotRead)
                step.result = Result.UNKNOWN if is_unknown else Result.REFUSED
                step.reason = f"Immich refused the edit ({refused.status}); see its log."

    def _see_changed(
        self, steps: Sequence[Step], changed: Set[str] | None, *, is_again: bool
    ) -> None:
        """See what an answer means. About what it has not changed, Immich does nothing more.

        What was done by others meanwhile, or needs a tag that was deleted as a whole, is planned
        anew. `is_again`: it may as well have been done by the request before.
        """
        read = {}
        if doubtful := [step for step in steps if step.key not in (changed or ())]:
            self._tags.refresh()
            read = self._settling.look([step.item for step in doubtful])
        for step in steps:
            seen = read.get(step.key)
            shows = isinstance(seen, ShownByImmich) and step.shows_in(seen)
            if seen is None or (shows and (changed is None or is_again)):
                step.result, step.reason = Result.MADE, ""
            elif isinstance(seen, NotRead):
                step.reason = seen.reason
            elif shows or not all(map(self._tags.exists, step.tag_ids)):
                step.result = Result.NOTHING
            else:
                step.result = Result.REFUSED
                step.reason = "Immich accepted the edit and changed nothing; scan again."
