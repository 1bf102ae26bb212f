"""Notices to people, queued in one transaction with what they tell of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tigertag.core import Core
from tigertag.model import NoticeKind
from tigertag.services import channels, conditions, scan_status, workers
from tigertag.services.conditions import Condition
from tigertag.settings import ChannelSettings
from tigertag.store import Db, notices
from tigertag.store.notices import ConditionRow, EndedScan, NewNotice
from tigertag.text import count

_LOOKED_AFTER = timedelta(hours=1)
_FORGOTTEN_AFTER = timedelta(days=1)
_PASSED_AFTER = timedelta(minutes=10)
_SCANS_AT_ONCE = 100

_FAILURES = (NoticeKind.SCAN_FAILED, NoticeKind.CANARY_REFUSED, NoticeKind.BACKUP_FAILED)
_PART_OF = {
    NoticeKind.BUDGET_LOW: NoticeKind.BUDGET_USED_UP,
    NoticeKind.SCAN_FAILED: NoticeKind.CANARY_REFUSED,
}
"""A channel that gets the second of these gets no notice of the first beside it."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """A condition that begins or ends."""

    kind: NoticeKind
    subject: str
    title: str
    detail: str
    begins: bool


def watch(core: Core) -> None:
    """Queue notices of what began or ended, as far as the database and the disk tell."""
    workers.note_lost(core)
    _observe(core, conditions.FROM_DATABASE, conditions.from_database(core))
    _announce_scans(core)


def watch_libraries(core: Core) -> None:
    """Queue notices of libraries that do not answer any more, or again.

    Servers and disks that sleep are not woken for a notice that nobody gets.
    """
    kind = NoticeKind.LIBRARY_UNREACHABLE
    is_wanted = any(kind in channel.on for channel in channels.usable(core))
    found = conditions.from_libraries(core) if is_wanted else []
    _observe(core, conditions.FROM_LIBRARIES, found)


def _observe(core: Core, kinds: Sequence[NoticeKind], found: Iterable[Condition]) -> None:
    now, to = datetime.now(UTC), channels.usable(core)
    by_key = {(each.kind, each.subject): each for each in found}
    with core.store.read() as db:
        known = {(row.kind, row.subject): row for row in notices.conditions(db, kinds)}
    new = [each for key, each in by_key.items() if each.begins and key not in known]
    ended = [row for key, row in known.items() if key not in by_key]
    held = [(row, by_key[key]) for key, row in known.items() if key in by_key]
    if not new and not ended and not any(_wants_writing(row, now) for row, _each in held):
        return
    with core.store.write() as db:
        edges = [*_end(db, core, ended, now), *_hold(db, held, now), *_begin(db, new, now)]
        notices.queue(db, _notices_of(core, to, edges), now)


def _wants_writing(row: ConditionRow, now: datetime) -> bool:
    """Whether it is still to be announced, or was seen so long ago that it would be forgotten."""
    return row.announced_at is None or row.seen_at < now - _LOOKED_AFTER


def _begin(db: Db, new: Iterable[Condition], now: datetime) -> list[_Edge]:
    for each in new:
        notices.begin(db, each.kind, each.subject, title=each.title, detail=each.detail, now=now)
    at_once = {(each.kind, each.subject): each for each in new if not each.patience_s}
    rows = notices.conditions(db, [kind for kind, _subject in at_once])
    held = [
        (row, at_once[row.kind, row.subject]) for row in rows if (row.kind, row.subject) in at_once
    ]
    return _hold(db, held, now)


def _hold(db: Db, held: Iterable[tuple[ConditionRow, Condition]], now: datetime) -> list[_Edge]:
    """Announce what has lasted for long enough."""
    edges = []
    for row, each in held:
        lasted = now - row.since >= timedelta(seconds=each.patience_s)
        if row.announced_at is None and row.seen_at < now - _PASSED_AFTER:
            # Nobody has looked meanwhile: it may have passed, and begun again.
            notices.end(db, row.id)
            notices.begin(
                db, each.kind, each.subject, title=each.title, detail=each.detail, now=now
            )
        elif lasted and notices.announce(db, row.id, title=each.title, detail=each.detail, now=now):
            edges.append(_Edge(each.kind, each.subject, each.title, each.detail, begins=True))
    notices.see(db, [row.id for row, _each in held if _wants_writing(row, now)], now)
    return edges


def _end(db: Db, core: Core, rows: Iterable[ConditionRow], now: datetime) -> list[_Edge]:
    edges = []
    for row in rows:
        is_ours = conditions.is_judged_here(core, row)
        # What no process knows any more, such as an engine that was removed, ends in silence.
        if not is_ours and row.seen_at > now - _FORGOTTEN_AFTER:
            continue
        if notices.end(db, row.id) and is_ours and row.announced_at is not None:
            detail = f"It had lasted since {row.since.astimezone(core.timezone):%-d %B, %H:%M}."
            edges.append(_Edge(row.kind, row.subject, row.title, detail, begins=False))
    return edges


def _notices_of(
    core: Core, to: Iterable[ChannelSettings], edges: Sequence[_Edge]
) -> Iterable[NewNotice]:
    keys = {(edge.kind, edge.subject, edge.begins) for edge in edges}
    for channel in to:
        for edge in edges:
            whole = _PART_OF.get(edge.kind)
            is_part = whole in channel.on and (whole, edge.subject, edge.begins) in keys
            if edge.kind in channel.on and not is_part:
                title = edge.title if edge.begins else f"Resolved: {edge.title}"
                body = f"{edge.detail}{channels.link(core)}"
                yield NewNotice(channel.id, edge.kind, _level(edge), title, body)


def _level(edge: _Edge) -> str:
    if not edge.begins:
        return "success"
    return "failure" if edge.kind in _FAILURES else "warning"


def _announce_scans(core: Core) -> None:
    """Queue a notice of each scan that has ended, once; one that failed is a condition.

    A forecast was asked for by somebody who waits for it.
    """
    with core.store.read() as db:
        ended = notices.unannounced_scans(db, limit=_SCANS_AT_ONCE)
    wanted = [each.id for each in channels.usable(core) if NoticeKind.SCAN_FINISHED in each.on]
    for scan in ended:
        told = wanted if scan.state == "done" and not scan.forecast else []
        new = [_finished(core, scan, channel) for channel in told]
        with core.store.write() as db:
            if notices.announce_scan(db, scan.id):
                notices.queue(db, new, datetime.now(UTC))


def _finished(core: Core, scan: EndedScan, channel: str) -> NewNotice:
    status = scan_status.status(core, scan.id)
    words = "written" if status.scan.write == "apply" else "decided, as a preview"
    tags = f"{count(status.adds, 'tag')} added, {status.removes} removed; {words}."
    body = (
        f"Scan {scan.id}: {count(status.done, 'item')} processed, {status.failed} failed. {tags}"
        f"{channels.link(core, f'/scans/{scan.id}')}"
    )
    title = f"Scan finished in {scan.section_name}"
    return NewNotice(channel, NoticeKind.SCAN_FINISHED, "info", title, body)
