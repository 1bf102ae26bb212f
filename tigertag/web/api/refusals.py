"""What pydantic finds wrong, in words, field by field."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Response
from pydantic import ValidationError

from tigertag.model import RuleAction
from tigertag.text import did_you_mean
from tigertag.web.api import inputs, problems
from tigertag.web.api.problems import FieldProblem

_MOST = 20
_QUOTED = re.compile(r"'([^']*)'")
_SHOULD = re.compile(r"^(Input|Value|String|List|Dictionary) should ")
_FIXED = {
    "missing": "is missing",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "model_attributes_type": "must be an object",
    "string_unicode": "must be text in Unicode; half of a surrogate pair is none",
}


def invalid(error: ValidationError) -> Response:
    """Answer 422: name each parameter or field that is unknown, missing or wrong."""
    found = [one for entry in error.errors(include_url=False) for one in _explained(entry)]
    return refused(found[:_MOST])


def refused(found: list[FieldProblem]) -> Response:
    first, more = found[0], len(found) - 1
    rest = f" ({more} more in `errors`)" if more else ""
    return problems.answer(422, f"`{first.field}` {first.detail}{rest}", errors=found)


def _explained(entry: Any) -> Iterator[FieldProblem]:
    field, context = _field(entry["loc"]), entry.get("ctx", {})
    match entry["type"]:
        case inputs.UNKNOWN:
            for name, hint in context["hints"].items():
                yield FieldProblem(field=".".join(filter(None, (field, name))), detail=hint)
        case "union_tag_invalid" | "union_tag_not_found":
            yield FieldProblem(field=_unquoted(context["discriminator"]), detail=_tag(context))
        case _:
            yield FieldProblem(field=field or "body", detail=_words(entry, context))


def _field(place: tuple[Any, ...]) -> str:
    """Where it is. A rule's kind, which pydantic puts first, is not a place in the body."""
    inner = place[1:] if place and place[0] in set(RuleAction) else place
    return ".".join(str(part) for part in inner)


def _words(entry: Any, context: Any) -> str:
    kind: str = entry["type"]
    if kind == "string_pattern_mismatch":
        return inputs.PATTERNS[context["pattern"]]
    if kind in ("literal_error", "enum"):
        return _one_of(context["expected"], entry["input"])
    return _FIXED.get(kind) or _SHOULD.sub("must ", str(entry["msg"]))


def _tag(context: Any) -> str:
    if "expected_tags" not in context:
        return "is missing"
    return _one_of(context["expected_tags"], context["tag"])


def _one_of(expected: str, given: Any) -> str:
    known = _QUOTED.findall(expected)
    hint = did_you_mean(given, known).removesuffix(".") if isinstance(given, str) else ""
    return f"must be one of {', '.join(known)}{hint}"


def _unquoted(text: str) -> str:
    return text.strip("'")
