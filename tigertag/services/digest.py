"""The daily summary: what was done, what it cost, what failed, and what is wrong now."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from tigertag.core import Core
from tigertag.scan import summary
from tigertag.services import channels, problems
from tigertag.settings import ChannelSettings
from tigertag.store import notices, scans, usage
from tigertag.store import problems as problems_store
from tigertag.store.notices import DIGEST, ConditionRow, NewNotice
from tigertag.store.scans import ScanRow
from tigertag.store.usage import Amount
from tigertag.text import count, usd

_DAY, _LONGEST = timedelta(days=1), timedelta(days=7)
_MOST_LINES = 10


def queue_due(core: Core) -> None:
    """Queue each channel's summary of today if its time has come, once a day.

    The outbox takes only one for each day, however many processes try.
    """
    for channel in core.channels:
        day = _day_due(core, channel, datetime.now(UTC))
        if day is None or channels.problem_of(core, channel):
            continue
        once = f"summary/{day}"
        with core.store.read() as db:
            if notices.was_queued(db, channel.id, once):
                continue
            last = notices.last_digest(db, channel.id)
        now = datetime.now(UTC)
        since = max(last, now - _LONGEST) if last else now - _DAY
        title = f"Summary of {now.astimezone(core.timezone):%-d %B}"
        new = NewNotice(channel.id, DIGEST, "info", title, text(core, since), once)
        with core.store.write() as db:
            notices.queue(db, [new], now)


def _day_due(core: Core, channel: ChannelSettings, now: datetime) -> date | None:
    """Return today's date, in TZ, once the time of the channel's summary has come; else None.

    A time that a clock change leaves out comes an hour later.
    """
    if channel.digest is None:
        return None
    today = now.astimezone(core.timezone).date()
    at = datetime.combine(today, channel.digest, core.timezone)
    return today if now >= at.astimezone(UTC) else None


def text(core: Core, since: datetime) -> str:
    """Return the summary of what has happened since a time."""
    with core.store.read() as db:
        ended = scans.ended_since(db, since)
        costs = usage.since(db, since)
        unsolved = sum(problems_store.counts(db, problems.unsolved(core)).values())
        wrong = [row for row in notices.conditions(db) if row.announced_at is not None]
    lines = [
        f"Since {since.astimezone(core.timezone):%-d %B, %H:%M}:",
        *_work(core, ended),
        *_costs(costs),
        *_listed("Wrong now:", [_standing(core, row) for row in wrong]),
    ]
    if unsolved:
        lines.append(f"{count(unsolved, 'item')} with unsolved problems.")
    return "\n".join(lines) + channels.link(core)


def _work(core: Core, ended: Sequence[ScanRow]) -> Iterator[str]:
    if not ended:
        yield "No scan has ended."
        return
    tallies = [(scan, *summary.tally(core, scan)) for scan in ended]
    looks = [counts for scan, counts, _failures in tallies if scan.kind == "scan"]
    writes = [counts for scan, counts, _failures in tallies if scan.write == "apply"]
    done = sum(scan.state == "done" for scan in ended)
    failed = [scan for scan in ended if scan.state == "failed"]
    yield f"{count(done, 'scan')} done, {len(failed)} failed."
    items, bad = sum(each.done for each in looks), sum(each.failed for each in looks)
    yield f"{count(items, 'item')} processed, {bad} failed."
    adds, removes = sum(each.adds for each in writes), sum(each.removes for each in writes)
    yield f"{count(adds, 'tag')} written, {removes} removed."
    yield from _listed("Failed scans:", [f"{scan.section.called}: {scan.error}" for scan in failed])
    reasons = dict.fromkeys(reason for *_rest, some in tallies for _item, reason in some)
    yield from _listed("Why items failed:", list(reasons))


def _costs(costs: dict[str, Amount]) -> Iterator[str]:
    for engine, amount in sorted(costs.items()):
        if amount:
            yield f"{engine}: {count(amount.units, 'call')}, {usd(amount.cost_usd)}."


def _standing(core: Core, row: ConditionRow) -> str:
    return f"{row.title}, since {row.since.astimezone(core.timezone):%-d %B, %H:%M}"


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield title
        yield from (f"- {line}" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"- and {len(lines) - _MOST_LINES} more"
