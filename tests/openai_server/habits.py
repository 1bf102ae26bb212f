"""How servers that speak OpenAI's API differ from it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Habits:
    """The defaults are OpenAI's own.

    `schemas`, `objects`: what is made of the two formats of answers; `wraps` what stands around
    the JSON; `entries` how tags are told; `limits` which names of the most tokens are known.
    """

    schemas: Literal["kept", "ignored", "refused"] = "kept"
    objects: Literal["kept", "refused"] = "kept"
    wraps: Literal["nothing", "fence", "prose", "thought"] = "nothing"
    entries: Literal["objects", "words", "percents", "numbers"] = "objects"
    counts: bool = True
    batches: bool = True
    lists: bool = True
    any_model: bool = False
    efforts: bool = True
    limits: frozenset[str] = frozenset({"max_completion_tokens", "max_tokens"})
    checks_key: bool = True


OLLAMA = Habits(schemas="ignored", wraps="fence", entries="words", batches=False, checks_key=False)
LM_STUDIO = Habits(
    schemas="refused",
    objects="refused",
    wraps="prose",
    entries="percents",
    counts=False,
    batches=False,
    checks_key=False,
)
LLAMA_CPP = Habits(
    schemas="refused",
    entries="numbers",
    wraps="thought",
    batches=False,
    lists=False,
    any_model=True,
    efforts=False,
    checks_key=False,
)
VLLM = Habits(batches=False, efforts=False, limits=frozenset({"max_tokens"}))
