"""Channels, and the outbox whose notices are sent to them."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tigertag import locks
from tigertag.core import Core
from tigertag.errors import Conflict, NotFound, os_reason
from tigertag.model import NoticeKind
from tigertag.services import delivery
from tigertag.services.delivery import Message
from tigertag.settings import ChannelSettings
from tigertag.store import Db, events, notices
from tigertag.store.notices import ConditionRow, NoticeRow
from tigertag.text import count, did_you_mean

logger = logging.getLogger(__name__)

_LEASE_S = 4 * delivery.LIMIT_S
_SENT_TOGETHER = 20
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=2)
_DROPPED_AFTER = timedelta(days=1)
_KEPT = timedelta(days=30)
_LISTED = 50
_REFUSED = "start-refused"


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel, without its address. `problem`: why it cannot be used, "" if it can.

    `is_off`: the user has switched it off. `last`: the notice that was tried last. `waiting`: how
    many are still to be sent.
    """

    id: str
    on: tuple[NoticeKind, ...]
    digest: str
    problem: str
    waiting: int
    last: NoticeRow | None
    is_off: bool


@dataclass(frozen=True, slots=True)
class NoticesView:
    """The channels, what is wrong now, and the newest notices."""

    channels: tuple[ChannelView, ...]
    conditions: tuple[ConditionRow, ...]
    notices: tuple[NoticeRow, ...]


@dataclass(frozen=True, slots=True)
class ChannelTest:
    """How a test of a channel went; `problem` is "" if the message was sent."""

    channel: str
    problem: str


def problem_of(core: Core, channel: ChannelSettings) -> str:
    """Say why a channel cannot be used, "" if it can."""
    if not channel.enabled:
        return f"NOTIFY_{channel.id.upper()}_ENABLED is false."
    if channel.problem:
        return channel.problem
    problem = core.cache.get(
        ("channel", channel.id), lambda: delivery.problem_of(channel.url), keep_s=float("inf")
    )
    return problem and f"NOTIFY_{channel.id.upper()}_URL: {problem}"


def usable(core: Core) -> tuple[ChannelSettings, ...]:
    return tuple(channel for channel in core.channels if not problem_of(core, channel))


def link(core: Core, path: str = "/") -> str:
    """Return a line with the address of a page, "" where it is not known."""
    return f"\n{core.public_url}{path}" if core.public_url else ""


def send_due(core: Core) -> None:
    """Send what is due, all channels at once; drop what could not be sent for a day."""
    now, channels = datetime.now(UTC), {channel.id: channel for channel in usable(core)}
    with core.store.read() as db:
        due = [
            channel
            for channel in notices.channels_due(db, now)
            # What waits for a channel of other settings is not written about each few seconds.
            if channel in channels or notices.has_older(db, channel, now - _DROPPED_AFTER)
        ]
    if not due:
        return
    owners = {channel: uuid4().hex for channel in due if channel in channels}
    claimed = {}
    with core.store.write() as db:
        for channel, owner in owners.items():
            rows = notices.claim(db, channel, owner=owner, lease_s=_LEASE_S, limit=_SENT_TOGETHER)
            if rows:
                claimed[channel] = rows
    problems = delivery.deliver(
        {channel: (channels[channel].url, _message(rows)) for channel, rows in claimed.items()}
    )
    now = datetime.now(UTC)
    with core.store.write() as db:
        for channel, rows in claimed.items():
            _settle(db, channel, owners[channel], rows, problems[channel], now)
        for channel in due:
            if channel not in channels:
                _drop(db, channel, "The channel is not set up, or cannot be used.", now)
        notices.forget_old(db, before=now - _KEPT)


def _message(rows: Sequence[NoticeRow]) -> Message:
    """Make one message of all that waits for a channel; what is cut off a long one is detail."""
    first = rows[0]
    if len(rows) == 1:
        return Message(f"TigerTag: {first.title}", first.body, first.level)
    levels = {row.level for row in rows}
    level = next(level for level in ("failure", "warning", "success", "info") if level in levels)
    titles = "\n".join(row.title for row in rows)
    body = "\n\n".join([titles, *(f"{row.title}\n{row.body}" for row in rows)])
    return Message(f"TigerTag: {len(rows)} notices", body, level)


