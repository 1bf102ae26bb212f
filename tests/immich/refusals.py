"""What a request may be refused with, in the words of the server."""

import re
from typing import Any

from tests.immich.holdings import Json

UUID = re.compile(
    "([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12})"
)
_DATE = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
_TYPES = ((bool, "boolean"), (str, "string"), (int, "number"), (float, "number"), (list, "array"))
_MISSING = object()
MISSING: Any = _MISSING


class Refused(Exception):
    """The server answers with this status and body."""

    def __init__(self, status: int, message: str, errors: list[Json] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message} | ({} if errors is None else {"errors": errors})


def denied(permission: str) -> Refused:
    return Refused(403, f"Missing required permission: {permission}")


def not_there(permission: str) -> Refused:
    """What is not there and what is someone else's are the same to the server."""
    return Refused(400, f"Not found or no {permission} access")


def invalid(*errors: Json) -> Refused:
    return Refused(400, "Validation failed", list(errors))


def wrong_type(path: list[str | int], expected: str, value: Any) -> Json:
    message = f"Invalid input: expected {expected}, received {_type(value)}"
    return {"expected": expected, "code": "invalid_type", "path": path, "message": message}


def check_uuid(value: Any, path: list[str | int]) -> str:
    if not isinstance(value, str):
        raise invalid(wrong_type(path, "string", value))
    if not UUID.fullmatch(value):
        error = {"origin": "string", "code": "invalid_format", "format": "uuid"}
        raise invalid(
            error | {"pattern": f"/^{UUID.pattern}$/", "path": path, "message": "Invalid UUID"}
        )
    return value


def check_uuids(body: Json, name: str) -> list[str]:
    values = check_list(body, name)
    return [check_uuid(value, [name, number]) for number, value in enumerate(values)]


def check_list(body: Json, name: str) -> list[Any]:
    value = body.get(name, MISSING)
    if not isinstance(value, list):
        raise invalid(wrong_type([name], "array", value))
    return value


def check_strings(body: Json, name: str) -> list[str]:
    values = check_list(body, name)
    errors = [
        wrong_type([name, number], "string", value)
        for number, value in enumerate(values)
        if not isinstance(value, str)
    ]
    if errors:
        raise invalid(*errors)
    return values


def check_date(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        error = {"origin": "string", "code": "invalid_format", "format": "datetime"}
        message = f"Invalid input: expected ISO 8601 datetime string, received {_type(value)}"
        raise invalid(error | {"pattern": "…", "path": [name], "message": message})
    return value


def check_whole(value: Any, name: str, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(wrong_type([name], "number", value))
    error: Json = {"origin": "number", "inclusive": True, "path": [name]}
    if value < least:
        message = f"Too small: expected number to be >={least}"
        raise invalid({"code": "too_small", "minimum": least, "message": message} | error)
    if most is not None and value > most:
        message = f"Too big: expected number to be <={most}"
        raise invalid({"code": "too_big", "maximum": most, "message": message} | error)
    return int(value)


def check_option(value: Any, path: list[str | int], options: tuple[str, ...]) -> str:
    if value not in options:
        choice = "|".join(f'"{one}"' for one in options)
        error: Json = {"code": "invalid_value", "values": list(options), "path": path}
        raise invalid(error | {"message": f"Invalid option: expected one of {choice}"})
    return str(value)


def _type(value: Any) -> str:
    if value is _MISSING:
        return "undefined"
    if value is None:
        return "null"
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "object")
