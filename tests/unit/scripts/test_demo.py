"""`make demo` ends with 0 only if the server has every tag that was decided."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from scripts import demo

DONE = {"id": 1, "state": "done", "counts": {"listed": 1, "failed": 0}}
ITEM = {"key": "7", "title": "chelsea.png"}
CHANGES = [{"item": ITEM, "adds": [{"name": "cat", "confidence": 0.9}]}]


class Answers:
    """A service that has decided on "cat" for one photo."""

    def __init__(self, **counts: int) -> None:
        self._scan = {**DONE, "counts": {"listed": 1, "failed": 0, **counts}}

    def ask(self, *_request: str, **_body: str) -> dict[str, Any]:
        return self._scan

    def ended(self, scan: dict[str, Any]) -> dict[str, Any]:
        return scan

    def every(self, path: str) -> list[dict[str, Any]]:
        return [ITEM] if path == "items" else CHANGES

    def sign_in_link(self) -> str:
        return ""


def ends_with(tags: Sequence[str], folder: Path, **counts: int) -> int:
    server = demo.MediaServer("Immich", "Timeline", {}, lambda _key: tags)
    return demo.demonstrate(server, cast(demo.Service, Answers(**counts)), folder)


@pytest.mark.parametrize("tags", [["cat"], ["Cat", "Garden"]])
def test_it_ends_well_where_the_server_has_what_was_decided(
    tags: Sequence[str], tmp_path: Path
) -> None:
    assert ends_with(tags, tmp_path) == 0


def test_it_fails_where_the_server_has_dropped_a_tag(tmp_path: Path) -> None:
    assert ends_with(["Garden"], tmp_path) == 1


def test_it_fails_where_a_photo_could_not_be_looked_at(tmp_path: Path) -> None:
    assert ends_with(["cat"], tmp_path, failed=1) == 1
