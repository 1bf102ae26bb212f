"""What the fake Immich does later is what the real one does: tags get lost as they do there."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.immich import ImmichServer
from tests.unit.libraries.immich.asking import Client, complaints
from tests.unit.libraries.immich.recorded import FOLDER
from tests.unit.libraries.server_place import PHOTO

NAMES = json.loads((FOLDER / "names.json").read_bytes())
SHORTENED = {"x times 255": "x" * 255, "v times 2000": "v" * 2000}
SIDECAR = """<x:xmpmeta xmlns:x='adobe:ns:meta/'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
<rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/'
  xmlns:lr='http://ns.adobe.com/lightroom/1.0/'>
<dc:title>Mine</dc:title>%s</rdf:Description></rdf:RDF></x:xmpmeta>"""
HIERARCHY = "<lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Rome</rdf:li></rdf:Bag>" + (
    "</lr:hierarchicalSubject>"
)


@pytest.fixture
def photo(server: ImmichServer) -> str:
    return server.add_photo(None, "p.jpg", PHOTO)


def eight(server: ImmichServer) -> list[str]:
    return [server.add_photo(None, f"p{number}.jpg", PHOTO) for number in range(8)]


def ten(client: Client) -> list[str]:
    return client.made(*(f"R/{number}" for number in range(10)))


def test_tags_that_are_put_one_by_one_get_lost(server: ImmichServer, client: Client) -> None:
    photos, tags = eight(server), ten(client)
    answers = [client.put_one(tag, photo).json()[0] for photo in photos for tag in tags]
    assert all(answer["success"] for answer in answers)
    server.settle()
    lost = 80 - sum(len(server.tags(photo)) for photo in photos)
    assert 3 <= lost <= 60


def test_tags_that_are_put_in_one_request_stay(server: ImmichServer, client: Client) -> None:
    photos, tags = eight(server), ten(client)
    assert client.put(tags, photos) == 80
    server.settle()
    assert [len(server.tags(photo)) for photo in photos] == [10] * 8


def test_tags_that_are_taken_off_one_by_one_come_back(server: ImmichServer, client: Client) -> None:
    photos, tags = eight(server), ten(client)
    client.put(tags, photos)
    server.settle()
    for photo in photos:
        for tag in tags:
            assert client.take_one(tag, photo).json()[0]["success"]
    server.settle()
    assert sum(len(server.tags(photo)) for photo in photos) >= 1


def test_edits_that_wait_for_each_other_lose_nothing(server: ImmichServer, client: Client) -> None:
    photos, tags = eight(server), ten(client)[:4]
    for tag in tags:
        client.put([tag], photos)
        server.settle()
    for tag in tags[:2]:
        client.take_one(tag, *photos)
        server.settle()
    assert [server.tags(photo) for photo in photos] == [["R/2", "R/3"]] * 8


def test_updated_at_moves_late(server: ImmichServer, client: Client, photo: str) -> None:
    server.jobs.paused = True
    before = client.asset(photo)["updatedAt"]
    client.put(client.made("cat"), [photo])
    shown = client.asset(photo)
    assert (client.tags(photo), shown["updatedAt"]) == (["cat"], before)
    server.jobs.resume()
    server.settle()
    assert client.asset(photo)["updatedAt"] > before


def test_tags_are_replaced_after_updated_at_has_moved(
    server: ImmichServer, client: Client, photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads right when it moves still sees what is about to be dropped."""
    monkeypatch.setattr("tests.immich.jobs._REPLACE", 10.0)
    server.disk.read_only.add("/data")
    before = client.asset(photo)["updatedAt"]
    client.put(client.made("cat"), [photo])
    while client.asset(photo)["updatedAt"] == before:
        pass
    at_once = client.tags(photo)
    server.settle()
    assert (at_once, client.tags(photo)) == (["cat"], [])


@pytest.mark.parametrize("bulk", [True, False])
def test_tags_in_a_folder_that_cannot_be_written_are_gone_in_the_end(
    server: ImmichServer, client: Client, bulk: bool
) -> None:
    photo = server.add_photo(server.add_library("/data/ext", writable=False), "e.jpg", PHOTO)
    (tag,) = client.made("RO/one")
    before = client.asset(photo)["updatedAt"]
    answer = client.put([tag], [photo]) if bulk else client.put_one(tag, photo).json()
    assert answer == (1 if bulk else [{"id": photo, "success": True}])
    assert client.tags(photo) == ["RO/one"]
    server.settle()
    assert client.tags(photo) == []
    assert client.asset(photo)["updatedAt"] > before


def test_only_the_folder_that_cannot_be_written_loses_tags(
    server: ImmichServer, client: Client
) -> None:
    library = server.add_library("/data/ext")
    server.disk.read_only.add("/data/ext/old")
    photos = [server.add_photo(library, name, PHOTO) for name in ("old/a.jpg", "new/b.jpg")]
    client.put(client.made("cat"), photos)
    server.settle()
    assert [client.tags(photo) for photo in photos] == [[], ["cat"]]


