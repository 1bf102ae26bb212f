"""The answer of the chat completions API, as far as it is used; servers leave much of it out."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

_MOST_TOKENS = 10**9


def _or_none(value: Any) -> Any:
    """Take usage that was not counted for none: no prompt is of no tokens."""
    return value if isinstance(value, dict) and _count(value.get("prompt_tokens")) else None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value <= _MOST_TOKENS else 0


Count = Annotated[int, BeforeValidator(_count)]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Details(_Lenient):
    cached_tokens: Count = 0
    cache_write_tokens: Count = 0


class Usage(_Lenient):
    """The tokens that the service counted; those of reasoning are in `completion_tokens`."""

    prompt_tokens: Count
    completion_tokens: Count = 0
    prompt_tokens_details: _Details | None = None

    @property
    def cached(self) -> int:
        return self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else 0

    @property
    def written(self) -> int:
        return self.prompt_tokens_details.cache_write_tokens if self.prompt_tokens_details else 0


class Message(_Lenient):
    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None

    @property
    def text(self) -> str:
        """The content, also where it comes in parts.

        Where there is none, the server may have taken the answer for the end of a thought (vLLM).
        """
        thought = self.reasoning_content
        if not self.content and isinstance(thought, str) and thought:
            return f"<think>\n{thought}"
        parts = self.content if isinstance(self.content, list) else [self.content]
        texts = [one.get("text") if isinstance(one, dict) else one for one in parts]
        return "".join(one for one in texts if isinstance(one, str))


class Choice(_Lenient):
    message: Message
    finish_reason: Any = None


class Completion(_Lenient):
    """One answer. `usage` is None where the server does not count."""

    model: Annotated[
        str, BeforeValidator(lambda value: value if isinstance(value, str) else "")
    ] = ""
    choices: tuple[Choice, ...]
    usage: Annotated[Usage | None, BeforeValidator(_or_none)] = None


def parsed(body: bytes) -> Completion | None:
    """Return the answer, or None where it is none."""
    try:
        return Completion.model_validate_json(body)
    except ValidationError:
        return None


def taken(body: Any) -> Completion | None:
    """Return the answer that stands within a line of a batch, or None where it is none."""
    try:
        return Completion.model_validate(body)
    except ValidationError:
        return None
