"""A sample as a request: its pictures encoded anew, its body, and what it may cost."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from PIL import Image

from tigertag.contracts import Failed, evenly
from tigertag.engines.openai_vision.dialect import Dialect
from tigertag.engines.openai_vision.options import Options
from tigertag.engines.openai_vision.prices import LARGEST_ANSWER, MILLION, Known, text_tokens
from tigertag.engines.openai_vision.prompt import SCHEMA, Prompt
from tigertag.model import Frame, Sample
from tigertag.remote.jpeg import jpeg

MAX_FRAMES: Final = 4
LOW_PX: Final = 512
HIGH_SHORT_PX, HIGH_LONG_PX = 768, 2048

_MOST_BYTES = 2_000_000
_MIN_SIDE_PX = 64
_TYPICAL_ANSWER = 150
_TYPICAL_LOW_PX, _TYPICAL_HIGH_PX = (512, 384), (1024, 768)
_TEXT_BYTES_A_TOKEN = 2


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent of a sample: its messages, what its pictures weigh, what it costs at most."""

    sample: str
    messages: Sequence[Mapping[str, Any]] = field(repr=False)
    size_bytes: int
    bound_usd: float


@dataclass(frozen=True)
class Requests:
    """Makes the requests for one model. `known`: its price, if there is one."""

    options: Options
    prompt: Prompt
    known: Known | None

    @property
    def short_side_px(self) -> int:
        return LOW_PX if self._is_low else HIGH_SHORT_PX

    def made(self, sample: Sample) -> Request | Failed:
        """Encode the frames, and bound what asking about them costs; unknown prices cost 0."""
        usable = [one for one in sample.frames if all(one.pixels.shape[:2])]
        frames = evenly(usable, MAX_FRAMES)
        if not frames:
            return Failed(sample.id, "There is no picture to look at.", retryable=False)
        pictures = [self._jpeg(one) for one in frames]
        look = self.prompt.look(len(pictures))
        messages = (
            {"role": "system", "content": self.prompt.text},
            {
                "role": "user",
                "content": [{"type": "text", "text": look}, *map(self._part, pictures)],
            },
        )
        size_bytes = sum(map(len, pictures))
        return Request(sample.id, messages, size_bytes, self._bound_usd(look, pictures))

    def body(self, request: Request, dialect: Dialect) -> Mapping[str, Any]:
        """Return the body for the chat completions API, now or in a batch."""
        price = self.known.price if self.known else None
        spoken = dialect.parameters(
            most_tokens=price.max_output_tokens if price else LARGEST_ANSWER,
            reasoning_effort=price.reasoning_effort if price else "",
        )
        return {"model": self.options.model, "messages": request.messages, **spoken}

    def typical_usd(self) -> float | None:
        """What a photo costs, about, when it is asked about now; None where nobody knows."""
        if self.known is None:
            return None
        price = self.known.price
        tokens = self._text_tokens(self.prompt.look(1)) // _TEXT_BYTES_A_TOKEN
        dollars = (tokens * price.input + _TYPICAL_ANSWER * price.output) / MILLION
        return dollars + self.picture_usd

    @property
    def picture_usd(self) -> float:
        """What one picture of those that are asked about together adds, about; 0 if not known."""
        if self.known is None:
            return 0.0
        size_px = _TYPICAL_LOW_PX if self._is_low else _TYPICAL_HIGH_PX
        price = self.known.price
        return price.picture_tokens(*size_px, low=self._is_low) * price.input / MILLION

    @property
    def _is_low(self) -> bool:
        return self.options.detail == "low"

    def _jpeg(self, frame: Frame) -> bytes:
        longest_px = LOW_PX if self._is_low else HIGH_LONG_PX
        return jpeg(
            frame,
            short_side_px=self.short_side_px,
            max_side_px=longest_px,
            max_bytes=_MOST_BYTES,
            min_side_px=_MIN_SIDE_PX,
        )

    def _part(self, picture: bytes) -> Mapping[str, Any]:
        url = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
        return {"type": "image_url", "image_url": {"url": url, "detail": self.options.detail}}

    def _bound_usd(self, look: str, pictures: Sequence[bytes]) -> float:
        if self.known is None:
            return 0.0
        price, tokens = self.known.price, self._text_tokens(look)
        for one in pictures:
            with Image.open(io.BytesIO(one)) as image:
                tokens += price.picture_tokens(*image.size, low=self._is_low)
        return price.bound_usd(input_tokens=tokens)

    def _text_tokens(self, look: str) -> int:
        return self._instructions_tokens + text_tokens(look)

    @cached_property
    def _instructions_tokens(self) -> int:
        return text_tokens(self.prompt.text) + text_tokens(json.dumps(SCHEMA))
