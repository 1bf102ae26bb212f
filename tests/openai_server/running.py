"""A batch is validated as a whole, then its lines are answered, one by one, from disk to disk."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tests.openai_server.chat import completion
from tests.openai_server.holdings import Batch
from tests.openai_server.refusals import Refused

if TYPE_CHECKING:
    from tests.openai_server.server import OpenAIServer

Write = Callable[[bytes], object]
_SHOWN = 5
_NOT_DONE = {
    "expired": (
        "batch_expired",
        "This request could not be executed before the completion window expired.",
    ),
    "cancelled": ("batch_cancelled", "This request was cancelled."),
}


def validate(server: "OpenAIServer", batch: Batch, path: Path) -> None:
    """Let the batch begin, or fail with what is wrong with its file."""
    errors, total = list[dict[str, Any]](), 0
    seen, models = set[str](), set[str]()
    if path.stat().st_size > server.max_bytes:
        errors.append(_error("file_too_large", "The file exceeds the limit on its size.", None))
    for number, line in enumerate(_lines(path), 1):
        total = number
        fault = _fault(line, seen, models)
        if fault is not None and len(errors) < _SHOWN:
            errors.append(_error(*fault, number))
    if total > server.max_lines:
        errors.append(_error("too_many_tasks", f"More than {server.max_lines} requests.", None))
    if not total:
        errors.append(_error("empty_file", "The file is empty.", None))
    with server.lock:
        batch.errors = errors
        batch.total = 0 if errors else total
        batch.status = "failed" if errors else "in_progress"


def _error(code: str, message: str, line: int | None) -> dict[str, Any]:
    return {"code": code, "message": message, "line": line, "param": None}


def _fault(line: bytes, seen: set[str], models: set[str]) -> tuple[str, str] | None:
    try:
        told = json.loads(line)
        name, model = told["custom_id"], told["body"]["model"]
    except (ValueError, KeyError, TypeError):
        return "invalid_json_line", "This line is not parseable as valid JSON."
    if not isinstance(name, str) or not name or name in seen:
        return "duplicate_custom_id", "The custom_id for this request is a duplicate."
    seen.add(name)
    models.add(model)
    if told.get("method") != "POST" or told.get("url") != "/v1/chat/completions":
        return "mismatched_url", "The URL provided for this request is not that of the batch."
    if len(models) > 1:
        return "model_mismatch", "All requests of a batch must be for the same model."
    if told.keys() - {"custom_id", "method", "url", "body"}:
        return "unknown_parameter", "This line has a parameter that is not known."
    return None


def run(server: "OpenAIServer", batch: Batch, path: Path, *, share: float, end: str) -> None:
    """Answer a share of the lines; the rest were not done when the batch ended this way."""
    output, error = server.new_file("batch_output"), server.new_file("batch_output")
    done = round(batch.total * share)
    with output.path.open("wb") as answered, error.path.open("wb") as refused:
        for number, line in enumerate(_lines(path)):
            told = json.loads(line)
            if number < done and not server.is_closing:
                _answer(server, batch, told, answered, refused)
            elif end in _NOT_DONE:
                code, message = _NOT_DONE[end]
                lost = {"code": code, "message": message}
                refused.write(_line(told["custom_id"], None, lost))
    with server.lock:
        batch.output = server.settled(output)
        batch.error = server.settled(error)
        batch.status = end


def _answer(
    server: "OpenAIServer", batch: Batch, told: Any, answered: BinaryIO, refused: BinaryIO
) -> None:
    try:
        body: dict[str, Any] = completion(server, told["body"])
        status = 200
    except Refused as exc:
        status, body = exc.status, exc.body
    response = {"status_code": status, "request_id": "req_1", "body": body}
    (answered if status == 200 else refused).write(_line(told["custom_id"], response, None))
    batch.completed += status == 200
    batch.failed += status != 200


def _line(name: str, response: Any, error: Any) -> bytes:
    told = {"id": "batch_req_1", "custom_id": name, "response": response, "error": error}
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from (line for line in file if line.strip())
