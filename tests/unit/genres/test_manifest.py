import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.genres.kept_models import manifest
from tigertag.contracts import Sampling
from tigertag.errors import ModelError
from tigertag.genres.manifest import GenreInfo, Manifest, SourceInfo, read


def written(**changed: Any) -> bytes:
    """Return a manifest with some of it written over by hand."""
    return json.dumps({**json.loads(manifest().to_json()), **changed}).encode()


@pytest.mark.parametrize("data", [b"", b"{", b"\x80\x04K\x01.", b"name: mine", b"\xff\xfe"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"^its manifest\.json is no JSON$"):
        read(data)


@pytest.mark.parametrize("version", [0, 1, 3, "2", None])
def test_a_format_that_is_not_known_is_named_before_all_else(version: object) -> None:
    with pytest.raises(ModelError, match="has a format that this version does not know; format 2"):
        read(written(format=version, whatever=1))


def test_a_manifest_without_a_format_is_not_taken() -> None:
    told = json.loads(manifest().to_json())
    del told["format"]
    with pytest.raises(ModelError, match="has a format that this version does not know"):
        read(json.dumps(told).encode())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"run": "rm -rf"}, "run: extra inputs are not permitted"),
        ({"pooling": "max"}, "pooling: input should be 'mean' or 'full'"),
        ({"files": {"head.npz": "abc"}}, "files.head.npz: string should match"),
        ({"dimensions": 10**9}, "dimensions: input should be less than"),
        ({"made_at": "2026-05-01T00:00:00"}, "made_at: a time needs its zone"),
        ({"genres": []}, "genres: tuple should have at least 1 item"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=f"^its manifest.json does not fit: {re.escape(said)}"):
        read(written(**changed))


def test_a_genre_that_is_there_twice_is_refused() -> None:
    twice = [{"name": name, "canonical": name, "films": 9, "threshold": None} for name in "aA"]
    with pytest.raises(ModelError, match="genres: a genre is there twice"):
        read(written(genres=twice))


def test_a_threshold_is_a_probability() -> None:
    with pytest.raises(ValidationError):
        GenreInfo(name="Drama", canonical="Drama", films=50, threshold=1.5)


def test_what_was_written_is_read_again() -> None:
    assert read(manifest().to_json()) == manifest()


def test_times_are_kept_in_utc() -> None:
    east = datetime(2026, 5, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    assert manifest(made_at=east).made_at == datetime(2026, 5, 1, tzinfo=UTC)


def test_a_sampling_comes_back_as_it_was() -> None:
    sampling = Sampling("interval", interval_s=0.5, max_frames=120, exact=True)
    assert read(manifest(sampling=sampling).to_json()).sampling == sampling


def test_it_tells_the_width_the_names_and_the_thresholds() -> None:
    one: Manifest = manifest(pooling="full")
    assert one.width == 3 * 3 + 4
    assert one.names == ("Action", "Drama", "Western")
    assert one.thresholds == {"Action": 0.5, "Drama": 0.6}


@pytest.mark.parametrize("name", ["", " ", "\x1b\x07"])
def test_a_genre_without_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="a name is missing"):
        GenreInfo(name=name, canonical="War", films=60, threshold=0.5)


def test_a_genres_name_is_what_a_tag_may_bear() -> None:
    genre = GenreInfo(name="\x1b]0;War\x07", canonical="War" * 1000, films=60, threshold=0.5)
    assert genre.name == "]0;War"
    assert len(genre.canonical) == 200


@pytest.mark.parametrize(
    ("source", "called"),
    [
        (SourceInfo(csv="/a/long/way/to/films.csv"), "films.csv"),
        (SourceInfo(library="plex", section="1", title="Movies"), "plex/Movies"),
        (SourceInfo(library="plex", section="1", title=""), "plex/1"),
    ],
)
def test_where_it_has_learned_is_called_as_people_know_it(source: SourceInfo, called: str) -> None:
    assert source.display_name == called
