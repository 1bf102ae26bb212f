"""The fakes are strict: each is held to its official document, and can be run on its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from scripts.digest_openapi import digest, kind
from tests.mediabrowser import KEY, MediaServer
from tests.unit.libraries.server_place import PHOTO

TOKEN = {"Authorization": f'MediaBrowser Token="{KEY}"'}
ROOT = Path(__file__).parents[4]


def complaint(media: MediaServer, query: str, **options: Any) -> str:
    """Ask for something that is no good; what the fake says to that."""
    headers = {**TOKEN, "X-Emby-Token": KEY}
    answer = requests.get(f"{media.url}/{query}", headers=headers, timeout=5, **options)
    assert answer.status_code == 400
    return media.violations.pop()


def test_what_was_asked_amiss_fails_the_test() -> None:
    media = MediaServer("jellyfin", "12")
    with pytest.raises(AssertionError, match="no parameter colour"), media:
        requests.get(f"{media.url}/Items?colour=red", headers=TOKEN, timeout=5)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("Items?colour=red", "GET /Items has no parameter colour"),
        ("Items?LIMIT=ten", "limit=ten is no integer:int32"),
        ("Items?Recursive=yes", "recursive=yes is no boolean"),
        (f"Items?api_key={KEY}", "a key was sent in a URL"),
        ("Items?X-Emby-Token=abc", "a key was sent in a URL"),
    ],
)
def test_a_request_that_no_server_knows_is_a_violation(
    media: MediaServer, query: str, message: str
) -> None:
    assert message in complaint(media, query)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("Items?fields=Tags,Size", "fields=Tags,Size is no [ItemFields]"),
        ("Items?sortBy=Colour", "is no [ItemSortBy]"),
        ("Items?userId=Ada", "userid=Ada is no string:uuid"),
        ("Items?minDateLastSaved=yesterday", "is no string:date-time"),
        (f"Items/{1:032x}/Images/Primary?format=Tiff", "format=Tiff is no ImageFormat"),
    ],
)
def test_a_value_that_jellyfin_does_not_know_is_a_violation(
    jellyfin: MediaServer, query: str, message: str
) -> None:
    assert message in complaint(jellyfin, query)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("Users/1/Views", "needs includeexternalcontent"),
        ("Videos/1/stream?Static=true", "needs container"),
        ("Videos/1/stream?Container=mkv&MediaSourceId=1", "has no parameter mediasourceid"),
    ],
)
def test_what_emby_needs_and_does_not_know_is_a_violation(
    emby: MediaServer, query: str, message: str
) -> None:
    assert message in complaint(emby, query)


@pytest.mark.parametrize(
    "body",
    [{"Colour": "red"}, {"LockedFields": ["Colour"]}, {"Tags": "cat"}, {"ProductionYear": "1999"}],
)
def test_an_edit_that_jellyfin_cannot_read_is_a_violation(
    jellyfin: MediaServer, body: dict[str, Any]
) -> None:
    key = jellyfin.add_photo(jellyfin.add_view("Photos", "homevideos"), "a", PHOTO)
    answer = requests.post(f"{jellyfin.url}/Items/{key}", json=body, headers=TOKEN, timeout=5)
    assert (answer.status_code, len(jellyfin.violations)) == (400, 1)
    jellyfin.violations.clear()


def test_an_item_without_its_user_is_refused_by_jellyfin(jellyfin: MediaServer) -> None:
    key = jellyfin.add_photo(jellyfin.add_view("Photos", "homevideos"), "a", PHOTO)
    answer = requests.get(f"{jellyfin.url}/Items/{key}", headers=TOKEN, timeout=5)
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["X-Emby-Token", "X-MediaBrowser-Token"])
def test_the_old_headers_are_taken_until_jellyfin_12_turns_them_off(
    jellyfin: MediaServer, name: str
) -> None:
    answer = requests.get(f"{jellyfin.url}/Users", headers={name: KEY}, timeout=5)
    assert answer.status_code == (401 if jellyfin.major >= 12 else 200)


@pytest.mark.parametrize("headers", [{}, {"Authorization": 'MediaBrowser Token="another"'}])
def test_without_its_key_it_says_nothing(media: MediaServer, headers: dict[str, str]) -> None:
    assert requests.get(f"{media.url}/Items", headers=headers, timeout=5).status_code == 401


def test_lists_have_no_order_unless_one_is_asked_for(media: MediaServer) -> None:
    view = media.add_view("Photos", "homevideos")
    for number in range(60):
        media.add_photo(view, f"{number}", PHOTO)
    headers = {**TOKEN, "X-Emby-Token": KEY}
    first, second = (
        requests.get(f"{media.url}/Items", headers=headers, timeout=5).json()["Items"]
        for _ in range(2)
    )
    assert first != second


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "version"), [("jellyfin", "10.11"), ("emby", "4.8")])
def test_it_runs_on_its_own(tmp_path: Path, kind: str, version: str) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    command = [sys.executable, "-m", "tests.mediabrowser", str(tmp_path), "--photos", "3"]
    command += ["--kind", kind, "--version", version, "--key", "x"]
    headers = {"Authorization": 'MediaBrowser Token="x"', "X-Emby-Token": "x"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = requests.get(f"{url}/Items", headers=headers, timeout=5)
        process.terminate()
        counts = json.loads(process.stdout.read())
    assert answer.json()["TotalRecordCount"] == 3
    assert (counts, process.returncode) == ({"GET /Items": 1}, 0)


@pytest.mark.parametrize(
    ("schema", "short"),
    [
        ({"type": "string", "format": "uuid"}, "string:uuid"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/ItemFields"}}, "[ItemFields]"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "{string}"),
        ({"allOf": [{"$ref": "#/components/schemas/ImageFormat"}]}, "ImageFormat"),
        ({}, "any"),
    ],
)
def test_a_type_is_told_in_short(schema: dict[str, Any], short: str) -> None:
    assert kind(schema) == short


def test_a_document_is_reduced_to_what_is_used() -> None:
    item = {"properties": {"Kind": {"$ref": "#/components/schemas/Kind"}, "Name": {}}}
    content = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}}
    get = {"parameters": [{"name": "id", "in": "path", "required": True}]}
    spec = {
        "info": {"title": "Jellyfin API", "version": "1"},
        "paths": {
            "/Items/{id}": {"get": get | {"responses": {"200": content}}},
            "/Other": {"get": {"responses": {}}},
        },
        "components": {
            "schemas": {"Item": item, "Kind": {"enum": ["Photo"]}, "Unused": {"properties": {}}}
        },
    }
    assert digest(spec) == {
        "title": "Jellyfin API",
        "version": "1",
        "operations": {
            "GET /Items/{id}": {
                "parameters": {"id": {"in": "path", "type": "any", "required": True}},
                "answer": "Item",
            }
        },
        "schemas": {"Item": {"Kind": "Kind", "Name": "any"}, "Kind": ["Photo"]},
    }
