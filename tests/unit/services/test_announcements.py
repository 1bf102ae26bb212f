"""What other programs send to a hook: their documented shapes, and hostile ones."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigertag.errors import RequestError
from tigertag.services.announcements import Announcement, NoNews, read

PLEX_NEW = {
    "event": "library.new",
    "user": True,
    "owner": True,
    "Account": {"id": 1, "thumb": "https://plex.tv/users/x/avatar", "title": "elan"},
    "Server": {"title": "Office", "uuid": "54664a3d8acc39983675640ec9ce00b70af9cc36"},
    "Metadata": {
        "librarySectionType": "photo",
        "ratingKey": "1936545",
        "key": "/library/metadata/1936545",
        "type": "photo",
        "title": "DSC 0815",
        "librarySectionID": 7,
        "librarySectionTitle": "Photos",
        "addedAt": 1453678563,
    },
}
JELLYFIN_ADDED = {
    "ServerId": "b0c2",
    "ServerName": "attic",
    "ServerVersion": "10.10.7",
    "ServerUrl": "http://attic:8096",
    "NotificationType": "ItemAdded",
    "Timestamp": "2026-11-29T13:00:00.0+00:00",
    "Name": "DSC 0815",
    "ItemId": "68b1ad7d0b8a4a8c9f6f0e2d4e3f8a11",
    "ItemType": "Photo",
}
EMBY_NEW = {
    "Title": "DSC 0815 was added to Photos",
    "Date": "2026-11-29T13:00:00.0Z",
    "Event": "library.new",
    "Severity": "Info",
    "Item": {
        "Name": "DSC 0815",
        "ServerId": "f2a",
        "Id": "815",
        "Path": "/photos/2026/DSC0815.jpg",
        "Type": "Photo",
    },
    "Server": {"Name": "attic", "Id": "f2a", "Version": "4.8.11.0"},
}
SONARR_IMPORT = {
    "series": {"id": 1, "title": "Fawlty Towers", "path": "/tv/Fawlty Towers", "tvdbId": 75932},
    "episodes": [{"id": 5, "episodeNumber": 1, "seasonNumber": 1, "title": "A Touch of Class"}],
    "episodeFile": {
        "id": 9,
        "relativePath": "Season 1/S01E01.mkv",
        "path": "/tv/Fawlty Towers/Season 1/S01E01.mkv",
        "size": 1_000_000,
    },
    "isUpgrade": False,
    "eventType": "Download",
    "instanceName": "Sonarr",
}
RADARR_IMPORT = {
    "movie": {"id": 1, "title": "Brazil", "folderPath": "/films/Brazil (1985)", "tmdbId": 68},
    "remoteMovie": {"tmdbId": 68, "title": "Brazil", "year": 1985},
    "movieFile": {"id": 1, "relativePath": "Brazil.mkv", "path": "/films/Brazil (1985)/Brazil.mkv"},
    "isUpgrade": False,
    "eventType": "Download",
    "instanceName": "Radarr",
}
IMMICH_EXTRACTED = {
    "type": "AssetV1",
    "trigger": "AssetMetadataExtraction",
    "data": {
        "asset": {
            "id": "5a1f5a5e-3f0b-4a55-9d1c-0d6f0d1b2c3a",
            "ownerId": "e7b0e9a4-9f3a-4c57-8a7e-6a0a3d0f5b11",
            "livePhotoVideoId": None,
            "libraryId": None,
            "createdAt": "2026-11-29T13:00:00.000Z",
            "updatedAt": "2026-11-29T13:00:01.000Z",
            "deletedAt": None,
            "type": "IMAGE",
            "visibility": "timeline",
            "checksum": {"type": "Buffer", "data": [211, 99, 41]},
            "originalPath": "/data/upload/e7b0e9a4/5a/1f/DSC0815.jpg",
            "originalFileName": "DSC0815.jpg",
            "isOffline": False,
            "exifInfo": {"make": "Sony", "fileSizeInByte": 8150815, "tags": None},
        }
    },
}


def _read(payload: Any) -> Announcement | NoNews:
    return read(json.dumps(payload).encode())


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (PLEX_NEW, Announcement("Plex", section="7")),
        (JELLYFIN_ADDED, Announcement("Jellyfin")),
        (EMBY_NEW, Announcement("Emby", path="/photos/2026/DSC0815.jpg")),
        (SONARR_IMPORT, Announcement("Sonarr", path="/tv/Fawlty Towers/Season 1/S01E01.mkv")),
        (RADARR_IMPORT, Announcement("Radarr", path="/films/Brazil (1985)/Brazil.mkv")),
        (IMMICH_EXTRACTED, Announcement("Immich", not_in="library-")),
        (
            {"trigger": "AssetCreate", "data": {"asset": {"libraryId": "0b51f5d6"}}},
            Announcement("Immich", section="library-0b51f5d6"),
        ),
        ({"library": "photos"}, Announcement("A script", library="photos")),
        (
            {"library": "plex", "section": "Photos", "path": "/a"},
            Announcement("A script", "plex", "Photos", "/a"),
        ),
    ],
)
def test_the_news_of_each_program_are_understood(payload: Any, expected: Announcement) -> None:
    assert _read(payload) == expected


def test_a_script_that_names_a_trigger_is_not_taken_for_immich() -> None:
    with pytest.raises(RequestError, match="`trigger` is unknown"):
        _read({"library": "photos", "trigger": "nightly"})


def test_an_import_without_a_file_is_about_the_folder() -> None:
    """Sonarr's ImportComplete names many files, Rename none."""
    renamed = {"eventType": "Rename", "series": SONARR_IMPORT["series"]}
    assert _read(renamed) == Announcement("Sonarr", path="/tv/Fawlty Towers")
    complete = {"eventType": "ImportComplete", "movie": RADARR_IMPORT["movie"]}
    assert _read(complete) == Announcement("Radarr", path="/films/Brazil (1985)")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (PLEX_NEW | {"event": "media.play"}, NoNews("Plex", "media.play")),
        ({"NotificationType": "PlaybackStart"}, NoNews("Jellyfin", "PlaybackStart")),
        (
            {"Title": "Test Notification", "Event": "system.notificationtest", "Server": {}},
            NoNews("Emby", "system.notificationtest"),
        ),
        (SONARR_IMPORT | {"eventType": "Test"}, NoNews("Sonarr", "Test")),
        (RADARR_IMPORT | {"eventType": "Test"}, NoNews("Radarr", "Test")),
        (RADARR_IMPORT | {"eventType": "Grab"}, NoNews("Radarr", "Grab")),
        (IMMICH_EXTRACTED | {"trigger": "AssetTagged"}, NoNews("Immich", "AssetTagged")),
        ({"eventType": "Health", "level": "warning"}, NoNews("Sonarr", "Health")),
    ],
)
def test_tests_and_other_events_are_no_news(payload: Any, expected: NoNews) -> None:
    assert _read(payload) == expected


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b"NaN",
        b'{"library": NaN}',
        b'{"library": ' + b"1" * 5000 + b"}",
        b"[]",
        b'"library.new"',
        b"{}",
        b'{"text": "hello"}',
        b'{"event": null}',
        b'{"event": {"a": 1}}',
        b'{"event": "library.new", "Metadata": []}',
        b'{"event": "library.new", "Metadata": {"librarySectionID": true}}',
        b'{"event": "library.new", "Metadata": {"librarySectionID": [1]}}',
        b'{"Event": "library.new", "Item": {"Path": 5}}',
        b'{"Event": "library.new", "Item": "x"}',
        b'{"trigger": "AssetCreate", "data": []}',
        b'{"trigger": "AssetCreate", "data": {"asset": {"libraryId": 5}}}',
        b'{"eventType": "Download", "artist": {"path": "/music/x"}}',
        b'{"eventType": "Download", "series": {"path": "/tv\\u0000/x"}}',
        b'{"library": "photos", "sections": "x"}',
        b'{"library": "photos", "section": "\\ud800"}',
        b'{"library": ["photos"]}',
        b'{"library": "photos", "path": "' + b"x" * 5000 + b'"}',
        b'{"NotificationType": "' + b"x" * 5000 + b'"}',
    ],
)
def test_what_is_not_understood_is_refused_with_a_reason(payload: bytes) -> None:
    with pytest.raises(RequestError) as refused:
        read(payload)
    assert 10 < len(str(refused.value)) < 400


def test_a_misspelt_field_is_named() -> None:
    with pytest.raises(RequestError, match="did you mean 'library'"):
        read(b'{"libary": "photos", "path": "/a"}')


_NAMES = st.sampled_from(
    [
        *("event", "Event", "eventType", "NotificationType", "Metadata", "Item", "series"),
        *("movie", "library", "section", "path", "librarySectionID", "Path", "episodeFile"),
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("library.new"),
    lambda inner: st.lists(inner) | st.dictionaries(_NAMES | st.text(), inner),
)


@given(st.dictionaries(_NAMES, _JSON))
def test_any_json_is_read_or_refused(body: dict[str, Any]) -> None:
    with suppress(RequestError):
        _read(body)
