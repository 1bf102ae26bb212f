"""What a real Immich 3.1 was asked and answered, and a fake that holds what it held."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from PIL import Image

from tests.immich import ImmichServer, dto
from tests.immich.holdings import Json, Tag, moment_of
from tests.unit.libraries.immich.comparing import Comparison

FOLDER = Path(__file__).parents[3] / "immich" / "recordings"
_ADMIN, _B = "b83c461a-b9c8-431c-8bf7-206d6a1cda95", "b0000000-0000-4000-8000-000000000000"
_LIBRARY = "f3837dea-a19b-4b96-a692-16d13edac9d3"
_VIDEO = "cfe2e833-b3fb-4106-bd34-29cef1399d28"
_OF_B = "1efe622d-ba70-4735-88aa-ed74c884dcc9"
_ROTATED = "58767c14-0281-4550-9672-d3f0190bed58"
_READING = ("asset.read", "asset.view", "tag.read")
_KEYS = {
    "admin": ("all",),
    "least": (*_READING, "tag.create", "tag.asset"),
    "ro": _READING,
    "onlyread": ("asset.read",),
    "maker": ("apiKey.create", "asset.read"),
    "tigertag": (*_READING, "tag.create", "tag.asset", "user.read"),
}
_TAGS = {
    "60ecffaa-1523-4261-bdb3-7f4f1b9101d1": "Ext",
    "041c0523-dcf8-46a7-b55f-94c9dd845146": "Ext/Embedded",
    "8c08d8f1-dd03-4e10-abc6-fc610dba4484": "Ext/Side",
    "02bcc94e-4486-46ca-9132-817b282d2399": "Side",
    "afecdfde-7fbe-45fc-9f66-49e640e604f5": "Side/Nested",
}
_X = "f796ee29-e6b4-4bee-800e-678cc338e7d2"
_CUT = re.compile(r'([^"]*)\.\.\.\((\d+) chars\)')
_TAGGED = {"e00.jpg": "Ext/Embedded", "e01.jpg": "Ext/Side", "side.jpg": "Side/Nested"}


@dataclass(frozen=True, slots=True)
class Record:
    """A request to the real server, and its answer."""

    file: str
    told: Json

    @property
    def name(self) -> str:
        return str(self.told["name"])


@cache
def records() -> tuple[Record, ...]:
    """All requests, in the order in which they were sent."""
    files = sorted(FOLDER.glob("[0-9]*.json"))
    return tuple(Record(one.stem, told) for one in files for told in json.loads(one.read_bytes()))


def world() -> ImmichServer:
    """A fake with the users, keys, assets and tags that the real server had."""
    server = ImmichServer()
    server.strict, server.extraction_s = False, 0.0
    server.users.clear()
    server.owner = server.add_user("Admin", is_admin=True, id=_ADMIN)
    server.add_user("B", id=_B)
    for name, permissions in _KEYS.items():
        server.add_key(*permissions, name=name, secret=f"key-{name}")
    server.sessions["session"] = _ADMIN
    made = server.add_library("/data/extlib", name="ext")
    server.libraries[_LIBRARY] = server.libraries.pop(made)
    server.libraries[_LIBRARY].id = _LIBRARY
    _add_tag(server, _X, "x")
    for told in json.loads((FOLDER / "world.json").read_bytes()):
        _add_asset(server, told)
    return server


def replayed(server: ImmichServer) -> Iterator[tuple[Record, list[str]]]:
    """Yield each record with what the fake does otherwise than the real server."""
    same = {key: key for key in (*server.assets, *_TAGS, _X, *server.users, _LIBRARY)}
    comparison = Comparison(same | _checksums(server))
    for record in records():
        before = _BEFORE.get((record.file, record.name))
        if before is not None:
            before(server)
        request = comparison.translated(record.told["request"])
        answer = _sent(server, request, "" if record.name == "empty key" else "bad")
        server.settle()
        yield record, list(comparison.differences(record.told, answer))


def _sent(server: ImmichServer, request: Mapping[str, Any], bad: str) -> requests.Response:
    path = request["path"].replace("(secret)", "key-least")
    path = "/.well-known/immich" if path.endswith("/.well-known/immich") else f"/api{path}"
    headers = {**_signs(request["auth"], bad), **request.get("headers", {})}
    for name, value in headers.items():
        headers[name] = value.replace("(the api key)", "key-least").replace("(session)", "session")
    if "If-None-Match" in headers:
        whole = requests.get(f"{server.url}{path}", headers=_signs(request["auth"], bad), timeout=5)
        headers["If-None-Match"] = whole.headers["ETag"]
    options: Json = {"params": request.get("params")}
    if "json" in request:
        options["json"] = json.loads(_CUT.sub(_lengthened, json.dumps(request["json"])))
    elif "content-type" in headers:
        options["data"] = "tags=a" if "form" in headers["content-type"] else '{"tags": ['
    return requests.request(
        *(request["method"], f"{server.url}{path}"),
        **(options | {"headers": headers, "timeout": 5, "allow_redirects": False}),
    )


def _lengthened(cut: re.Match[str]) -> str:
    """A name as long as the one that was cut in the record."""
    return (cut[1] * int(cut[2]))[: int(cut[2])]


def _checksums(server: ImmichServer) -> dict[str, str]:
    """The checksum of the fake's file by that of the real one's."""
    return {
        told["checksum"]: dto.checksum(server.assets[told["id"]])
        for told in json.loads((FOLDER / "world.json").read_bytes())
        if "checksum" in told
    }


def _signs(auth: str, bad: str) -> dict[str, str]:
    match auth:
        case "none":
            return {}
        case "session":
            return {"Authorization": "Bearer session"}
        case "x-api-key: (bad value)":
            return {"x-api-key": bad}
    return {"x-api-key": f"key-{auth}"}


def _add_tag(server: ImmichServer, key: str, value: str, owner: str = _ADMIN) -> None:
    above = server.tag_by_value(owner, value.rpartition("/")[0])
    made = server.now()
    parent = None if above is None else above.id
    server.tags_by_id[key] = Tag(key, owner, value, parent, made, made)


def _add_asset(server: ImmichServer, told: Json) -> None:
    names = {"width": "width", "height": "height", "duration": "duration", "exif": "exif"}
    names |= {"livePhotoVideoId": "live_video", "visibility": "visibility", "id": "id"}
    fields = {names[name]: value for name, value in told.items() if name in names}
    dates = {"taken": moment_of(told["fileCreatedAt"])}
    dates |= {"file_changed": moment_of(told["fileModifiedAt"])}
    size = told["width"], told["height"]
    video = told["type"] == "VIDEO"
    source = b"\0" * told.get("bytes", 1000) if video else _picture(told["id"], size)
    if video:
        fields["poster"] = _picture(told["id"], size)
    fields |= {"path": told.get("originalPath", ""), "mime": told["originalMimeType"]}
    name = told["originalFileName"]
    server.add_photo(told.get("libraryId"), name, source, **(fields | dates))


@cache
def _picture(key: str, size: tuple[int, int]) -> bytes:
    stream, exif = BytesIO(), Image.Exif()
    if key == _ROTATED:
        size, exif[274] = size[::-1], 6
    Image.new("RGB", size, (90, 120, 60)).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def _unprocess(server: ImmichServer) -> None:
    server.assets[_VIDEO].width = server.assets[_VIDEO].height = None


def _process(server: ImmichServer) -> None:
    server.process(server.assets[_VIDEO])


def _read_tags(server: ImmichServer) -> None:
    """The files that have tags are there now, and the tag of the tests of keys is not."""
    server.delete_tag(_X)
    for key, value in _TAGS.items():
        _add_tag(server, key, value)
    for asset in server.assets.values():
        if word := _TAGGED.get(asset.name):
            asset.embedded = {"TagsList": [word]}
            server.replace_tags(asset, [word])


def _add_b(server: ImmichServer) -> None:
    picture = _picture(_OF_B, (500, 375))
    server.add_photo(None, "kw2.jpg", picture, id=_OF_B, owner=_B)
    _add_tag(server, "d50ff295-b89f-45cf-8e0c-04e1747b0d9e", "Adm/x")
    _add_tag(server, "df1163de-d0c5-4931-8437-55b345d09838", "Adm/y")
    _add_tag(server, "8481e2a1-b82f-4adb-8164-056f2e9b26e4", "Places", _B)


def _share(server: ImmichServer) -> None:
    server.share(_B, _ADMIN)


_BEFORE: Mapping[tuple[str, str], Callable[[ImmichServer], None]] = {
    ("05-upload", "asset right after upload, before jobs are done"): _unprocess,
    ("06-library", "list libraries with least key"): _process,
    ("07-asset", "GET asset p00"): _read_tags,
    ("17-others", "admin (API key all) reads an asset of B, nothing shared"): _add_b,
    ("17-others", "admin tags the partner asset, PUT /tags/{id}/assets"): _share,
}
"""What else was done on the real server before a request."""
