"""What is said of a key, the Tags feature and the server's version."""

import pytest

from tigertag.libraries.immich.advice import advice, shows_tags

READING = frozenset({"asset.read", "asset.view", "tag.read", "user.read"})
LEAST = READING | {"tag.create", "tag.asset"}


def _advice(
    permissions: frozenset[str],
    version: tuple[int, int, int] = (3, 1, 0),
    *,
    tags_shown: bool | None = True,
    albums: bool = False,
) -> list[str]:
    setting = "LIBRARY_HOME_API_KEY"
    return [
        *advice(permissions, version, tags_shown=tags_shown, albums=albums, setting=setting),
    ]


@pytest.mark.parametrize("permissions", [LEAST, LEAST | {"userPreference.read", "album.read"}])
def test_nothing_is_said_of_the_least_key(permissions: frozenset[str]) -> None:
    assert _advice(permissions) == []


def test_a_key_that_cannot_write_is_told_what_it_lacks_and_how_to_make_the_least() -> None:
    lacks, how = _advice(READING | {"tag.create"})
    assert "lacks tag.asset:" in lacks
    assert "previews work" in lacks
    assert "API Keys" in how
    assert "LIBRARY_HOME_API_KEY" in how
    assert all(permission in how for permission in LEAST)
    assert "album.read" not in how


def test_a_key_that_cannot_read_is_told_each_permission_that_it_lacks() -> None:
    reading, _how = _advice(LEAST - {"asset.view", "user.read"})
    assert "lacks asset.view and user.read:" in reading


def test_previews_are_not_promised_with_a_key_that_can_neither_read_nor_write() -> None:
    _reading, writing, _how = _advice(frozenset({"tag.read"}))
    assert "no tag can be written either" in writing


def test_albums_need_a_permission_of_their_own_only_where_they_are_named() -> None:
    lacks, how = _advice(LEAST, albums=True)
    assert "album.read" in lacks
    assert "album.read" in how
    assert _advice(LEAST | {"album.read"}, albums=True) == []


def test_a_key_for_everything_lacks_nothing_and_is_warned_of() -> None:
    warning, _how = _advice(frozenset({"all"}), albums=True)
    assert "delete" in warning


def test_of_many_unneeded_permissions_the_dangerous_are_named_first() -> None:
    many = {f"thing{number}.read" for number in range(9)}
    (warning, _how) = _advice(LEAST | many | {"asset.delete"})
    assert "uses: asset.delete, thing0.read" in warning
    assert "and 2 more" in warning


def test_tags_that_are_switched_off_are_stored_and_not_shown() -> None:
    (line,) = _advice(LEAST, tags_shown=False)
    assert "not shown" in line
    assert "Features → Tags" in line


def test_it_is_no_demand_that_the_tags_feature_can_be_seen() -> None:
    (line,) = _advice(LEAST, tags_shown=None)
    assert "Add userPreference.read to the key" in line
    assert "Features → Tags" in line


@pytest.mark.parametrize(
    ("preferences", "shown"),
    [
        ({"tags": {"enabled": True, "sidebarWeb": False}}, True),
        ({"tags": {"enabled": False}}, False),
        ({"tags": None}, None),
        ({}, None),
    ],
)
def test_the_preferences_say_whether_tags_are_shown(
    preferences: dict[str, object], shown: bool | None
) -> None:
    assert shows_tags(preferences) is shown


def test_a_server_before_2_5_is_warned_of() -> None:
    (line,) = _advice(LEAST, (2, 4, 1))
    assert "2.4.1" in line
    assert _advice(LEAST, (2, 5, 0)) == []
