"""Channels for a world, and what its notices are tried with."""

from collections.abc import Sequence
from dataclasses import replace

from tests.world import World
from tigertag.core import Core
from tigertag.model import NoticeKind
from tigertag.settings import ChannelSettings
from tigertag.store import notices, schema
from tigertag.store.notices import NoticeRow


def with_channels(world: World, *urls: str, on: Sequence[NoticeKind] = tuple(NoticeKind)) -> Core:
    """Return the world's core with a channel for each address: a, b, …"""
    channels = [ChannelSettings("abc"[at], url, tuple(on)) for at, url in enumerate(urls)]
    return replace(world.core, channels=tuple(channels))


def outbox(core: Core) -> list[NoticeRow]:
    """Return all notices, the oldest first."""
    with core.store.read() as db:
        return notices.newest(db, limit=1000)[::-1]


def titles(core: Core) -> list[str]:
    return [row.title for row in outbox(core)]


def let_claims_run_out(core: Core) -> None:
    with core.store.write() as db:
        db.execute(schema.notices.update().values(lease_until=0.0))
