"""Which home is used, and which may have been meant."""

from pathlib import Path

import pytest

from tigertag.settings import homes, load


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that is far from any other home; the checkout is beside it."""
    monkeypatch.setattr(homes, "_CHECKOUT", tmp_path / "checkout")
    folder = tmp_path / "a" / "b" / "c" / "d"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def kept(home: Path) -> Path:
    home.mkdir(parents=True)
    (home / "tigertag.db").write_bytes(b"")
    return home


def test_another_working_directory_has_a_new_home_and_it_is_said(apart: Path) -> None:
    loaded = load({})
    assert homes.is_new(loaded)
    assert f"{apart / 'data'}, which is new" in homes.note(loaded)


def test_a_home_with_a_database_is_named_and_not_new(apart: Path) -> None:
    home = kept(apart / "data")
    loaded = load({})
    assert not homes.is_new(loaded)
    assert homes.note(loaded) == f"TIGERTAG_HOME is {home}."


def test_with_a_database_elsewhere_an_empty_home_is_new_and_a_used_one_is_not(apart: Path) -> None:
    loaded = load({"DB_URL": "postgresql://box/tigertag"})
    assert homes.is_new(loaded)
    (apart / "data").mkdir()
    (apart / "data" / "features").mkdir()
    assert not homes.is_new(loaded)


@pytest.mark.parametrize("name", ["checkout/data", "a/b/c/data", "a/b/c/d/data", "set/data"])
def test_another_home_that_may_have_been_meant_is_named(apart: Path, name: str) -> None:
    other = kept(apart.parents[3] / name)
    loaded = load({"TIGERTAG_HOME": str(apart.parents[3] / "set" / "new")})
    assert homes.other(loaded) == other
    assert f"TIGERTAG_HOME={other}" in homes.note(loaded)


def test_the_home_itself_by_another_name_is_no_other(apart: Path) -> None:
    kept(apart / "data")
    (apart / "link").symlink_to(apart / "data")
    assert homes.other(load({"TIGERTAG_HOME": str(apart / "link")})) is None
