"""What an application carries: the core, who may come in, and who works on its scans."""

from dataclasses import dataclass
from typing import Protocol

from flask import Flask, current_app

from tigertag.core import Core
from tigertag.services.accounts import Accounts
from tigertag.services.enrolment import Enrolments
from tigertag.settings import WebSettings

_KEY = "tigertag"


class Works(Protocol):
    """Who works on scans, on a thread of this process or in a process of its own."""

    def start(self) -> None: ...
    def wake(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class State:
    core: Core
    accounts: Accounts
    workshop: Works
    enrolments: Enrolments


def put(app: Flask, core: Core, web: WebSettings, workshop: Works) -> State:
    accounts = Accounts(core, password=web.password, api_key=web.api_key)
    app.extensions[_KEY] = made = State(core, accounts, workshop, Enrolments(core))
    return made


def of(app: Flask) -> State:
    found = app.extensions[_KEY]
    assert isinstance(found, State)
    return found


def get() -> State:
    return of(current_app)


def core() -> Core:
    return get().core
