"""A request as the routes see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.immich.holdings import Key


@dataclass(frozen=True, slots=True)
class Asked:
    """`parts` are what stands in the path where the route has a name in braces."""

    key: Key
    parts: tuple[str, ...]
    query: Mapping[str, str]
    body: Any

    @property
    def id(self) -> str:
        return self.parts[0]

    @property
    def user(self) -> str:
        return self.key.owner
