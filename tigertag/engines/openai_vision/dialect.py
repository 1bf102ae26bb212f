"""How a server wants to be spoken to: learnt from what it refuses, kept while it is open."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final, Literal

from tigertag.engines.openai_vision.faults import Fault
from tigertag.engines.openai_vision.prompt import SCHEMA

_REFUSED: Final = frozenset({400, 422, 501})
_FORMAT: Final = (
    "response_format",
    "json_schema",
    "json_object",
    "json schema",
    "grammar",
    "guided",
    "structured",
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The parameters that servers differ in."""

    shape: Literal["json_schema", "json_object", "text"] = "json_schema"
    limit: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    effort: bool = True

    def parameters(self, *, most_tokens: int, reasoning_effort: str) -> Mapping[str, Any]:
        spoken: dict[str, Any] = {self.limit: most_tokens}
        if reasoning_effort and self.effort:
            spoken["reasoning_effort"] = reasoning_effort
        if self.shape == "json_schema":
            schema = {"name": "tags", "strict": True, "schema": SCHEMA}
            spoken["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.shape == "json_object":
            spoken["response_format"] = {"type": "json_object"}
        return spoken

    def after(self, fault: Fault) -> "Dialect | None":
        """Return what to try when this was refused; None when it was not for the dialect."""
        if fault.status not in _REFUSED or fault.is_about_the_context:
            return None
        if self.effort and fault.mentions("reasoning_effort", "reasoning effort"):
            return replace(self, effort=False)
        if self.limit == "max_completion_tokens" and fault.mentions("max_completion_tokens"):
            return replace(self, limit="max_tokens")
        if self.shape == "json_schema" and fault.mentions(*_FORMAT):
            return replace(self, shape="json_object")
        if self.shape == "json_object" and fault.mentions(*_FORMAT):
            return replace(self, shape="text")
        return None


class Learnt:
    """The dialect that is spoken now. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._now = Dialect()

    @property
    def now(self) -> Dialect:
        return self._now

    def learn(self, spoken: Dialect, fault: Fault) -> bool:
        """Tell whether there is another dialect to try, since this one was refused."""
        with self._lock:
            if self._now != spoken:
                return True
            other = spoken.after(fault)
            self._now = other or spoken
            return other is not None
