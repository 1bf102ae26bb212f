"""Writing tags to Immich, which loses what is written carelessly."""

from tests.immich import ImmichServer
from tests.unit.libraries.immich.writers import WriterPlace

TAGS = [f"R{number}" for number in range(10)]


def naive(place: WriterPlace, keys: list[str]) -> None:
    """Put tags on one by one, as soon as the server has answered."""
    for entry in place.client.json("PUT", "/tags", {"tags": [f"naive/{tag}" for tag in TAGS]}):
        for key in keys:
            place.client.json("PUT", f"/tags/{entry['id']}/assets", {"ids": [key]})


def test_no_tag_is_lost_where_a_naive_writer_loses_some(
    server: ImmichServer, place: WriterPlace
) -> None:
    keys = [place.photo(f"{number}.jpg") for number in range(8)]
    edits = [place.edit(key, *TAGS) for key in keys]
    naive(place, keys)
    server.settle()
    lost = sum(len(TAGS) - len(server.tags(key)) for key in keys)
    assert lost > 0
    server.extraction_s = 0.02
    place.send(*edits)
    missing = [set(TAGS) - place.words(edit) for edit in edits]
    assert not any(missing)
