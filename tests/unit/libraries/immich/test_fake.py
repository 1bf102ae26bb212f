"""The fake Immich is strict, with keys, lists and what a tagger must never do."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.immich import KEY, ImmichServer
from tests.immich.routes import ROUTES
from tests.unit.libraries.immich.asking import Client, complaints, filled
from tests.unit.libraries.server_place import PHOTO

ROOT = Path(__file__).parents[4]
NOBODY = "00000000-0000-4000-8000-000000000000"
GUARDED = [one for one in ROUTES if "." in one.permission]


@pytest.mark.parametrize("route", GUARDED, ids=lambda one: one.name)
def test_a_key_without_the_permission_is_told_its_name(server: ImmichServer, route: Any) -> None:
    others = {one.permission for one in GUARDED} - {route.permission}
    client = Client(server, server.add_key(*others))
    method, _space, path = route.name.partition(" ")
    answer = client.ask(method, path.replace("{id}", NOBODY).replace("{key}", "x"), {"x": 1})
    message = f"Missing required permission: {route.permission}"
    assert (answer.status_code, answer.json()) == (403, {"message": message})


@pytest.mark.parametrize(
    ("break_a_rule", "complaint"),
    [
        (
            lambda client, _photo: client.ask("GET", f"/tags?apiKey={KEY}"),
            "a key was sent in a URL",
        ),
        (lambda client, _photo: client.listed(isVisible=True), "knows no isVisible"),
        (lambda client, _photo: client.listed(cursor="x"), "knows no cursor"),
        (lambda client, _photo: client.ask("POST", "/tags", {"name": "x"}), "POST /tags makes"),
        (
            lambda client, _photo: client.ask("GET", "/tags", headers={"Cookie": "a=b"}),
            "a cookie was sent",
        ),
    ],
)
def test_what_a_tagger_must_never_ask_is_a_violation(
    server: ImmichServer, client: Client, break_a_rule: Any, complaint: str
) -> None:
    break_a_rule(client, filled(server, 1)[0])
    (found,) = complaints(server)
    assert complaint in found
    assert not any(KEY in line for line in server.log)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"trashed": 1.7e9}, "in the trash"),
        ({"offline": True}, "offline"),
        ({"visibility": "hidden"}, "a hidden half"),
        ({"processed": False}, "not processed yet"),
    ],
)
def test_tagging_what_has_to_be_left_alone_succeeds_and_is_a_violation(
    server: ImmichServer, client: Client, fields: dict[str, Any], complaint: str
) -> None:
    server.jobs.paused = True
    photo = server.add_photo(None, "p.jpg", PHOTO, **fields)
    assert client.put(client.made("cat"), [photo]) == 1
    assert any(complaint in one for one in complaints(server))


def test_a_violation_fails_the_test() -> None:
    server = ImmichServer()
    with pytest.raises(AssertionError, match="knows no colour"), server:
        Client(server).listed(colour="red")


def test_pages_slip_where_something_is_added_meanwhile(
    server: ImmichServer, client: Client
) -> None:
    filled(server)
    first = client.names(size=3, page=1)
    server.add_photo(None, "new.jpg", PHOTO)
    assert first == ["p5.jpg", "p4.jpg", "p3.jpg"]
    assert client.names(size=3, page=2) == ["p3.jpg", "p2.jpg", "p1.jpg"]


NEW_FORM: dict[str, Any] = {
    "filter": {"visibility": {"eq": "timeline"}, "trashedAt": {"eq": None}},
    "orderBy": {"field": "fileCreatedAt", "direction": "desc"},
}


def test_3_2_gives_a_cursor_only_to_searches_of_its_new_form_and_it_slips_as_pages_do() -> None:
    with ImmichServer("3.2") as server:
        photos, client = filled(server), Client(server)
        server.trash(photos[5])
        flat, first = client.listed(size=3), client.listed(size=3, **NEW_FORM)
        assert (flat["nextCursor"], flat["nextPage"]) == (None, "2")
        assert first["nextPage"] is None
        server.remove(photos[4])
        second = client.listed(size=3, cursor=first["nextCursor"], **NEW_FORM)
        names = [one["originalFileName"] for one in (*first["items"], *second["items"])]
        assert names == ["p4.jpg", "p3.jpg", "p2.jpg", "p0.jpg"]
        assert (second["nextCursor"], second["nextPage"]) == (None, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"visibility": "timeline"}, "Deprecated field visibility cannot be combined with filter"),
        ({"filter": {"colour": {"eq": "red"}}}, 'Unrecognized key: "colour"'),
    ],
)
def test_3_2_takes_its_new_form_alone_and_with_names_that_it_knows(
    body: dict[str, Any], message: str
) -> None:
    with ImmichServer("3.2") as server:
        body = {"filter": {}} | body
        answer = Client(server).ask("POST", "/search/metadata", body)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["message"] == message


def test_the_new_form_lists_what_is_in_the_trash_and_knows_uploads_by_their_library() -> None:
    with ImmichServer("3.2") as server:
        photos, client = filled(server, 2), Client(server)
        server.add_photo(server.add_library("/data/ext"), "e.jpg", PHOTO)
        server.trash(photos[0])
        assert client.names(filter={"libraryId": {"eq": None}}) == ["p1.jpg", "p0.jpg"]
        assert client.names(filter={"libraryId": {"ne": None}}) == ["e.jpg"]


def test_3_1_knows_no_cursor(server: ImmichServer, client: Client) -> None:
    filled(server)
    assert "nextCursor" not in client.listed(size=3)


def test_what_was_updated_at_the_time_itself_is_listed(
    server: ImmichServer, client: Client
) -> None:
    photos = filled(server)
    server.skew_s = 60.0
    server.change(photos[2], favorite=True)
    updated = client.asset(photos[2])["updatedAt"]
    assert client.names(updatedAfter=updated) == ["p2.jpg"]


def test_no_library_is_no_filter(server: ImmichServer, client: Client) -> None:
    filled(server, 2)
    library = server.add_library("/data/ext")
    server.add_photo(library, "e.jpg", PHOTO)
    assert client.names(libraryId=None) == ["e.jpg", "p1.jpg", "p0.jpg"]
    assert client.names(libraryId=library) == ["e.jpg"]


def test_an_album_has_its_own_assets_and_needs_its_own_permission(
    server: ImmichServer, client: Client
) -> None:
    photos = filled(server, 3)
    album = server.add_album("Trip", photos[0], photos[2])
    assert client.names(albumIds=[album]) == ["p2.jpg", "p0.jpg"]
    assert client.ask("GET", "/albums").status_code == 403
    (shown,) = Client(server, server.add_key("album.read")).ask("GET", "/albums").json()
    assert (shown["albumName"], shown["assetCount"]) == ("Trip", 2)


def test_tags_are_not_shown_to_a_user_by_default(server: ImmichServer) -> None:
    client = Client(server, server.add_key("userPreference.read"))
    assert client.ask("GET", "/users/me/preferences").json()["tags"]["enabled"] is False
    server.users[server.owner].tags_shown = True
    assert client.ask("GET", "/users/me/preferences").json()["tags"]["enabled"] is True


def test_an_external_assets_checksum_stays_where_its_file_changes(
    server: ImmichServer, client: Client, tmp_path: Path
) -> None:
    library = server.add_library(tmp_path)
    photos = [server.add_photo(library, "e.jpg", PHOTO), server.add_photo(None, "u.jpg", PHOTO)]
    before = [client.asset(photo) for photo in photos]
    for photo in photos:
        server.replace_photo(photo, PHOTO + b"more")
    after = [client.asset(photo) for photo in photos]
    same = [old["checksum"] == new["checksum"] for old, new in zip(before, after, strict=True)]
    assert same == [True, False]
    assert all(
        new["fileModifiedAt"] > old["fileModifiedAt"]
        for old, new in zip(before, after, strict=True)
    )


def test_long_answers_are_packed_for_those_who_ask(server: ImmichServer, client: Client) -> None:
    filled(server)
    answer = client.ask("POST", "/search/metadata", {})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["assets"]["items"]) == 6


def test_it_runs_on_its_own(tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(PHOTO)
    arguments = [sys.executable, "-m", "tests.immich", str(tmp_path), "--photos", "3"]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        body = {"size": 2, "visibility": "timeline"}
        headers = {"x-api-key": KEY}
        answer = requests.post(
            f"{url}/api/search/metadata", json=body, headers=headers, timeout=5
        ).json()
        process.terminate()
        counts = json.loads(process.stdout.read())
    assert [one["originalFileName"] for one in answer["assets"]["items"]] == [
        "p 000002.jpg",
        "p 000001.jpg",
    ]
    assert counts == {"POST /search/metadata": 1}
    assert process.returncode == 0
