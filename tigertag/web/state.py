"""The state of an application: core, accounts, scan worker, enrolments, downloads of models."""

from dataclasses import dataclass, field
from typing import Protocol

from flask import Flask, current_app

from tigertag.core import Core
from tigertag.services.accounts import Accounts
from tigertag.services.enrolment import Enrolments
from tigertag.services.model_fetches import ModelFetches
from tigertag.web.event_stream import EventStreams

KEY = "tigertag"


class Worker(Protocol):
    """Works on scans, on a thread of this process or in another process."""

    def start(self) -> None: ...
    def wake(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class State:
    core: Core
    accounts: Accounts
    worker: Worker
    enrolments: Enrolments
    model_fetches: ModelFetches
    event_streams: EventStreams = field(default_factory=EventStreams)


def of(app: Flask) -> State:
    state = app.extensions[KEY]
    assert isinstance(state, State)
    return state


def get() -> State:
    return of(current_app)


def core() -> Core:
    return get().core
