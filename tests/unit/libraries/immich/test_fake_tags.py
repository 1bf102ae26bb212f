"""Tags of the fake Immich beyond what the recordings show: partners, deleting, `POST`, renaming."""

from pathlib import Path

from tests.immich import ImmichServer
from tests.unit.libraries.immich.asking import Client, complaints, filled
from tests.unit.libraries.server_place import PHOTO


def test_a_tag_of_a_partners_photo_appears_in_the_partners_account(
    server: ImmichServer, client: Client
) -> None:
    ann = server.add_user("Ann")
    photo = server.add_photo(None, "hers.jpg", PHOTO, owner=ann)
    (tag,) = client.made("Adm/x")
    assert client.names() == []
    assert client.put([tag], [photo]) == 0
    server.share(ann, server.owner)
    assert client.listed()["items"][0]["ownerId"] == ann
    assert client.put([tag], [photo]) == 0
    assert client.put_one(tag, photo).json() == [{"id": photo, "success": True}]
    assert complaints(server) == ["hers.jpg was tagged, which is a partner's"]
    server.settle()
    tags = Client(server, server.add_key("tag.read", owner=ann)).ask("GET", "/tags").json()
    assert [one["value"] for one in tags] == ["Adm", "Adm/x"]


def test_a_tag_that_is_deleted_takes_those_below_along_and_comes_back(
    server: ImmichServer, client: Client
) -> None:
    (photo,) = filled(server, 1)
    client.put(client.made("Cas/one"), [photo])
    server.settle()
    updated = client.asset(photo)["updatedAt"]
    (parent, _child) = [one["id"] for one in client.ask("GET", "/tags").json()]
    admin = Client(server, server.add_key("all"))
    assert admin.ask("DELETE", f"/tags/{parent}").status_code == 204
    assert "takes children along" in complaints(server)[0]
    assert (client.tags(photo), client.asset(photo)["updatedAt"]) == ([], updated)
    server.extract_all()
    server.settle()
    assert client.tags(photo) == ["Cas/one"]


def test_no_search_finds_a_tag_made_by_post_before_its_next_extraction(
    server: ImmichServer, client: Client
) -> None:
    server.strict = False
    (photo,) = filled(server, 1)
    tag = client.ask("POST", "/tags", {"name": "flat"}).json()["id"]
    server.jobs.paused = True
    client.put([tag], [photo])
    assert client.names(tagIds=[tag]) == []
    server.jobs.resume()
    server.settle()
    assert client.names(tagIds=[tag]) == ["p0.jpg"]


def test_the_cleanup_deletes_a_tag_of_post_that_is_in_use(
    server: ImmichServer, client: Client
) -> None:
    server.strict, server.jobs.paused = False, True
    (photo,) = filled(server, 1)
    made = client.ask("POST", "/tags", {"name": "flat"}).json()["id"]
    client.put([made, *client.made("Kept/one", "Unused")[:1]], [photo])
    server.clean_tags()
    assert [one["value"] for one in client.ask("GET", "/tags").json()] == ["Kept", "Kept/one"]


def test_3_2_renames_a_tag_and_those_below() -> None:
    with ImmichServer("3.2") as server:
        server.strict, server.extraction_s = False, 0.02
        (photo,), client = filled(server, 1), Client(server, server.add_key("all"))
        client.put(client.made("Old/one"), [photo])
        server.settle()
        parent = client.ask("GET", "/tags").json()[0]["id"]
        client.ask("PUT", f"/tags/{parent}", {"name": "New"})
        server.settle()
        assert client.tags(photo) == ["New/one"]
        assert client.ask("POST", "/tags", {"name": "a/b"}).status_code == 400


def test_a_file_that_is_away_is_offline_and_comes_back_as_the_same_asset(
    server: ImmichServer, tmp_path: Path
) -> None:
    client = Client(server, server.add_key("all"))
    library = server.add_library(tmp_path)
    photo = server.add_photo(library, "e.jpg", PHOTO, tags=("Ext/One",))
    (tmp_path / "e.jpg").rename(tmp_path / "away")
    server.scan_library(library)
    shown = client.asset(photo)
    assert (shown["isOffline"], shown["isTrashed"]) == (True, True)
    assert client.ask("GET", f"/assets/{photo}/original").status_code == 404
    server.strict = False
    client.put(client.made("W/one"), [photo])
    server.settle()
    (tmp_path / "away").rename(tmp_path / "e.jpg")
    server.scan_library(library)
    server.settle()
    shown = client.asset(photo)
    assert (shown["isOffline"], shown["isTrashed"]) == (False, False)
    assert client.tags(photo) == ["Ext/One", "W/one"]
