"""Sending messages with Apprise, which speaks the protocols of mail servers and messengers.

An address is a secret: it may hold a password, or a token in its path. Nothing of it, and nothing
that Apprise says of it, goes into a log or a message.
"""

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Thread, get_ident
from typing import Any

LIMIT_S = 30.0
"""How long sending may take. Apprise limits single reads and writes, not a server that drips."""

_MALFORMED = "Apprise does not understand the address; see its list of services for its form."
_UNREACHABLE = "The service could not be reached, or refused the message; check the address."
_SILENT = f"The service has not answered within {LIMIT_S:g} s."
_BUG = "Sending hit a bug; the address may be of a kind that this installation does not support."
_STATUS = re.compile(r"error[=:] ?([1-5][0-9]{2})\b")

logger = logging.getLogger(__name__)

_THREAD = "tigertag-notice-"
_CLIENTS = ("urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry")


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `level`: info, success, warning or failure."""

    title: str
    body: str
    level: str = "info"


def problem_of(url: str) -> str:
    """Say why nothing can be sent to an address, "" if it looks right; sends nothing."""
    try:
        return "" if _service(url) else _MALFORMED
    except Exception:
        # Not its text or traceback: they may hold the address.
        return _MALFORMED


def deliver(messages: Mapping[str, tuple[str, Message]]) -> dict[str, str]:
    """Send each message to its address, all at once; return why each failed, "" if it was sent.

    One that takes too long is left behind on its thread, and counts as failed.
    """
    results = dict.fromkeys(messages, _SILENT)

    def send(key: str, url: str, message: Message) -> None:
        results[key] = _sent(url, message)

    threads = [
        Thread(target=send, args=(key, *each), name=f"{_THREAD}{key}", daemon=True)
        for key, each in messages.items()
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + LIMIT_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return dict(results)


def _sent(url: str, message: Message) -> str:
    """Send one message; return why that failed, else ""."""
    warnings = _Warnings()
    apprise_logger = logging.getLogger("apprise")
    try:
        import apprise

        service = _service(url)
        if service is None:
            return _MALFORMED
        if service.overflow_mode is apprise.OverflowMode.UPSTREAM:
            # A message that is longer than its service takes would be refused again and again.
            service.overflow_mode = apprise.OverflowMode.TRUNCATE
        apprise_logger.addHandler(warnings)
        channel = apprise.Apprise(asset=_asset())
        channel.add(service)
        sent = channel.notify(
            body=message.body or message.title,
            title=message.title,
            notify_type=apprise.NotifyType(message.level),
            body_format=apprise.NotifyFormat.TEXT,
        )
    except Exception as exc:
        logger.error("sending a notice hit a bug (%s)", type(exc).__name__)
        return _BUG
    finally:
        apprise_logger.removeHandler(warnings)
    return "" if sent else warnings.reason


def _service(url: str) -> Any:
    """Return Apprise's service for an address; None where it knows none."""
    import apprise

    _quieten()
    return apprise.Apprise.instantiate(url, asset=_asset())


def _asset() -> Any:
    """How Apprise shows us; it sends on our thread, and keeps nothing on the disk."""
    import apprise

    return apprise.AppriseAsset(
        app_id="TigerTag",
        app_desc="TigerTag",
        app_url="",
        async_mode=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        service_timeout=0,
    )


def _quieten() -> None:
    """Keep from the log what Apprise and its HTTP clients tell of addresses, at any level."""
    apprise_logger = logging.getLogger("apprise")
    apprise_logger.propagate = False
    apprise_logger.setLevel(logging.WARNING)
    for name in ("oauthlib", "requests_oauthlib"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _CLIENTS:
        # Not by the level: libraries and engines talk through the same client.
        logging.getLogger(name).addFilter(_hide_sending)


def _hide_sending(record: logging.LogRecord) -> bool:
    return not (record.threadName or "").startswith(_THREAD)


class _Warnings(logging.Handler):
    """Takes the HTTP status out of what Apprise warns of on this thread, and drops the rest."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = get_ident()
        self.reason = _UNREACHABLE

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and (status := _STATUS.search(record.getMessage())):
            self.reason = f"The service refused the message: HTTP status {status[1]}."
