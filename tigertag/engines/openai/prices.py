"""What a model costs: a dated table that comes along, and the user's own that goes before it."""

import datetime
import re
from functools import cache
from importlib.resources import files
from math import ceil
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tigertag.errors import EngineError, os_reason

MILLION = 1_000_000
LARGEST_ANSWER = 3_000

_PATCH_PX, _TILE_PX, _SCALED_PX, _LONGEST_PX = 32, 512, 768, 2048
_UNKNOWN_PATCH = 2.5
_TOKENS_AROUND = 60
_DATED = re.compile(r"(?P<base>.+)-\d{4}-\d{2}-\d{2}")

_MOST_TOKENS = 10**9

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value <= _MOST_TOKENS else 0


Count = Annotated[int, BeforeValidator(_count)]


class TokenUsage(BaseModel):
    """The tokens that the service counted; those of reasoning are in `completion_tokens`."""

    prompt_tokens: Count
    completion_tokens: Count = 0
    cached: Count = Field(
        default=0, validation_alias=AliasPath("prompt_tokens_details", "cached_tokens")
    )
    written: Count = Field(
        default=0, validation_alias=AliasPath("prompt_tokens_details", "cache_write_tokens")
    )


def _if_counted(value: Any) -> Any:
    """Take usage that was not counted for none: no prompt has no tokens."""
    return value if isinstance(value, dict) and _count(value.get("prompt_tokens")) else None


CountedUsage = Annotated[TokenUsage | None, BeforeValidator(_if_counted)]


class Tiles(BaseModel):
    """Tokens of a picture, and those of each 512 by 512 px of it unless it is sent as `low`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: Annotated[int, Field(ge=0)]
    tile: Annotated[int, Field(ge=0)]


class Price(BaseModel):
    """What a model takes for a million tokens, in US dollars, and how it counts a picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None
    cache_write: Dollars | None = None
    patch: Annotated[float, Field(gt=0, allow_inf_nan=False)] = _UNKNOWN_PATCH
    tiles: Tiles | None = None
    reasoning_effort: str = ""
    max_output_tokens: Annotated[int, Field(ge=100)] = LARGEST_ANSWER
    retiring: bool = False

    @property
    def is_free(self) -> bool:
        return not (self.input or self.output or self.cache_write)

    def cost_usd(self, usage: TokenUsage) -> float:
        """What an answer cost, by the tokens that the service counted."""
        cached_usd = self.input if self.cached_input is None else self.cached_input
        written_usd = self.input if self.cache_write is None else self.cache_write
        fresh = max(0, usage.prompt_tokens - usage.cached - usage.written)
        dollars = fresh * self.input + usage.cached * cached_usd + usage.written * written_usd
        return (dollars + usage.completion_tokens * self.output) / MILLION

    def bound_usd(self, *, input_tokens: int) -> float:
        """What an answer to so many tokens costs at most: none cached, and as long as allowed."""
        dearest = max(self.input, self.cache_write or 0.0)
        return (input_tokens * dearest + self.max_output_tokens * self.output) / MILLION

    def picture_tokens(self, width_px: int, height_px: int, *, low: bool) -> int:
        """How many tokens a picture of this size is, rather more than fewer."""
        if self.tiles is None:
            return ceil(_squares(width_px, height_px, _PATCH_PX) * self.patch)
        if low:
            return self.tiles.base
        factor = min(_SCALED_PX / min(width_px, height_px), _LONGEST_PX / max(width_px, height_px))
        scaled = _squares(width_px * factor, height_px * factor, _TILE_PX)
        tiles = max(scaled, _squares(width_px, height_px, _TILE_PX))
        return self.tiles.base + self.tiles.tile * tiles


def _squares(width_px: float, height_px: float, side_px: int) -> int:
    return ceil(width_px / side_px) * ceil(height_px / side_px)


def text_tokens(text: str) -> int:
    """How many tokens a text is, rather more than fewer: no tokenizer is at hand."""
    beyond = sum(len(letter.encode()) for letter in text if not letter.isascii())
    return ceil(sum(letter.isascii() for letter in text) / 2) + beyond + _TOKENS_AROUND


class ModelPrice(Price):
    """A model's price, from when it is, and what share of it a batch takes."""

    as_of: str
    batch: float


class _Table(BaseModel):
    """A table as it is written; the user's own need not repeat what the shipped one says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: datetime.date | None = None
    source: str = ""
    batch: Annotated[float, Field(gt=0, le=1)] = 0.5
    models: dict[str, Price]


def shipped() -> tuple[str, ...]:
    """The models of the shipped table that are not about to go, the first one first."""
    return tuple(name for name, price in _shipped().models.items() if not price.retiring)


def find(model: str, own: Path | None) -> ModelPrice | None:
    """The price of a model, a dated snapshot having its base's; None where there is none.

    Raises `EngineError` when the user's own table cannot be read.
    """
    dated = _DATED.fullmatch(model)
    names = [model, dated["base"]] if dated else [model]
    for table, place in ((_own(own), str(own)), (_shipped(), "")):
        for name in names:
            if table is not None and name in table.models:
                as_of = table.as_of.isoformat() if table.as_of else place
                price = table.models[name].model_dump()
                return ModelPrice(**price, as_of=as_of, batch=table.batch)
    return None


@cache
def _shipped() -> _Table:
    text = files(__package__).joinpath("prices.yaml").read_text("utf-8")
    return _Table.model_validate(yaml.safe_load(text))


def _own(path: Path | None) -> _Table | None:
    if path is None:
        return None
    try:
        return _Table.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as exc:
        raise EngineError(f"The price table {path} cannot be read ({os_reason(exc)}).") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise EngineError(f"The price table {path}{where} is no YAML.") from exc
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise EngineError(f"The price table {path}: {where}: {first['msg']}.") from exc
