"""How an answer of the fake differs from the one that the real server gave to the same request."""

import json
import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

import requests
from PIL import Image

from tests.immich.holdings import Json

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_NAMED = re.compile(rf"{_UUID.pattern}|[A-Za-z0-9+/]{{27}}=")
"""What the fake may have another of: ids and checksums."""
_LEFT_OUT = re.compile(r"\.\.\. (\d+) entries in all")
_BYTES = re.compile(r"<(\d+) bytes>")
_FORMS = {
    "a time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    "a time of the database": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00"),
    "an id": _UUID,
}
_EXACT = frozenset(
    {
        *("message", "code", "path", "expected", "minimum", "maximum", "inclusive", "origin"),
        *("format", "total", "count", "nextPage", "success", "error", "value", "visibility"),
        *("isTrashed", "isOffline", "isArchived", "isFavorite", "color", "res", "major", "minor"),
        *("width", "height", "type", "originalFileName", "originalMimeType", "duration"),
        *("exifImageWidth", "exifImageHeight", "orientation", "checksum_of", "endpoint"),
        *("enabled", "sidebarWeb", "images", "videos", "assetCount", "fileCreatedAt", "key"),
        *("values", "maintenanceMode", "resized", "isEdited", "hasMetadata", "duplicateId"),
    }
)
"""The names whose values have to be the same; of others, only what kind of value it is."""
_LISTS_NOT_COMPARED = frozenset({"media types"})


class Comparison:
    """Compares answers. An id that the real server made stands for the one that the fake made."""

    def __init__(self, same: Mapping[str, str]) -> None:
        self._ids = dict(same)

    def translated(self, request: Json) -> Json:
        text = json.dumps(request)
        made: Json = json.loads(_NAMED.sub(lambda at: self._ids.get(at[0], at[0]), text))
        return made

    def differences(self, recorded: Json, answer: requests.Response) -> Iterator[str]:
        if answer.status_code != recorded["status"]:
            yield f"{answer.status_code} instead of {recorded['status']}: {answer.text[:200]}"
            return
        yield from self._of_headers(recorded["headers"], answer)
        body = recorded["body"]
        if isinstance(body, str) and (size := _BYTES.fullmatch(body)):
            if answer.status_code == 206 and len(answer.content) != int(size[1]):
                yield f"{len(answer.content)} bytes instead of {size[1]}"
        elif isinstance(body, str):
            if answer.text != body:
                yield f"{answer.text!r} instead of {body!r}"
        elif body is None:
            if answer.content:
                yield f"a body of {len(answer.content)} bytes, where there was none"
        else:
            yield from self._of_json(body, answer.json(), "", recorded["name"])
        if image := recorded.get("image"):
            yield from _of_image(image, answer.content)

    def _of_headers(self, recorded: Json, answer: requests.Response) -> Iterator[str]:
        for name, value in recorded.items():
            got = answer.headers.get(name)
            if name == "content-range" and got and "video" not in recorded["content-type"]:
                value, got = (re.sub(r"/\d+", "/N", one) for one in (value, got))
            if got != value:
                yield f"{name}: {got} instead of {value}"

    def _of_json(self, recorded: Any, got: Any, where: str, name: str) -> Iterator[str]:
        if isinstance(recorded, dict) and isinstance(got, dict):
            yield from self._of_object(recorded, got, where, name)
        elif isinstance(recorded, list) and isinstance(got, list):
            yield from self._of_list(recorded, got, where, name)
        elif type(recorded) is not type(got):
            yield f"{where}: {got!r} instead of {recorded!r}"
        elif isinstance(recorded, str) and _UUID.fullmatch(recorded):
            if self._ids.setdefault(recorded, got) != got:
                yield f"{where}: {got}, which is not the id that stands for {recorded}"
        elif where.rpartition(".")[2] in _EXACT:
            if recorded != got and not _shortened(recorded, got):
                yield f"{where}: {got!r} instead of {recorded!r}"
        elif isinstance(recorded, str) and _form(recorded) != _form(got):
            yield f"{where}: {got!r} is not written like {recorded!r}"

    def _of_object(self, recorded: Json, got: Json, where: str, name: str) -> Iterator[str]:
        for key in recorded.keys() - got.keys():
            yield f"{where}: no {key}"
        for key in got.keys() - recorded.keys():
            yield f"{where}: {key}, which the real one does not have"
        for key in recorded.keys() & got.keys():
            yield from self._of_json(recorded[key], got[key], f"{where}.{key}", name)

    def _of_list(self, recorded: list[Any], got: list[Any], where: str, name: str) -> Iterator[str]:
        size, shown = len(recorded), recorded
        if shown and isinstance(shown[-1], str) and (left_out := _LEFT_OUT.fullmatch(shown[-1])):
            size, shown = int(left_out[1]), shown[:-1]
        if name in _LISTS_NOT_COMPARED:
            return
        if len(got) != size:
            yield f"{where}: {len(got)} entries instead of {size}"
        for one, other in zip(shown, got, strict=False):
            yield from self._of_json(one, other, where, name)


def _of_image(recorded: Json, made: bytes) -> Iterator[str]:
    with Image.open(BytesIO(made)) as image:
        orientation = image.getexif().get(274)
        got = {"format": image.format, "size": list(image.size), "exif_orientation": orientation}
    if got != recorded:
        yield f"{got} instead of {recorded}"


def _form(value: str) -> str:
    return next((name for name, form in _FORMS.items() if form.fullmatch(value)), "text")


def _shortened(recorded: Any, got: Any) -> bool:
    """Whether the record was cut where it was long."""
    return isinstance(recorded, str) and "chars)" in recorded and isinstance(got, str)
