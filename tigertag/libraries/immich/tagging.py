"""The two requests that change which tags an asset has, and what is left to do of an edit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from tigertag.contracts import NotRead
from tigertag.errors import LibraryError
from tigertag.libraries.immich.server import ImmichClient, objects, text
from tigertag.libraries.immich.settling import Settling
from tigertag.libraries.immich.tags import ShownByImmich, TagIndex
from tigertag.libraries.mediaserver.errors import NOT_FOUND, RefusedByServer
from tigertag.model import Edit, Item
from tigertag.sequences import batched

_MOST_ASSETS = 200
_SERVER_ERROR = 500


@dataclass(slots=True, eq=False)
class Work:
    """What is left to do of an edit; tags are ids.

    `shown`: what the asset showed last. `begun`: some of it was sent. `problem`: why no more of it
    can be. `kept`: the tags that the edit does not speak of.
    """

    edit: Edit
    shown: ShownByImmich
    adds: frozenset[str]
    removes: list[str]
    begun: bool = False
    problem: str = ""
    kept: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.kept = frozenset(self.shown.values) - frozenset(self.removes)

    @property
    def item(self) -> Item:
        return self.edit.item

    @property
    def key(self) -> str:
        return self.edit.item.key


class Tagging:
    """Puts tags on assets and takes them off, one request at a time. Thread-safe."""

    def __init__(
        self, client: Callable[[], ImmichClient], tags: TagIndex, settling: Settling
    ) -> None:
        self._client = client
        self._tags = tags
        self._settling = settling
        self._one_in_flight = Lock()

    def step(self, works: Iterable[Work]) -> LibraryError | None:
        """Make the next step of each: all that it adds, or else one tag that it removes.

        Returns why that ended early; what was `begun` by then may have been done, or not.
        """
        adding: dict[frozenset[str], list[Work]] = {}
        removing: dict[str, list[Work]] = {}
        for work in works:
            if work.adds:
                adding.setdefault(work.adds, []).append(work)
            else:
                removing.setdefault(work.removes[0], []).append(work)
        try:
            for tag_ids, group in adding.items():
                for batch in batched(group, _MOST_ASSETS):
                    self._add(tag_ids, batch)
            for tag_id, group in removing.items():
                for batch in batched(group, _MOST_ASSETS):
                    self._remove(tag_id, batch)
        except LibraryError as exc:
            return exc
        return None

    def _add(self, tag_ids: frozenset[str], batch: Sequence[Work]) -> None:
        def put(works: Sequence[Work]) -> None:
            body = {"tagIds": sorted(tag_ids), "assetIds": [work.key for work in works]}
            answer = self._request("PUT", "/tags/assets", body)
            count = answer.get("count") if isinstance(answer, dict) else None
            if count != len(tag_ids) * len(works):
                self._look_for_deleted(tag_ids, works, was_any_put=count != 0)

        self._begin(batch)
        self._insist(put, batch, lambda seen: tag_ids <= seen.values.keys())
        for work in batch:
            work.adds = frozenset()

    def _remove(self, tag_id: str, batch: Sequence[Work]) -> None:
        def delete(works: Sequence[Work]) -> None:
            body = {"ids": [work.key for work in works]}
            try:
                results = objects(self._request("DELETE", f"/tags/{tag_id}/assets", body))
            except RefusedByServer as exc:
                # Its owner has deleted the tag as a whole: then it is nowhere.
                if exc.status != NOT_FOUND:
                    raise
                results = []
            changed = {text(each, "id") for each in results if each.get("success") is True}
            for work in works:
                if work.key not in changed:
                    self._was_gone(work, tag_id)

        self._begin(batch)
        self._insist(delete, batch, lambda seen: tag_id not in seen.values)
        for work in batch:
            work.removes.remove(tag_id)

    def _was_gone(self, work: Work, tag_id: str) -> None:
        """Do not wait for what Immich makes of a remove: there was nothing to remove."""
        left = {id: value for id, value in work.shown.values.items() if id != tag_id}
        work.shown = replace(work.shown, values=left)
        self._settling.written(work.shown)

    def _begin(self, batch: Sequence[Work]) -> None:
        for work in batch:
            self._settling.written(work.shown)
            work.begun = True

    def _insist(
        self,
        write: Callable[[Sequence[Work]], None],
        batch: Sequence[Work],
        is_done: Callable[[ShownByImmich], bool],
    ) -> None:
        """Write; where Immich fails at it, see what was done all the same, and write once more."""
        for _attempt in range(2):
            try:
                write(batch)
                return
            except RefusedByServer as exc:
                refused = exc
            read = self._settling.look([work.item for work in batch])
            seen = [(work, read[work.key]) for work in batch]
            batch = [work for work, now in seen if isinstance(now, NotRead) or not is_done(now)]
            if not batch or refused.status < _SERVER_ERROR:
                break
        for work in batch:
            work.problem = f"Immich refused the edit ({refused.status}); see its log."

    def _look_for_deleted(
        self, tag_ids: frozenset[str], works: Sequence[Work], *, was_any_put: bool
    ) -> None:
        """See which tags are not there any more: those are passed over without a word."""
        self._tags.refresh()
        if not all(map(self._tags.exists, tag_ids)):
            for work in works:
                work.begun = was_any_put

    def _request(self, method: str, path: str, body: object) -> object:
        with self._one_in_flight:
            return self._client().json(method, path, body)
