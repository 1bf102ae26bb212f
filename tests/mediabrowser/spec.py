"""A server's official OpenAPI, reduced by scripts/digest_openapi.py: what may be asked, and how."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

Pairs = list[tuple[str, str]]
_FOLDER = Path(__file__).parent.parent / "data" / "mediabrowser"
FILES = {
    ("emby", "4.8"): "emby-4.8.11.json",
    ("jellyfin", "10.10"): "jellyfin-10.10.7.json",
    ("jellyfin", "10.11"): "jellyfin-10.11.11.json",
    ("jellyfin", "12"): "jellyfin-12.0.0.json",
}
_UUID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Operation:
    """One request that the server knows. Its parameters' names are in lower case."""

    name: str
    path: re.Pattern[str]
    parameters: Mapping[str, Mapping[str, Any]]
    body: str
    answer: str


class Spec:
    """What one version of a server says that it understands."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.version: str = told["version"]
        self._schemas: Mapping[str, Any] = told["schemas"]
        self._operations = [_operation(name, one) for name, one in told["operations"].items()]

    def find(self, method: str, path: str) -> tuple[Operation, re.Match[str]] | None:
        for one in self._operations:
            found = one.path.fullmatch(f"{method} {path}")
            if found:
                return one, found
        return None

    def problems(
        self, operation: Operation, path: re.Match[str], query: Pairs, body: bytes
    ) -> Iterator[str]:
        """Yield what a request does that the document does not know."""
        given = [(name.lower(), value) for name, value in path.groupdict().items()]
        given += [(name.lower(), value) for name, value in query]
        for name, value in given:
            known = operation.parameters.get(name)
            if known is None:
                yield f"{operation.name} has no parameter {name}"
            elif not self._fits(value, known["type"]):
                yield f"{operation.name}: {name}={value} is no {known['type']}"
        for name, known in operation.parameters.items():
            if known.get("required") and name not in dict(given):
                yield f"{operation.name} needs {name}"
        yield from self._of_body(operation, body)

    def of_answer(self, told: Any, kind: str) -> Iterator[str]:
        """Yield what an answer of ours holds that the server's would not."""
        yield from self._of_json(told, kind, kind)

    def _of_body(self, operation: Operation, body: bytes) -> Iterator[str]:
        if not operation.body:
            if body:
                yield f"{operation.name} takes no body"
            return
        try:
            yield from self._of_json(json.loads(body), operation.body, operation.name)
        except ValueError:
            yield f"{operation.name} needs a body of JSON"

    def _of_json(self, told: Any, kind: str, where: str) -> Iterator[str]:
        if told is None:
            return
        if kind.startswith("["):
            if not isinstance(told, list):
                yield f"{where} is no {kind}"
                return
            for one in told:
                yield from self._of_json(one, kind[1:-1], where)
        elif kind.startswith("{"):
            if not isinstance(told, dict):
                yield f"{where} is no {kind}"
                return
            for one in told.values():
                yield from self._of_json(one, kind[1:-1], where)
        elif isinstance(self._schemas.get(kind), dict):
            yield from self._of_object(told, kind, where)
        elif not self._is(told, kind):
            yield f"{where}: {told!r} is no {kind}"

    def _of_object(self, told: Any, kind: str, where: str) -> Iterator[str]:
        properties = self._schemas[kind]
        if not isinstance(told, dict):
            yield f"{where} is no {kind}"
            return
        for name, value in told.items() if properties else ():
            if name not in properties:
                yield f"{where}: {kind} has no {name}"
            else:
                yield from self._of_json(value, properties[name], f"{where}: {name}")

    def _is(self, told: Any, kind: str) -> bool:
        """Whether a value of JSON is of a type."""
        if isinstance(self._schemas.get(kind), list):
            return told in self._schemas[kind]
        match kind.partition(":")[0]:
            case "string":
                return isinstance(told, str) and self._fits(told, kind)
            case "boolean":
                return isinstance(told, bool)
            case "integer":
                return isinstance(told, int) and not isinstance(told, bool)
            case "number":
                return isinstance(told, int | float) and not isinstance(told, bool)
        return True

    def _fits(self, value: str, kind: str) -> bool:
        """Whether a text of a query or a path can be read as a type, case aside."""
        if kind.startswith("["):
            return all(self._fits(one, kind[1:-1]) for one in value.split(","))
        values = self._schemas.get(kind)
        if isinstance(values, list):
            return value.lower() in (str(one).lower() for one in values)
        match kind:
            case "boolean":
                return value.lower() in ("true", "false")
            case "integer:int32" | "integer:int64":
                return value.removeprefix("-").isdecimal()
            case "string:uuid":
                return _UUID.fullmatch(value) is not None
            case "string:date-time":
                return _is_time(value)
        return True


@cache
def load(kind: str, version: str) -> Spec:
    return Spec(json.loads((_FOLDER / FILES[kind, version]).read_text("utf-8")))


def _operation(name: str, told: Mapping[str, Any]) -> Operation:
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(name))
    parameters = {one.lower(): known for one, known in told["parameters"].items()}
    body, answer = told.get("body", ""), told["answer"]
    return Operation(name, re.compile(pattern), parameters, body, answer)


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value) is not None
    except ValueError:
        return False
