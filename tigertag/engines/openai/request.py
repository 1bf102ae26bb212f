"""A sample as a request: its format and body, its pictures re-encoded, and what it may cost."""

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Any, Final, Literal

from PIL import Image

from tigertag.contracts import Failed, evenly
from tigertag.engines.http.errors import Fault
from tigertag.engines.http.jpeg import to_jpeg
from tigertag.engines.openai.options import SCHEMA, Options, Prompt
from tigertag.engines.openai.prices import LARGEST_ANSWER, MILLION, ModelPrice, text_tokens
from tigertag.model import Sample

MAX_FRAMES: Final = 4
LOW_PX: Final = 512
HIGH_SHORT_PX, HIGH_LONG_PX = 768, 2048

_MOST_BYTES = 2_000_000
_MIN_SIDE_PX = 64
_TYPICAL_ANSWER_TOKENS = 150
_TYPICAL_LOW_PX, _TYPICAL_HIGH_PX = (512, 384), (1024, 768)
_TEXT_BYTES_A_TOKEN = 2
_ABOUT_THE_CONTEXT = re.compile(r"context|maximum model length")
_FORMAT_REFUSED: Final = frozenset({400, 422, 501})
_ABOUT_THE_FORMAT: Final = (
    "response_format",
    "json_schema",
    "json_object",
    "json schema",
    "grammar",
    "guided",
    "structured",
)


@dataclass(frozen=True, slots=True)
class RequestFormat:
    """The parameters that servers differ in."""

    shape: Literal["json_schema", "json_object", "text"] = "json_schema"
    limit: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    effort: bool = True

    def parameters(self, *, most_tokens: int, reasoning_effort: str) -> Mapping[str, Any]:
        parameters: dict[str, Any] = {self.limit: most_tokens}
        if reasoning_effort and self.effort:
            parameters["reasoning_effort"] = reasoning_effort
        if self.shape == "json_schema":
            schema = {"name": "tags", "strict": True, "schema": SCHEMA}
            parameters["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.shape == "json_object":
            parameters["response_format"] = {"type": "json_object"}
        return parameters

    def after(self, fault: Fault) -> "RequestFormat | None":
        """Return what to try when this was refused; None when the format was not to blame."""
        if fault.status not in _FORMAT_REFUSED or _ABOUT_THE_CONTEXT.search(
            f"{fault.code} {fault.text}"
        ):
            return None
        if self.effort and fault.mentions("reasoning_effort", "reasoning effort"):
            return replace(self, effort=False)
        if self.limit == "max_completion_tokens" and fault.mentions("max_completion_tokens"):
            return replace(self, limit="max_tokens")
        if self.shape != "text" and fault.mentions(*_ABOUT_THE_FORMAT):
            return replace(self, shape="json_object" if self.shape == "json_schema" else "text")
        return None


class FormatInUse:
    """The format that the server takes, learnt from what it refuses. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.current = RequestFormat()

    def replace(self, refused: RequestFormat, fault: Fault) -> bool:
        """Tell whether there is another format to try, since this one was refused."""
        with self._lock:
            if self.current != refused:
                return True
            other = refused.after(fault)
            self.current = other or refused
            return other is not None


@dataclass(frozen=True, slots=True)
class VisionRequest:
    """What is sent of a sample: its messages, what its pictures weigh, what it costs at most."""

    sample: str
    messages: Sequence[Mapping[str, Any]] = field(repr=False)
    size_bytes: int
    bound_usd: float


@dataclass(frozen=True)
class RequestBuilder:
    """Builds the requests for one model. `price` None: it is not known."""

    options: Options
    prompt: Prompt
    price: ModelPrice | None

    @property
    def short_side_px(self) -> int:
        return LOW_PX if self._is_low else HIGH_SHORT_PX

    def build(self, sample: Sample) -> VisionRequest | Failed:
        """Encode the frames, and bound what asking about them costs; unknown prices cost 0."""
        usable = [frame for frame in sample.frames if all(frame.pixels.shape[:2])]
        pictures = [
            to_jpeg(
                frame,
                short_side_px=self.short_side_px,
                max_side_px=LOW_PX if self._is_low else HIGH_LONG_PX,
                max_bytes=_MOST_BYTES,
                min_side_px=_MIN_SIDE_PX,
            )
            for frame in evenly(usable, MAX_FRAMES)
        ]
        if not pictures:
            return Failed(sample.id, "There is no picture to look at.", retryable=False)
        task = self.prompt.task(len(pictures))
        content: list[dict[str, Any]] = [{"type": "text", "text": task}]
        for picture in pictures:
            url = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
            image = {"url": url, "detail": self.options.detail}
            content.append({"type": "image_url", "image_url": image})
        messages = (
            {"role": "system", "content": self.prompt.text},
            {"role": "user", "content": content},
        )
        size_bytes = sum(map(len, pictures))
        return VisionRequest(sample.id, messages, size_bytes, self._bound_usd(task, pictures))

    def body(self, request: VisionRequest, form: RequestFormat) -> Mapping[str, Any]:
        """Return the body for the chat completions API, now or in a batch."""
        parameters = form.parameters(
            most_tokens=self.price.max_output_tokens if self.price else LARGEST_ANSWER,
            reasoning_effort=self.price.reasoning_effort if self.price else "",
        )
        return {"model": self.options.model, "messages": request.messages, **parameters}

    def typical_usd(self) -> float | None:
        """About what a photo costs when it is asked about now; None where that is not known."""
        if self.price is None:
            return None
        tokens = self._text_tokens(self.prompt.task(1)) // _TEXT_BYTES_A_TOKEN
        dollars = tokens * self.price.input + _TYPICAL_ANSWER_TOKENS * self.price.output
        return dollars / MILLION + self.picture_usd

    @property
    def picture_usd(self) -> float:
        """About what one picture of those asked about together adds; 0 if not known."""
        if self.price is None:
            return 0.0
        size_px = _TYPICAL_LOW_PX if self._is_low else _TYPICAL_HIGH_PX
        tokens = self.price.picture_tokens(*size_px, low=self._is_low)
        return tokens * self.price.input / MILLION

    @property
    def _is_low(self) -> bool:
        return self.options.detail == "low"

    def _bound_usd(self, task: str, pictures: Sequence[bytes]) -> float:
        if self.price is None:
            return 0.0
        tokens = self._text_tokens(task)
        for picture in pictures:
            with Image.open(io.BytesIO(picture)) as image:
                tokens += self.price.picture_tokens(*image.size, low=self._is_low)
        return self.price.bound_usd(input_tokens=tokens)

    def _text_tokens(self, task: str) -> int:
        return self._instructions_tokens + text_tokens(task)

    @cached_property
    def _instructions_tokens(self) -> int:
        return text_tokens(self.prompt.text) + text_tokens(json.dumps(SCHEMA))
