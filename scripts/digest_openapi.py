"""`python scripts/digest_openapi.py SPEC OUT`: what TigerTag uses of an Emby or Jellyfin server.

Reduces the server's official OpenAPI document to the operations that TigerTag asks for, their
parameters and bodies, and the schemas that these and their answers are made of: names and types, no
descriptions. The fake servers of the tests check every request and answer against it.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]

OPERATIONS = (
    "GET /System/Info/Public",
    "GET /Users",
    "GET /Users/Query",
    "GET /UserViews",
    "GET /Users/{}/Views",
    "GET /Items",
    "GET /Items/{}",
    "POST /Items/{}",
    "GET /Items/{}/Images/{}",
    "GET /Items/{}/Download",
    "GET /Videos/{}/stream",
    "POST /Items/{}/Tags/Add",
    "POST /Items/{}/Tags/Delete",
)
NOT_OF_EMBY = frozenset({"POST /Items/{}"})
"""Emby offers it, and it would overwrite all that an item holds: TigerTag must never ask it."""

_SIMPLE = frozenset({"string", "integer", "number", "boolean", "object", "array", "any"})


def digest(spec: Json) -> dict[str, Any]:
    """Return the reduced document."""
    operations = dict(_operations(spec))
    schemas = _schemas(spec["components"]["schemas"], set(_references(operations)))
    return {
        "title": spec["info"]["title"],
        "version": spec["info"]["version"],
        "operations": operations,
        "schemas": schemas,
    }


def kind(schema: Json) -> str:
    """Return a type in short: "string:uuid", "[ItemFields]", "{string}", "BaseItemDto"."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "allOf" in schema:
        return kind(schema["allOf"][0])
    if schema.get("type") == "array":
        return f"[{kind(schema['items'])}]"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{{{kind(schema['additionalProperties'])}}}"
    form = f":{schema['format']}" if "format" in schema else ""
    return f"{schema.get('type', 'any')}{form}"


def _operations(spec: Json) -> Iterator[tuple[str, dict[str, Any]]]:
    emby = "emby" in spec["info"]["title"].lower()
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            name = f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path)}"
            if name in OPERATIONS and not (emby and name in NOT_OF_EMBY):
                yield f"{method.upper()} {path}", _operation(operation)


def _operation(operation: Json) -> dict[str, Any]:
    found: dict[str, Any] = {
        "parameters": {
            one["name"]: {
                "in": one["in"],
                "type": kind(one.get("schema", one)),
                **({"required": True} if one.get("required") else {}),
            }
            for one in operation.get("parameters", ())
        },
        "answer": _json_kind(operation["responses"].get("200", {})),
    }
    if "requestBody" in operation:
        found["body"] = _json_kind(operation["requestBody"])
    return found


def _json_kind(holder: Json) -> str:
    content = holder.get("content", {}).get("application/json", {})
    return kind(content["schema"]) if "schema" in content else ""


def _references(operations: Json) -> Iterator[str]:
    for one in operations.values():
        for told in (one["answer"], one.get("body", "")):
            yield from _names(told)
        for parameter in one["parameters"].values():
            yield from _names(parameter["type"])


def _names(told: str) -> Iterator[str]:
    name = told.strip("[]{}").partition(":")[0]
    if name and name not in _SIMPLE:
        yield name


def _schemas(all_of_them: Json, wanted: set[str]) -> dict[str, Any]:
    """Return the schemas wanted, and those that they are made of: enumerations are lists."""
    found: dict[str, Any] = {}
    while wanted - found.keys():
        for name in sorted(wanted - found.keys()):
            schema = all_of_them[name]
            if "enum" in schema:
                found[name] = schema["enum"]
                continue
            properties = {key: kind(one) for key, one in schema.get("properties", {}).items()}
            found[name] = properties
            wanted |= {one for told in properties.values() for one in _names(told)}
    return dict(sorted(found.items()))


def main(spec: str, out: str) -> None:
    """Read the document, write what is used of it."""
    reduced = digest(json.loads(Path(spec).read_text("utf-8")))
    Path(out).write_text(json.dumps(reduced, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
