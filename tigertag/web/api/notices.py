"""REST for notices: channels, what is wrong now, and what was sent."""

from datetime import datetime
from typing import Literal

from flask import Response
from pydantic import Field

from tigertag.services import channels
from tigertag.web import state
from tigertag.web.api.routes import Routes, sent
from tigertag.web.api.schemas import Name, Nothing, OptionalBody, Shape, ShapeList

routes = Routes("notices", "Notices to people: channels, what is wrong now, and what was sent.")


class NoticeShape(Shape):
    """A notice for one channel."""

    id: int
    channel: str
    kind: str = Field(description="Such as `scan-failed`, `daily-summary` or `test`.")
    level: Literal["info", "success", "warning", "failure"]
    title: str
    body: str
    state: Literal["waiting", "sending", "sent", "dropped"]
    attempts: int = Field(description="How often sending it was tried.")
    next_try: datetime = Field(description="When it is tried again, while it waits.")
    problem: str = Field(description="Why the last attempt failed; empty if it did not.")
    created_at: datetime
    ended_at: datetime | None = Field(description="When it was sent or dropped.")


class ChannelShape(Shape):
    """A channel. Its address is a secret, and never shown."""

    id: str = Field(description="The X of `NOTIFY_<X>_URL`, in lower case.")
    on: list[str] = Field(description="The kinds of notices that it gets.")
    digest: str = Field(description="When the daily summary is sent, as 08:00; empty: never.")
    problem: str = Field(description="Why it cannot be used; empty if it can.")
    waiting: int = Field(description="Notices that are still to be sent.")
    last: NoticeShape | None = Field(description="The notice that was tried last.")


class ConditionShape(Shape):
    """Something that is wrong now, and was announced."""

    kind: str
    subject: str = Field(description="The engine, library or section that it is about.")
    title: str
    detail: str
    since: datetime


class NoticesShape(Shape):
    """The channels, what is wrong now, and the newest notices."""

    channels: list[ChannelShape]
    conditions: list[ConditionShape]
    notices: list[NoticeShape] = Field(description="The newest 50, the newest first.")


class ChannelTestBody(OptionalBody):
    """Which channel to test."""

    channel: Name = Field(default="", description="Its id; left out: all channels.")


class ChannelTestShape(Shape):
    """How a test of a channel went."""

    channel: str
    problem: str = Field(description="Why the message was not sent; empty if it was.")


@routes.get("/notices", NoticesShape)
def list_notices(query: Nothing) -> Response:
    """List the channels, what is wrong now, and the newest notices."""
    return sent(NoticesShape, channels.overview(state.core()))


@routes.post("/notices/test", ShapeList[ChannelTestShape], 400, 404, 409, 413, 415)
def test_channels(body: ChannelTestBody, query: Nothing) -> Response:
    """Send a test to a channel, or to all; answers once it was sent, after 30 s at the latest."""
    return sent(ShapeList[ChannelTestShape], channels.try_out(state.core(), body.channel))
