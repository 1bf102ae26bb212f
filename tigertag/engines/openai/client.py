"""OpenAI's SDK, set up explicitly: it retries nothing and follows no redirect."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import httpx2
import openai
from openai import OpenAI
from openai.types import Batch, FileObject

from tigertag import __version__
from tigertag.engines.http.errors import Fault
from tigertag.engines.openai.faults import NOT_COUNTED, WEB_PAGE, redacted
from tigertag.net import retry_after_s

CONNECT_S: Final = 10.0
READ_S: Final = 120.0

_NO_KEY = "none"
_NO_ANSWER = "not an answer of this API"
_PAGE = 100
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
    """One service. Thread-safe. Its methods raise `Fault`, and what a disk raises."""

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
        with self._faults():
            answer = self._sdk.post("/chat/completions", cast_to=httpx2.Response, body=body)
            return answer.content

    def has(self, model: str) -> None:
        """Return if there is this model. Raises `Fault`, 404 if there is none."""
        with self._faults():
            self._sdk.models.retrieve(model)

    def models(self) -> tuple[str, ...]:
        with self._faults():
            return tuple(_text(model, "id") for model in self._sdk.models.list())

    def upload(self, path: Path, name: str) -> str:
        """Send a file for a batch, in blocks; return its id."""
        with self._faults(), path.open("rb") as file:
            sent = self._sdk.files.create(
                file=(name, file, "application/jsonl"), purpose="batch", timeout=READ_S
            )
            return _text(sent, "id")

    def uploads(self, name: str, within_s: float) -> Iterator[str]:
        """Yield the ids of files of this name that were sent for batches in so long a time."""
        since = time.time() - within_s
        with self._faults():
            for file in self._sdk.files.list(purpose="batch", limit=_PAGE, order="desc"):
                if (getattr(file, "created_at", None) or since) < since:
                    return
                if getattr(file, "filename", "") == name:
                    yield _text(file, "id")

    def start(self, file: str, metadata: Mapping[str, str]) -> str:
        """Make a batch of a file; return its id."""
        with self._faults():
            made = self._sdk.batches.create(
                input_file_id=file,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata=dict(metadata),
            )
            return _text(made, "id")

    def batches(self) -> Iterator[Batch]:
        """Yield the batches, the newest first."""
        with self._faults():
            for batch in self._sdk.batches.list(limit=_PAGE):
                _text(batch, "id")
                yield batch

    def batch(self, batch: str) -> Batch:
        with self._faults():
            retrieved = self._sdk.batches.retrieve(batch)
            _text(retrieved, "status")
            return retrieved

    def cancel(self, batch: str) -> None:
        with self._faults():
            self._sdk.batches.cancel(batch)

    def delete(self, file: str) -> None:
        with self._faults():
            self._sdk.files.delete(file)

    @contextmanager
    def content(self, file: str) -> Iterator[Iterator[bytes]]:
        """Give the bytes of a file in blocks, none of them kept."""
        with (
            self._faults(),
            self._sdk.files.with_streaming_response.content(file) as response,
        ):
            yield response.iter_bytes()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn what the SDK raises into a `Fault`; its own messages may hold a part of the key."""
        try:
            yield
        except openai.APIStatusError as exc:
            raise _answered(exc, self._key) from None
        except openai.APIConnectionError as exc:
            raise _unanswered(exc.__cause__) from _root(exc)
        except httpx2.HTTPError as exc:
            raise _unanswered(exc) from _root(exc)
        except openai.OpenAIError:
            raise Fault(_NO_ANSWER, status=502) from None


def _text(answer: Batch | FileObject | Any, name: str) -> str:
    """Return an attribute that each such answer has: the SDK checks none of them."""
    value = getattr(answer, name, None)
    if not isinstance(value, str) or not value:
        raise Fault(_NO_ANSWER, status=502)
    return value


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
