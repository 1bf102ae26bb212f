"""Chat completions: what is asked is checked, what is answered comes from the picture."""

import json
import time
from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from tests.openai_server.habits import Habits
from tests.openai_server.picture import Seen, seen
from tests.openai_server.refusals import Refused, no_model

if TYPE_CHECKING:
    from tests.openai_server.server import OpenAIServer

_KNOWN = frozenset({"model", "messages", "response_format", "reasoning_effort"})
_LIMITS = frozenset({"max_completion_tokens", "max_tokens"})
_LOW_PX = 512
_LISTS = ("subjects", "activities", "setting", "style", "mood")


def completion(server: "OpenAIServer", body: Any) -> dict[str, Any]:
    """Answer one request, and count its pictures. Raises `Refused`."""
    pictures, texts = _checked(server, body)
    said = server.scripted()
    if "refuse" in said:
        status, message, code = said["refuse"]
        raise Refused(status, message, code=code)
    for one in pictures:
        server.count(one.digest)
    content = said.get("content", _content(server.habits, body, pictures[0]))
    finish = said.get("finish_reason", "stop")
    spent = (
        server.answer_tokens if server.answer_tokens is not None else ceil(len(content or "") / 4)
    )
    most = next((body[name] for name in _LIMITS if name in body), None)
    if most is not None and spent > most:
        content, finish, spent = content[: len(content) // 2], "length", most
    message = {"role": "assistant", "content": content, "refusal": said.get("refusal")}
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": server.snapshot(body["model"]),
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
    }
    if server.habits.counts:
        answer["usage"] = _usage(pictures, texts, spent, cached=server.cached_tokens)
    return answer


def _checked(server: "OpenAIServer", body: Any) -> tuple[Sequence[Seen], Sequence[str]]:
    if not isinstance(body, dict):
        raise Refused(400, "We could not parse the JSON body of your request.")
    habits, model = server.habits, body.get("model")
    if not habits.any_model and server.snapshot(model) is None:
        raise no_model(model)
    for name in body.keys() - _KNOWN - _LIMITS:
        raise Refused(400, f"Unrecognized request argument supplied: {name}", param=name)
    _check_parameters(habits, body)
    pictures, texts, details = _messages(body.get("messages"))
    for one, detail in zip(pictures, details, strict=True):
        if one.has_metadata:
            server.violations.append("a picture carried metadata")
        if detail == "low" and max(one.width_px, one.height_px) > _LOW_PX:
            server.violations.append("a picture was larger than low detail looks at")
    return pictures, texts


def _check_parameters(habits: Habits, body: Mapping[str, Any]) -> None:
    limits = body.keys() & _LIMITS
    for name in limits - habits.limits:
        other = "max_tokens" if name == "max_completion_tokens" else "max_completion_tokens"
        message = f"Unsupported parameter: '{name}' is not supported. Use '{other}' instead."
        raise Refused(400, message, code="unsupported_parameter", param=name)
    if len(limits) > 1 or not all(isinstance(body[name], int) for name in limits):
        raise Refused(400, "Set one limit of tokens, as a whole number.", param="max_tokens")
    if "reasoning_effort" in body and not habits.efforts:
        message = "Unrecognized request argument supplied: reasoning_effort"
        raise Refused(400, message, param="reasoning_effort")
    _check_format(habits, body.get("response_format"))


def _check_format(habits: Habits, wanted: Any) -> None:
    if wanted is None:
        return
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_object" and habits.objects == "refused":
        raise Refused(400, "'response_format.type' must be 'json_schema' or 'text'")
    if kind == "json_schema" and habits.schemas == "refused":
        raise Refused(400, "Invalid 'response_format': the grammar cannot be parsed")
    if kind == "json_schema" and habits.schemas == "kept":
        told = wanted.get("json_schema")
        if not isinstance(told, dict) or not told.get("name") or told.get("strict") is not True:
            raise Refused(400, "Missing required parameter", param="response_format.json_schema")
        _check_strict(told.get("schema"))
    elif kind not in ("json_schema", "json_object"):
        raise Refused(400, f"Invalid value: {kind!r}", param="response_format.type")


def _check_strict(schema: Any) -> None:
    """A strict schema closes each object, and requires all that it names."""
    if not isinstance(schema, dict):
        raise Refused(400, "Invalid schema for response_format", param="response_format")
    if schema.get("type") == "object":
        named = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            message = "Invalid schema for response_format: 'additionalProperties' must be false"
            raise Refused(400, message, param="response_format")
        if set(schema.get("required", ())) != set(named):
            message = "Invalid schema for response_format: 'required' must name every property"
            raise Refused(400, message, param="response_format")
        for one in named.values():
            _check_strict(one)
    elif schema.get("type") == "array":
        _check_strict(schema.get("items"))


def _messages(messages: Any) -> tuple[Sequence[Seen], Sequence[str], Sequence[str]]:
    pictures, texts, details = list[Seen](), list[str](), list[str]()
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "Invalid type for 'messages'", param="messages")
    for one in messages:
        if one.get("role") not in ("system", "user"):
            raise Refused(400, "Invalid value for 'messages[0].role'", param="messages")
        content = one.get("content")
        alone = isinstance(content, str)
        parts: list[Any] = [{"type": "text", "text": content}] if alone else content
        for part in parts:
            if part["type"] == "text":
                texts.append(part["text"])
            elif part["type"] == "image_url" and one["role"] == "user":
                pictures.append(seen(part["image_url"]["url"]))
                details.append(part["image_url"].get("detail", "auto"))
            else:
                raise Refused(400, f"Invalid value: {part['type']!r}", param="messages")
    if not pictures or set(details) - {"low", "high", "auto"}:
        raise Refused(400, "There is no picture, or no such detail", param="messages")
    return pictures, texts, details


def _content(habits: Habits, body: Mapping[str, Any], picture: Seen) -> str:
    tags = {
        "subjects": [(picture.colour, 0.9), ("surface", 0.6)],
        "activities": [],
        "setting": [("bright" if picture.is_bright else "dark", 0.8)],
        "style": [("abstract", 0.7)],
        "mood": [("calm", 0.55)],
    }
    said = {name: _entries(habits, tags[name]) for name in _LISTS}
    text = json.dumps(said, ensure_ascii=False)
    if habits.schemas == "kept" and "response_format" in body:
        return text
    match habits.wraps:
        case "fence":
            return f"Here are the tags:\n```json\n{text}\n```\n"
        case "prose":
            return f"Sure! {text} I hope that helps."
        case "thought":
            return f"<think>A {{picture}}, subjects: {{}}</think>\n{text}"
        case _:
            return text


def _entries(habits: Habits, tags: Sequence[tuple[str, float]]) -> Any:
    match habits.entries:
        case "words":
            return [tag for tag, _sure in tags]
        case "percents":
            return [{"name": tag, "score": f"{sure:.0%}"} for tag, sure in tags]
        case "numbers":
            return dict(tags)
        case _:
            return [{"tag": tag, "confidence": sure} for tag, sure in tags]


def _usage(
    pictures: Sequence[Seen], texts: Sequence[str], spent: int, *, cached: int
) -> dict[str, Any]:
    """Four characters are a token, and 32 by 32 px another one and a half."""
    seen_tokens = sum(
        ceil(ceil(one.width_px / 32) * ceil(one.height_px / 32) * 1.5) for one in pictures
    )
    asked = seen_tokens + ceil(sum(map(len, texts)) / 4) + 250
    return {
        "prompt_tokens": asked,
        "completion_tokens": spent,
        "total_tokens": asked + spent,
        "prompt_tokens_details": {"cached_tokens": min(cached, asked), "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
