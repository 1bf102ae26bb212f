"""A request that is sent a single time: whoever sends it again has to reserve it again."""

from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

from tigertag.errors import HttpError, Unavailable
from tigertag.net import mapped_errors
from tigertag.remote.gate import Gate

_TOO_MANY = 429
LATER = "It is asked again later."


class Passing(Unavailable):
    """It did not work out this time.

    `in_doubt`: the service may have done what it was asked. `status` None: it gave no answer.
    """

    def __init__(
        self,
        message: str,
        *,
        in_doubt: bool,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.in_doubt = in_doubt
        self.status = status


def once(
    session: requests.Session, gate: Gate, request: requests.Request, *, first: bool = False
) -> requests.Response:
    """Return the answer, whatever its status; redirects are not followed. Raises `Passing`.

    `gate` is passed for no longer than the request is under way, `first` before others; what the
    answer says of it is told to it.
    """
    prepared = session.prepare_request(request)
    surroundings = session.merge_environment_settings(prepared.url or "", {}, None, None, None)
    with gate.entered(first=first) as most:
        answer = _answer(session, prepared, surroundings)
    if answer.status_code == _TOO_MANY:
        gate.refused(most)
    elif answer.ok:
        gate.served()
    return answer


def _answer(
    session: requests.Session, prepared: requests.PreparedRequest, surroundings: Any
) -> requests.Response:
    sent = True
    try:
        with mapped_errors(prepared.url or ""):
            try:
                return session.send(prepared, allow_redirects=False, **surroundings)
            except requests.RequestException as exc:
                sent = _may_be_sent(exc)
                raise
    except HttpError as exc:
        said = str(exc).rstrip(".")
        raise Passing(f"{said}; what was answered is kept. {LATER}", in_doubt=sent) from exc


def _may_be_sent(exc: requests.RequestException) -> bool:
    """Tell whether the request may have left: not where there was no connection at all."""
    below = exc.args[0] if exc.args else None
    never = isinstance(getattr(below, "reason", None), NewConnectionError)
    return not (never or isinstance(exc, requests.ConnectTimeout))
