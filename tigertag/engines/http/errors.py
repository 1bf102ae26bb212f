"""What a service's answer, or the lack of one, means as an error: one translation for all engines.

A client raises `Fault`: what happened. `Service.error` turns it into the `EngineError` that the
user reads. Each engine adds only the facts of its protocol, as a function from fault to `Meaning`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import requests
from urllib3.exceptions import NewConnectionError

from tigertag.contracts import Call
from tigertag.engines.http.concurrency import ConcurrencyLimiter
from tigertag.errors import AuthFailed, EngineError, HttpError, QuotaExhausted, Unavailable
from tigertag.net import mapped_errors, retry_after_s
from tigertag.text import bare_url

_TOO_MANY = 429
_BUSY = frozenset({408, 409, 425, _TOO_MANY})

Meaning = Literal[
    "credentials", "quota", "later", "refused", "refused now", "unsupported", "model", "address"
]
"""What a fault is about: the key, the account's credit, the moment, this request, or a setting.

"refused": this request would be refused again, perhaps for its picture; "refused now": it may pass.
"unsupported": the service takes no such requests. "address": this is not the service.
"""


@dataclass(eq=False)
class Fault(Exception):
    """A request that got no usable answer.

    `text` is a short clause without a secret: what the service says, or, where it gave no answer
    (`status` None) or one that is none, what it did. `in_doubt`: the service may have done what it
    was asked, and may count it.
    """

    text: str
    status: int | None = None
    code: str = ""
    param: str = ""
    in_doubt: bool = True
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return ": ".join(filter(None, [str(self.status or ""), self.text]))

    def mentions(self, *words: str) -> bool:
        texts = f"{self.code} {self.param} {self.text}".casefold()
        return any(word in texts for word in words)


class ServiceUnavailable(Unavailable):
    """The service does not answer this time; another try may help."""

    def __init__(self, message: str, fault: Fault) -> None:
        super().__init__(message, retry_after_s=fault.retry_after_s)
        self.fault = fault


class RequestRefused(EngineError):
    """The service will not do this. `retryable`: what it says may pass."""

    def __init__(self, message: str, fault: Fault, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.fault = fault
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Service:
    """A service as messages name it, with what to check when it refuses.

    `credentials`, `address` and `request` are the names of settings, or a phrase about them.
    """

    label: str
    meaning: Callable[[Fault], Meaning]
    credentials: str
    address: str
    request: str
    model: str = ""

    def error(self, fault: Fault) -> EngineError:
        """Return the error for a fault, with a message in one line."""
        refuses = f"{self.label} refuses the request ({fault}); check {self.request}."
        match self.meaning(fault):
            case "credentials" if fault.status == 403:
                return AuthFailed(
                    f"{self.label} does not allow this ({fault}); check {self.credentials}."
                )
            case "credentials":
                return AuthFailed(f"{self.label} refused the key; check {self.credentials}.")
            case "quota":
                return QuotaExhausted(
                    f"{self.label} reports that the account's credit is used up; earlier results"
                    " are kept. Add credit there, then scan again."
                )
            case "later":
                return self.unavailable(fault)
            case "model":
                return EngineError(f"{self.label} has no model {self.model!r}; set {self.request}.")
            case "address" if fault.status is not None and 300 <= fault.status < 400:
                return EngineError(
                    f"{self.label} redirects ({fault.status}), and TigerTag follows no redirect"
                    f" with a picture; check {self.address}."
                )
            case "address":
                return EngineError(
                    f"{self.label} has nothing at this address ({fault.status}); check"
                    f" {self.address}."
                )
            case "unsupported":
                return EngineError(refuses)
            case "refused" | "refused now" as meaning:
                return RequestRefused(refuses, fault, retryable=meaning == "refused now")

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Raise the `EngineError` for each `Fault`."""
        try:
            yield
        except Fault as fault:
            raise self.error(fault) from fault.__cause__

    def unavailable(self, fault: Fault) -> ServiceUnavailable:
        """Return the error for a fault that may pass."""
        answered = fault.status is not None and fault.status >= 300
        what = f"answered {fault}" if answered else fault.text
        kept = "earlier results are kept, TigerTag tries again later"
        is_odd = fault.status is not None and fault.status < 500 and fault.status not in _BUSY
        hint = f"; check {self.address}" if is_odd else ""
        return ServiceUnavailable(f"{self.label} {what}; {kept}{hint}.", fault)


def settle_failed(call: Call, exc: BaseException) -> None:
    """Give back what was reserved for a request that failed, unless it may have been counted."""
    fault = exc if isinstance(exc, Fault) else getattr(exc, "fault", None)
    if not (isinstance(fault, Fault) and fault.in_doubt):
        call.settle(units=0, cost_usd=0.0)


def checked(
    response: requests.Response, explain: Callable[[Any], tuple[str, str]]
) -> requests.Response:
    """Return an answer of success, and raise a `Fault` for another.

    `explain` returns its text and code from the body's JSON, which is None where there is none.
    """
    status = response.status_code
    if 200 <= status < 300:
        return response
    text, code = explain(json_of(response))
    wait_s = retry_after_s(response)
    raise Fault(text, status, code=code, in_doubt=status >= 500, retry_after_s=wait_s)


def json_of(response: requests.Response) -> Any:
    """Return the body's JSON; None where it is none."""
    try:
        return response.json()
    except ValueError:
        return None


def send_once(
    session: requests.Session,
    limiter: ConcurrencyLimiter,
    request: requests.Request,
    *,
    urgent: bool = False,
) -> requests.Response:
    """Send a request a single time: whoever sends it again has to reserve it again.

    Returns the answer, whatever its status; redirects are not followed. The limiter is held no
    longer than the request is under way, and learns from the answer. Raises `Fault`.
    """
    prepared = session.prepare_request(request)
    environment = session.merge_environment_settings(prepared.url or "", {}, None, None, None)
    with limiter.slot(urgent=urgent) as limit:
        response = _sent(session, prepared, environment)
    if response.status_code == _TOO_MANY:
        limiter.refused(limit)
    elif response.ok:
        limiter.served()
    return response


def _sent(
    session: requests.Session, prepared: requests.PreparedRequest, environment: Any
) -> requests.Response:
    in_doubt, url = True, prepared.url or ""
    try:
        with mapped_errors(url):
            try:
                return session.send(prepared, allow_redirects=False, **environment)
            except requests.RequestException as exc:
                in_doubt = _may_have_left(exc)
                raise
    except HttpError as exc:
        text = str(exc).removeprefix(bare_url(url)).strip(" .")
        raise Fault(text, in_doubt=in_doubt) from exc.__cause__


def _may_have_left(exc: requests.RequestException) -> bool:
    """Tell whether the request may have left: not where there was no connection at all."""
    reason = getattr(exc.args[0], "reason", None) if exc.args else None
    return not isinstance(reason, NewConnectionError) and not isinstance(
        exc, requests.ConnectTimeout
    )
