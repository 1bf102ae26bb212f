"""The way to a server: where it answers, whether it is the right one, and as whom it is asked."""

from dataclasses import dataclass
from typing import Any

import requests

from tigertag.errors import LibraryError
from tigertag.libraries.mediabrowser.dialect import Dialect
from tigertag.libraries.mediabrowser.faults import Wording
from tigertag.libraries.mediabrowser.options import Options
from tigertag.libraries.mediabrowser.server import Call, Entry, Server
from tigertag.libraries.mediabrowser.sources import text
from tigertag.libraries.mediaserver.faults import Refused
from tigertag.wording import did_you_mean

_PUBLIC = Call("/System/Info/Public")


@dataclass(frozen=True, slots=True)
class Opened:
    """A server that answers, its id and version, and the user through whose eyes it is seen."""

    server: Server
    id: str
    user: str
    version: str


def opened(
    dialect: Dialect, options: Options, session: requests.Session, wording: Wording
) -> Opened:
    """Reach the server. Raises `LibraryError`."""
    # Otherwise `requests` would put a password of ~/.netrc in the place of Jellyfin's key.
    session.auth = _as_it_is
    server, public = _reached(dialect, options, session, wording)
    user = _user(dialect, options, server, wording)
    return Opened(server, text(public, "Id"), user, text(public, "Version"))


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _reached(
    dialect: Dialect, options: Options, session: requests.Session, wording: Wording
) -> tuple[Server, Entry]:
    """Return the server at the first address where one answers, and what it says of itself."""
    failed: LibraryError | None = None
    for base in dialect.bases(options.url):
        server = Server(base, session, wording)
        try:
            public = server.entry(_PUBLIC, opening=True)
        except Refused as exc:
            failed = wording.strange()
            failed.__cause__ = exc
            continue
        except LibraryError as exc:
            failed = failed or exc
            continue
        if not text(public, "Id") or not text(public, "Version"):
            raise wording.strange()
        dialect.check(public, wording)
        return server, public
    assert failed is not None
    raise failed


def _user(dialect: Dialect, options: Options, server: Server, wording: Wording) -> str:
    """Return the id of the user that was named, or of the first administrator."""
    users = entries(server.get(dialect.users, opening=True), wording)
    if options.user:
        known = options.user.casefold().replace("-", "")
        for one in users:
            if text(one, "Id").replace("-", "") == known or _is_called(one, options.user):
                return text(one, "Id")
        called = [text(one, "Name") for one in users]
        raise wording.no_user(options.user, did_you_mean(options.user, called))
    for one in users:
        if _policy(one, "IsAdministrator") and not _policy(one, "IsDisabled"):
            return text(one, "Id")
    raise wording.no_administrator()


def _is_called(user: Entry, name: str) -> bool:
    return text(user, "Name").casefold() == name.casefold()


def _policy(user: Entry, name: str) -> bool:
    policy = user.get("Policy")
    return isinstance(policy, dict) and policy.get(name) is True


def entries(answer: Any, wording: Wording) -> list[Entry]:
    """Return the objects of an answer, which is a list or holds one as `Items`."""
    found = answer.get("Items") if isinstance(answer, dict) else answer
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise wording.strange()
    return found
