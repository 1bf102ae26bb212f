"""A sample as a request: its pictures re-encoded, its body, and what it may cost."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from PIL import Image

from tigertag.contracts import Failed, evenly
from tigertag.engines.http.jpeg import to_jpeg
from tigertag.engines.openai.faults import RequestFormat
from tigertag.engines.openai.options import Options
from tigertag.engines.openai.prices import LARGEST_ANSWER, MILLION, ModelPrice, text_tokens
from tigertag.engines.openai.prompt import SCHEMA, Prompt
from tigertag.model import Frame, Sample

MAX_FRAMES: Final = 4
LOW_PX: Final = 512
HIGH_SHORT_PX, HIGH_LONG_PX = 768, 2048

_MOST_BYTES = 2_000_000
_MIN_SIDE_PX = 64
_TYPICAL_ANSWER_TOKENS = 150
_TYPICAL_LOW_PX, _TYPICAL_HIGH_PX = (512, 384), (1024, 768)
_TEXT_BYTES_A_TOKEN = 2


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
        pictures = [self._jpeg(frame) for frame in evenly(usable, MAX_FRAMES)]
        if not pictures:
            return Failed(sample.id, "There is no picture to look at.", retryable=False)
        task = self.prompt.task(len(pictures))
        content = [{"type": "text", "text": task}, *map(self._image_part, pictures)]
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

    def _jpeg(self, frame: Frame) -> bytes:
        return to_jpeg(
            frame,
            short_side_px=self.short_side_px,
            max_side_px=LOW_PX if self._is_low else HIGH_LONG_PX,
            max_bytes=_MOST_BYTES,
            min_side_px=_MIN_SIDE_PX,
        )

    def _image_part(self, picture: bytes) -> Mapping[str, Any]:
        url = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
        return {"type": "image_url", "image_url": {"url": url, "detail": self.options.detail}}

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