def _settle(
    db: Db, channel: str, owner: str, rows: Sequence[NoticeRow], problem: str, now: datetime
) -> None:
    if not problem:
        notices.settle(db, owner=owner, now=now)
        return
    tried = max(row.attempts for row in rows)
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(tried - 1, 10))
    logger.warning("channel %s: a notice was not sent: %s", channel, problem)
    notices.put_back(db, owner=owner, problem=problem, next_try=now + wait)
    _drop(db, channel, problem, now)


def _drop(db: Db, channel: str, problem: str, now: datetime) -> None:
    number = notices.drop_old(db, channel, before=now - _DROPPED_AFTER, now=now, problem=problem)
    if number:
        lost = f"Channel {channel}: {count(number, 'notice')} dropped after a day. {problem}"
        events.record(db, "warning", "notice", lost)


def overview(core: Core) -> NoticesView:
    """Return the channels, what is wrong now, and the newest notices."""
    with core.store.read() as db:
        waiting = notices.waiting(db)
        last = {channel.id: notices.last_of(db, channel.id) for channel in core.channels}
        standing = tuple(row for row in notices.conditions(db) if row.announced_at is not None)
        newest = tuple(notices.newest(db, limit=_LISTED))
    views = tuple(_view(core, channel, waiting, last[channel.id]) for channel in core.channels)
    return NoticesView(views, standing, newest)


def _view(
    core: Core, channel: ChannelSettings, waiting: Mapping[str, int], last: NoticeRow | None
) -> ChannelView:
    digest = f"{channel.digest:%H:%M}" if channel.digest else ""
    problem = problem_of(core, channel)
    number = waiting.get(channel.id, 0)
    is_off = not channel.enabled
    return ChannelView(channel.id, channel.on, digest, problem, number, last, is_off)


def try_out(core: Core, channel: str = "") -> list[ChannelTest]:
    """Send a test to a channel, or to all that are set up, and return how each went.

    Raises `NotFound` for an unknown channel, `Conflict` where none is set up.
    """
    chosen = [each for each in core.channels if not channel or each.id == channel.casefold()]
    if not chosen and channel:
        known = [each.id for each in core.channels]
        raise NotFound(f"There is no channel {channel!r}{did_you_mean(channel, known)}")
    if not chosen:
        raise Conflict("No channel is set up; set NOTIFY_<X>_URL, and restart TigerTag.")
    problems = {each.id: problem_of(core, each) for each in chosen}
    message = Message("TigerTag: test", f"Notices from TigerTag arrive here.{link(core)}")
    messages = {each.id: (each.url, message) for each in chosen if not problems[each.id]}
    problems |= delivery.deliver(messages)
    with core.store.write() as db:
        for id in messages:
            now = datetime.now(UTC)
            notices.note_test(db, id, title="Test", problem=problems[id], now=now)
    return [ChannelTest(id, problem) for id, problem in problems.items()]


def announce_refusal(core: Core, reason: str) -> None:
    """Tell at once that the service cannot start, at most once a day. Raises nothing.

    There is no outbox where the database is refused: a file in the home takes its place, and what
    cannot be sent now is not sent.
    """
    kind = NoticeKind.SCHEMA_REFUSED
    chosen = [channel for channel in usable(core) if kind in channel.on]
    try:
        if not chosen or not _is_first_today(core):
            return
    except OSError as exc:
        logger.warning("no notice was sent: %s", os_reason(exc))
        return
    message = Message("TigerTag: it cannot start", reason, "failure")
    problems = delivery.deliver({each.id: (each.url, message) for each in chosen})
    for channel, problem in problems.items():
        if problem:
            logger.warning("channel %s: a notice was not sent: %s", channel, problem)


def _is_first_today(core: Core) -> bool:
    """Whether nobody has announced a refusal for a day; the caller does. Raises `OSError`."""
    with (core.home / _REFUSED).open("a") as file:
        if locks.try_to_lock(file) == "taken":
            return False
        before = os.fstat(file.fileno())
        if before.st_size and time.time() - before.st_mtime < _DROPPED_AFTER.total_seconds():
            return False
        file.write(".")
    return True
