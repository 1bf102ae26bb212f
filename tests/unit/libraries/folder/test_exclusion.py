"""Patterns leave out what Git leaves out."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from tigertag.libraries.folder.exclusion import Ignore

PIECES = (
    *("a", "b", "ab", ".a", "a b", "#a", "!b", "*", "**", "***", "?", "[ab]", "[!a]", "[a-c]"),
    *("[^b]x", "[[:alpha:]]", "[]a]", "[a-]", "[\\]]", "\\a", "\\*", "\\#a", "\\!b", "a*", "*b"),
    *("**a", "a**", "[", "[a", "a\\", "[[:foo:]]", "[z-a]", "\\ ", " ", "[:a]", "[[a]"),
)
NAMES = ("a", "b", "ab", ".a", "a b", "#a", "!b", "x", "ax", "*", "c", "]", "[", "\\", "-")


def git_leaves_out(folder: Path, patterns: list[str], paths: list[str]) -> set[str]:
    (folder / "exclude").write_text("".join(f"{one}\n" for one in patterns), encoding="utf-8")
    command = [
        "git",
        "-c",
        f"core.excludesFile={folder / 'exclude'}",
        "-c",
        "core.ignoreCase=false",
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    found = subprocess.run(
        [*command, "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=folder / "tree",
        input="\0".join(paths).encode(),
        capture_output=True,
        env=environment,
    )
    assert found.returncode in (0, 1), found.stderr
    return {one.decode() for one in found.stdout.split(b"\0") if one}


def ours(patterns: list[str], paths: list[str]) -> set[str]:
    ignore = Ignore(patterns)
    return {path for path in paths if _out(ignore, path)}


def _out(ignore: Ignore, path: str) -> bool:
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts))]
    folders = any(ignore.verdict(one, is_folder=True) for one in above)
    return folders or bool(ignore.verdict(path, is_folder=False))


def random_pattern(dice: random.Random) -> str:
    parts = [
        "".join(dice.choices(PIECES, k=dice.choice((1, 1, 2)))) for _ in range(dice.randint(1, 3))
    ]
    text = dice.choice(("", "", "/")) + "/".join(parts) + dice.choice(("", "", "/", " "))
    # A line that begins with # is a comment in a file; a setting has no comments.
    return dice.choice(("", "", "!")) + text.lstrip("#")


@pytest.mark.parametrize("seed", range(12))
def test_patterns_match_as_those_of_git(tmp_path: Path, seed: int) -> None:
    (tmp_path / "tree").mkdir()
    subprocess.run(
        ["git", "init", "-q", tmp_path / "tree"],
        check=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    dice = random.Random(seed)
    paths = sorted({"/".join(dice.choices(NAMES, k=dice.randint(1, 4))) for _ in range(300)})
    for _ in range(12):
        patterns = [random_pattern(dice) for _ in range(dice.randint(1, 4))]
        assert ours(patterns, paths) == git_leaves_out(tmp_path, patterns, paths), patterns


@pytest.mark.parametrize(
    ("pattern", "path", "out"),
    [
        ("#recycle/", "a/#recycle", True),
        ("Trash", "a/Trash", True),
        ("/Trash", "a/Trash", False),
        ("a/*/c", "a/b/c", True),
        ("a/*/c", "a/b/b/c", False),
        ("a/**/c", "a/c", True),
        ("**/c", "c", True),
        ("a/**", "a", False),
        ("*.photoslibrary/", "My.photoslibrary", True),
        # Git goes by bytes here; people count characters.
        ("?", "ä", True),
        ("[äö]", "ö", True),
    ],
)
def test_a_pattern_leaves_a_folder_out_or_not(pattern: str, path: str, out: bool) -> None:
    assert bool(Ignore([pattern]).verdict(path, is_folder=True)) is out


def test_the_last_pattern_that_matches_decides() -> None:
    assert not Ignore(["*.x/", "!b.x/"]).verdict("a/b.x", is_folder=True)
    assert Ignore(["!b.x/", "*.x/"]).verdict("a/b.x", is_folder=True)
