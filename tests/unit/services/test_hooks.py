"""Hooks: what is announced becomes one scan, and nothing else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.immich import ImmichServer
from tests.plex import PlexServer
from tests.unit.libraries.folder.folders import PHOTO
from tests.world import World
from tigertag.core import Core, LibraryEntry
from tigertag.errors import LibraryUnavailable, NotFound, RequestError, Throttled
from tigertag.libraries import folder
from tigertag.libraries import immich as immich_library
from tigertag.libraries import plex as plex_library
from tigertag.libraries.folder import FolderLibrary
from tigertag.services import events, hooks, scan_requests, scans
from tigertag.services.accounts import Accounts
from tigertag.services.hooks import Announced, HookRow
from tigertag.services.scan_requests import Wanted
from tigertag.services.scans import Request

ADDED = {"NotificationType": "ItemAdded"}
"""News of Jellyfin, which do not say where."""


def _hook(core: Core, **options: str) -> HookRow:
    return hooks.add(core, "arr", **options).hook


def _call(core: Core, hook: HookRow, payload: Any) -> Announced:
    return hooks.announce(core, hook, json.dumps(payload).encode())


def _wanted(core: Core) -> list[Wanted]:
    return [row.wanted for row in scan_requests.waiting(core)]


def _two_sections(world: World) -> None:
    for name in ("films", "tv"):
        (world.photos / name).mkdir()
    options = folder.Options(path=world.photos, sections=("films", "tv"))
    world.library = folder.build("photos", options, world.host)


def _import(world: World, name: str) -> dict[str, Any]:
    return {"eventType": "Download", "series": {"path": f"{world.photos}/{name}"}}


def test_news_of_a_library_ask_for_a_scan_of_what_is_new(world: World) -> None:
    core = world.core
    _call(core, _hook(core), {"library": "photos"})
    assert _wanted(core) == [Wanted("photos", "", "new", "preview")]
    (row,) = hooks.listed(core)
    assert (row.news, row.others) == (1, 0)
    assert row.last_at is not None


def test_a_hook_that_applies_asks_for_scans_that_apply(world: World) -> None:
    core = world.core
    _call(core, _hook(core, write="apply"), {"library": "photos", "section": "."})
    assert _wanted(core) == [Wanted("photos", ".", "new", "apply")]


@pytest.mark.slow
def test_a_storm_of_10_000_events_makes_one_scan(world: World) -> None:
    world.picture("rose.png", "red")
    core = replace(world.core, hook_quiet_s=600.0)
    hook = _hook(core)
    for _ in range(10_000):
        hooks.announce(core, hook, b'{"library": "photos", "section": "."}')
    (row,) = scan_requests.waiting(core)
    assert (row.wanted.section, row.reason) == (".", "hook arr")
    made, announced = events.recent(core, source="hook")[::-1]
    assert "made" in made.message
    assert "announced news in photos/." in announced.message


def test_an_event_puts_the_scan_off_until_it_is_quiet(world: World) -> None:
    core = replace(world.core, hook_quiet_s=0.2)
    hook = _hook(core)
    _call(core, hook, {"library": "photos"})
    (first,) = scan_requests.waiting(core)
    while _call(core, hook, {"library": "photos"}):
        (later,) = scan_requests.waiting(core)
        if later.not_before > first.not_before:
            break
    assert later.not_before <= later.latest == first.latest


def test_a_path_finds_its_library_and_section(world: World) -> None:
    _two_sections(world)
    core = world.core
    _call(core, _hook(core), _import(world, "tv/Fawlty Towers"))
    assert _wanted(core) == [Wanted("photos", "tv", "new", "preview")]


def test_a_path_outside_all_libraries_is_refused(world: World) -> None:
    core = world.core
    hook = _hook(core)
    for path in ("/elsewhere/x", f"{world.photos}-2/x", f"{world.photos}/../x", "photos"):
        with pytest.raises(RequestError, match="names its library"):
            _call(core, hook, {"eventType": "Download", "series": {"path": path}})
    assert _wanted(core) == []


def test_a_hook_that_names_its_library_and_section_settles_them(world: World) -> None:
    core = world.core
    _call(core, _hook(core, library="PHOTOS", section="."), _import(world, "../elsewhere"))
    assert _wanted(core) == [Wanted("photos", ".")]


def test_news_that_name_no_section_begin_none_that_was_never_scanned(world: World) -> None:
    _two_sections(world)
    core = world.core
    hook = _hook(core, library="photos")
    assert "none of them was scanned" in _call(core, hook, ADDED).message
    scans.start(core, Request("photos", "films", "forecast"))
    assert _call(core, hook, ADDED).sections == ()
    scans.start(core, Request("photos", "tv"))
    assert _call(core, hook, ADDED).sections == ("photos/tv",)
    assert _wanted(core) == [Wanted("photos", "tv")]


def test_news_that_could_be_of_several_or_no_libraries_are_refused(world: World) -> None:
    core = world.core
    for payload in (ADDED, {"path": ""}, {"library": "films"}):
        with pytest.raises(RequestError):
            _call(core, _hook(core), payload)
    with pytest.raises(RequestError, match="for library photos"):
        _call(core, _hook(core, library="photos"), {"library": "films"})
    assert _wanted(core) == []


def test_a_section_that_is_not_scanned_is_refused_to_a_script_and_no_news_of_plex(
    world: World,
) -> None:
    core = world.core
    hook = _hook(core, library="photos")
    with pytest.raises(RequestError, match="no section"):
        _call(core, hook, {"library": "photos", "section": "music"})
    music = {"event": "library.new", "Metadata": {"librarySectionID": 5}}
    assert _call(core, hook, music).sections == ()
    assert _wanted(core) == []


def test_a_test_changes_nothing_and_says_so(world: World) -> None:
    core = world.core
    said = _call(core, _hook(core), {"eventType": "Test", "series": {"path": "/x"}})
    assert "nothing was changed" in said.message
    (row,) = hooks.listed(core)
    assert (row.news, row.others, _wanted(core)) == (0, 1, [])


def test_news_of_a_library_that_is_down_wait_for_it(world: World) -> None:
    class Down(FolderLibrary):
        def open(self) -> None:
            raise LibraryUnavailable("It is down.")

    down = Down("photos", folder.Options(path=world.photos))
    entry = LibraryEntry("photos", "tigertag.folder", down, "")
    core = replace(world.core, libraries=(entry,))
    _call(core, _hook(core), {"library": "photos", "section": "Holidays"})
    assert _wanted(core) == [Wanted("photos", "Holidays")]


def test_a_token_is_kept_hashed_and_good_until_the_hook_is_revoked(world: World) -> None:
    core = world.core
    new = hooks.add(core, "plex")
    assert hooks.identify(core, new.token, "10.0.0.1").id == new.hook.id
    assert new.token.encode() not in b"".join(
        path.read_bytes() for path in world.home.glob("tigertag.db*")
    )
    assert new.token not in repr(hooks.listed(core)) + repr(events.recent(core))
    hooks.remove(core, new.hook.id)
    with pytest.raises(NotFound):
        hooks.identify(core, new.token, "10.0.0.1")
    with pytest.raises(NotFound):
        hooks.remove(core, new.hook.id)


def test_guessing_is_throttled_and_locks_out_neither_right_tokens_nor_sign_ins(
    world: World,
) -> None:
    core = world.core
    new = hooks.add(core, "plex")
    for _ in range(5):
        with pytest.raises(NotFound):
            hooks.identify(core, "guess", "10.0.0.1")
    with pytest.raises(Throttled):
        hooks.identify(core, "guess", "10.0.0.1")
    assert hooks.identify(core, new.token, "10.0.0.1").id == new.hook.id
    assert Accounts(core, password="correct horse").check_password("correct horse", "10.0.0.1")
    with pytest.raises(Throttled):
        hooks.identify(core, "guess", "10.0.0.1")


@pytest.mark.parametrize(
    "options",
    [
        {"name": " "},
        {"name": "x", "library": "films"},
        {"name": "x", "section": "."},
        {"name": "x", "library": "photos", "section": "music"},
        {"name": "x", "write": "everything"},
    ],
)
def test_a_hook_for_what_there_is_not_is_not_made(world: World, options: dict[str, str]) -> None:
    with pytest.raises(RequestError):
        hooks.add(world.core, **options)
    assert hooks.listed(world.core) == ()


@pytest.fixture
def plex(world: World) -> Iterator[PlexServer]:
    """A Plex server whose sections of photos and music TigerTag knows, beside the folder."""
    with PlexServer() as server:
        server.add_section("Photos")
        server.add_section("Music", kind="artist")
        yield server


def _with_plex(world: World, plex: PlexServer, *ids: str) -> Core:
    options = plex_library.Options.model_validate({"url": plex.url, "token": plex.token})
    entries = (
        LibraryEntry(id, "tigertag.plex", plex_library.build(id, options, world.host), "")
        for id in ids
    )
    return replace(world.core, libraries=(*world.core.libraries, *entries))


def _added(section: int) -> dict[str, Any]:
    return {"event": "library.new", "Metadata": {"librarySectionID": section}}


def test_news_of_plex_are_of_the_only_library_of_plex(world: World, plex: PlexServer) -> None:
    core = _with_plex(world, plex, "home")
    hook = _hook(core)
    for _ in range(20):
        _call(core, hook, _added(1))
    assert _call(core, hook, _added(2)).sections == ()
    assert _wanted(core) == [Wanted("home", "1")]
    assert plex.counts["sections"] == 1


def test_news_of_plex_are_refused_where_it_may_be_of_two_libraries(
    world: World, plex: PlexServer
) -> None:
    core = _with_plex(world, plex, "home", "cabin")
    with pytest.raises(RequestError, match="2 libraries of Plex"):
        _call(core, _hook(core), _added(1))
    _call(core, _hook(core, library="cabin"), _added(1))
    assert _wanted(core) == [Wanted("cabin", "1")]


@pytest.fixture
def immich() -> Iterator[ImmichServer]:
    with ImmichServer() as server:
        yield server


def _with_immich(world: World, immich: ImmichServer) -> Core:
    options = immich_library.Options.model_validate({"url": immich.url, "api_key": immich.key})
    library = immich_library.build("home", options, world.host)
    entry = LibraryEntry("home", "tigertag.immich", library, "")
    return replace(world.core, libraries=(*world.core.libraries, entry))


def _extracted(library: str | None) -> dict[str, Any]:
    asset = {"id": "1", "libraryId": library}
    return {"type": "AssetV1", "trigger": "AssetMetadataExtraction", "data": {"asset": asset}}


def test_an_asset_of_an_external_library_of_immich_is_news_of_its_section(
    world: World, immich: ImmichServer
) -> None:
    ours, empty = immich.add_library("/data/ours"), immich.add_library("/data/empty")
    immich.add_photo(ours, "a.jpg", PHOTO)
    core = _with_immich(world, immich)
    hook = _hook(core)
    assert _call(core, hook, _extracted(empty)).sections == ()
    _call(core, hook, _extracted(ours))
    section = core.section(core.library("home"), "External library ours")
    assert _wanted(core) == [Wanted("home", section.id, "new", "preview")]


def test_an_upload_to_immich_is_news_of_the_sections_scanned_before_but_for_external_libraries(
    world: World, immich: ImmichServer
) -> None:
    immich.add_photo(immich.add_library("/data/ours"), "a.jpg", PHOTO)
    core = _with_immich(world, immich)
    hook = _hook(core)
    scans.start(core, Request("home", "External library ours"))
    assert "none of them was scanned" in _call(core, hook, _extracted(None)).message
    scans.start(core, Request("home", "Timeline"))
    (section,) = _call(core, hook, _extracted(None)).sections
    assert section == "home/timeline"


def test_an_import_is_news_of_each_library_that_has_its_folder(
    world: World, plex: PlexServer
) -> None:
    core = _with_plex(world, plex, "home")
    _call(core, _hook(core), {"eventType": "Download", "series": {"path": "/data/Photos/x"}})
    assert _wanted(core) == [Wanted("home", "1")]