def test_twenty_upserts_at_once_hang_the_server_until_it_is_restarted(server: ImmichServer) -> None:
    def upsert(_number: int) -> object:
        return Client(server).ask("PUT", "/tags", {"tags": ["Par/New"]}, timeout=1.0)

    server.strict = False
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(upsert, number) for number in range(20)]
    assert all(isinstance(one.exception(), requests.Timeout) for one in answers[-5:])
    assert Client(server).ask("GET", "/server/ping").json() == {"res": "pong"}
    with pytest.raises(requests.Timeout):
        Client(server).ask("GET", "/api-keys/me", timeout=0.1)
    server.restart()
    assert Client(server).ask("GET", "/api-keys/me").status_code == 200


def test_four_upserts_at_a_time_are_well(server: ImmichServer) -> None:
    def upsert(_number: int) -> int:
        return Client(server).ask("PUT", "/tags", {"tags": ["Par/New"]}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(upsert, range(20))) == {200}
    assert "while another was under way" in complaints(server)[0]


def test_the_same_tag_on_the_same_asset_in_parallel_fails_and_is_there(
    server: ImmichServer, client: Client, photo: str
) -> None:
    server.extraction_s = 2.0
    (tag,) = client.made("cat")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _one: Client(server).put_one(tag, photo), range(10)))
    failed = [one.json() for one in answers if one.status_code == 500]
    assert failed
    assert failed[0] == {"message": "Failed to tag assets"}
    assert client.tags(photo) == ["cat"]


@pytest.mark.parametrize("name", NAMES, ids=lambda one: str(one["wanted"]))
def test_a_name_comes_back_from_the_sidecar_as_it_did_on_the_real_server(
    server: ImmichServer, client: Client, photo: str, name: dict[str, str | list[str]]
) -> None:
    wanted = SHORTENED.get(str(name["wanted"]), str(name["wanted"]))
    client.put(client.made(wanted), [photo])
    server.settle()
    (got,) = server.tags(photo)
    assert got in {SHORTENED.get(kept, kept) for kept in name["kept"]}


def test_a_sidecar_lies_beside_the_original_and_keeps_what_else_it_holds(
    server: ImmichServer, client: Client, tmp_path: Path
) -> None:
    original, sidecar = tmp_path / "e.jpg", tmp_path / "e.jpg.xmp"
    original.write_bytes(PHOTO)
    sidecar.write_text(SIDECAR % HIERARCHY)
    library = server.add_library(tmp_path)
    (photo,) = server.assets
    assert server.assets[photo].library == library
    assert client.tags(photo) == ["Places/Rome"]
    client.put(client.made("cat"), [photo])
    server.settle()
    written = sidecar.read_text()
    assert ">Mine<" in written
    assert ">Places|Rome<" in written
    assert "<digiKam:TagsList><rdf:Seq><rdf:li>Places/Rome</rdf:li><rdf:li>cat</rdf:li>" in written
    assert original.read_bytes() == PHOTO


def test_the_first_list_of_a_sidecar_wins(server: ImmichServer, tmp_path: Path) -> None:
    lists = HIERARCHY + "<dc:subject><rdf:Bag><rdf:li>Rome</rdf:li></rdf:Bag></dc:subject>"
    (tmp_path / "e.jpg").write_bytes(PHOTO)
    (tmp_path / "e.xmp").write_text(SIDECAR % lists)
    server.add_library(tmp_path)
    (photo,) = server.assets
    assert server.tags(photo) == ["Places/Rome"]


def test_tags_that_a_file_gets_behind_a_sidecar_are_not_seen(
    server: ImmichServer, client: Client, photo: str
) -> None:
    client.put(client.made("cat"), [photo])
    server.settle()
    server.assets[photo].embedded = {"TagsList": ["new"]}
    server.extract_all()
    server.settle()
    assert client.tags(photo) == ["cat"]


def test_a_photo_that_is_tagged_before_its_extraction_loses_its_own_tags(
    server: ImmichServer, client: Client
) -> None:
    server.strict, server.jobs.paused = False, True
    photo = server.add_photo(None, "new.jpg", PHOTO, processed=False, tags=("Places/Rome",))
    assert client.asset(photo)["width"] is None
    client.put(client.made("cat"), [photo])
    server.jobs.resume()
    server.settle()
    server.extract_all()
    server.settle()
    assert client.tags(photo) == ["cat"]


def test_a_sidecar_that_is_deleted_takes_the_tags_along_at_the_next_extraction(
    server: ImmichServer, client: Client, tmp_path: Path
) -> None:
    library = server.add_library(tmp_path)
    photo = server.add_photo(library, "e.jpg", PHOTO)
    client.put(client.made("cat"), [photo])
    server.settle()
    (tmp_path / "e.jpg.xmp").unlink()
    server.scan_library(library)
    server.settle()
    assert client.tags(photo) == ["cat"]
    server.extract_all()
    server.settle()
    assert client.tags(photo) == []
