"""OpenAI's SDK, set up explicitly: it retries nothing and follows no redirect."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

import httpx2
import openai
from openai import OpenAI

from tigertag import __version__
from tigertag.engines.http.errors import Fault
from tigertag.engines.openai.faults import NO_ANSWER, NOT_COUNTED, WEB_PAGE, redacted, text_of
from tigertag.net import retry_after_s

CONNECT_S: Final = 10.0
READ_S: Final = 120.0

_NO_KEY = "none"
_BEFORE_SENDING = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class _Sdk(OpenAI):
    """Sends these headers and no others: the SDK would take some from its own environment."""

    @property
    def default_headers(self) -> dict[str, Any]:
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": f"TigerTag/{__version__}",
            "Authorization": f"Bearer {self.api_key}",
        }


class OpenAIClient:
    """One service. Thread-safe. Its methods raise `Fault`."""

    def __init__(self, base_url: str, key: str) -> None:
        for name in ("openai", "httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._key = key
        timeout = openai.Timeout(READ_S, connect=CONNECT_S)
        self._sdk = _Sdk(
            api_key=key or _NO_KEY,
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
            base_url=base_url,
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultHttpxClient(timeout=timeout, follow_redirects=False),
        )

    def close(self) -> None:
        self._sdk.close()

    def complete(self, body: Mapping[str, Any]) -> bytes:
        """Ask for one answer; return it as it came.

        The SDK's own method would walk through the whole body, and shape the answer: milliseconds.
        """
        with self.sdk() as sdk:
            return sdk.post("/chat/completions", cast_to=httpx2.Response, body=body).content

    def has(self, model: str) -> None:
        """Return if there is this model. Raises `Fault`, 404 if there is none."""
        with self.sdk() as sdk:
            sdk.models.retrieve(model)

    def models(self) -> tuple[str, ...]:
        with self.sdk() as sdk:
            return tuple(text_of(model, "id") for model in sdk.models.list())

    @contextmanager
    def sdk(self) -> Iterator[OpenAI]:
        """Give the SDK, whose errors become a `Fault`: its messages may hold a part of the key."""
        try:
            yield self._sdk
        except openai.APIStatusError as exc:
            raise _answered(exc, self._key) from None
        except openai.APIConnectionError as exc:
            raise _unanswered(exc.__cause__) from _root(exc)
        except httpx2.HTTPError as exc:
            raise _unanswered(exc) from _root(exc)
        except openai.OpenAIError:
            raise Fault(NO_ANSWER, status=502) from None


def _answered(exc: openai.APIStatusError, key: str) -> Fault:
    body = exc.body if isinstance(exc.body, dict) else {}
    text = body.get("message") or body.get("detail") or exc.body
    return Fault(
        _clause(text, key),
        status=exc.status_code,
        code=" ".join(str(body[name]) for name in ("code", "type") if body.get(name)),
        param=str(body.get("param") or ""),
        in_doubt=exc.status_code not in NOT_COUNTED,
        retry_after_s=retry_after_s(cast(Any, exc.response)),
    )


def _clause(text: object, key: str) -> str:
    if not isinstance(text, str) or not text.strip():
        return "no reason given"
    if text.lstrip().startswith("<"):
        return WEB_PAGE
    return redacted(text.replace(key, "***") if key else text).rstrip(".")


def _unanswered(exc: BaseException | None) -> Fault:
    in_doubt = not isinstance(exc, _BEFORE_SENDING)
    if isinstance(exc, httpx2.TimeoutException):
        return Fault("did not answer in time", in_doubt=in_doubt)
    root = _root(exc)
    if in_doubt:
        return Fault("cut the connection")
    why = f" ({root.strerror})" if root is not None and root.strerror else ""
    return Fault(f"cannot be reached{why}", in_doubt=False)


def _root(exc: BaseException | None) -> OSError | None:
    """Return the system's error beneath those of the libraries, whose texts may tell too much."""
    while exc is not None and not isinstance(exc, OSError):
        exc = exc.__cause__ or exc.__context__
    return exc
