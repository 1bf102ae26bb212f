"""`tigertag genre learn|evaluate|predict|list`, as a stranger meets it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.genres import cases, colour_models
from tests.unit.genres.colour_features import picture
from tests.unit.genres.studio import posters, rewrite, write
from tests.unit.inference import tiny
from tigertag.cli.main import INTERRUPTED
from tigertag.genres import report as reporting
from tigertag.genres.manifest import EXAMPLES, HEAD, MANIFEST, SourceInfo

pytestmark = pytest.mark.slow

LEARNS = ("sklearn", "matplotlib")
HEAVY = (*LEARNS, "onnx", "openvino", "av", "cv2", "yt_dlp", "scipy")

Learn = Callable[..., str]


@pytest.fixture
def home(run: Run, tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return posters(tmp_path)


@pytest.fixture
def own(tmp_path: Path) -> tuple[str, ...]:
    """How a network that sees colours is asked for, and few films are enough."""
    return ("--backbone", str(tiny.network(tmp_path / "tiny.onnx")), "--min-examples", "5")


def refusal(run: Run, *words: str) -> str:
    """What is said, on one line, where a command cannot be done."""
    result = run("genre", *words)
    assert result.exit_code == 1, result.output
    *_notes, error = result.output.splitlines()
    assert error.startswith("Error: ")
    return error


def without(
    packages: tuple[str, ...], *commands: tuple[str, ...]
) -> subprocess.CompletedProcess[str]:
    """Run commands in a process that does not have these packages."""
    code = (
        "import sys, json, contextlib\n"
        "packages, commands = json.loads(sys.argv[1])\n"
        "sys.modules.update(dict.fromkeys(packages))\n"
        "from tigertag.cli import main\n"
        "for words in commands:\n"
        "    main(words, standalone_mode=False) if len(commands) > 1 else main(words)\n"
    )
    told = json.dumps([packages, commands])
    return subprocess.run([sys.executable, "-c", code, told], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Give a CSV, or --library and --section."),
        (("CSV", "--library", "photos"), "A CSV and --library are both given; name one of them."),
        (("CSV", "--section", "Films"), "--section goes with --library."),
        (("--library", "plex"), "There is no library 'plex'. It has: photos."),
        (("--library", "photos"), "has no genres; learn from a CSV instead"),
        (("CSV", "--update"), "so a CSV does not go with it"),
        (("--update", "--min-examples", "9"), "so --min-examples does not go with it"),
        (("--update", "--no-exact"), "so --exact does not go with it"),
        (("--update",), "There is no genre model 'default'; learn one"),
        (("CSV", "--name", "My Films"), "'My Films' is no name for a genre model"),
        (("CSV", "--mean", "1,2"), "--mean takes three numbers, such as"),
        (("CSV", "--mean", "nan,1,1"), "--mean takes three numbers, not nan,1,1."),
        (("CSV", "--std", "1,0,1"), "--std takes three numbers above 0, not 1,0,1."),
        (("CSV", "--frame-interval", "2"), "--frame-interval goes with --frames interval."),
        (("CSV", "--exact", "--frames", "keyframes"), "does not go with --frames keyframes."),
        (("CSV", "--genres", "gone.yaml"), "gone.yaml cannot be read"),
        (("CSV", "--backbone", "resnet51"), "did you mean 'resnet50'? An ONNX file is taken, too"),
        (("CSV", "--backbone", "net.pkl"), "net.pkl is not opened: a .pkl file is a pickle"),
        (("gone.csv",), "There is no file gone.csv."),
    ],
)
def test_what_cannot_be_asked_for_is_one_clear_line(
    run: Run, home: Path, csv: Path, words: tuple[str, ...], said: str
) -> None:
    named = [str(csv) if word == "CSV" else word for word in words]
    assert said in refusal(run, "learn", *named)
    assert not (home / "features").exists()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["file,kind", "a.png,War"], "needs a column path or url, and a column genres"),
        (["path,genres", "a.png,War"], "has no row that can be learned from"),
        (["path,genres", "posters/1.png,Quux"], "No row has a known genre"),
        (["path,genres,title", *(f"posters/{n}.png,War,A" for n in range(9))], "of one film"),
        (["url,genres", "file:///etc/passwd,War"], "Only https:// links are opened"),
        (["url,genres", "https://youtube.com/playlist?list=PL1,War"], "a playlist"),
        (["url,genres", "-x,War"], "does not begin with a dash"),
    ],
)
def test_a_csv_that_cannot_be_learned_from_is_one_clear_line(
    run: Run, csv: Path, own: tuple[str, ...], rows: list[str], said: str
) -> None:
    write(csv, rows)
    assert said in refusal(run, "learn", str(csv), *own)


@pytest.mark.parametrize("option", [("--precision", "nan"), ("--max-frames", "101")])
def test_numbers_out_of_range_are_misspelt(run: Run, csv: Path, option: tuple[str, str]) -> None:
    result = run("genre", "learn", str(csv), *option)
    assert (result.exit_code, f"Invalid value for '{option[0]}'" in result.output) == (2, True)


def test_an_empty_folder_is_not_the_current_one(run: Run, csv: Path) -> None:
    result = run("genre", "evaluate", str(csv), "--out", "")
    assert (result.exit_code, "Invalid value for '--out'" in result.output) == (2, True)


def test_what_a_terminal_would_obey_is_in_no_error(run: Run, csv: Path) -> None:
    write(csv, ["path,genres,title", *(f"posters/{n}.png,Dr\x1b[31mama,{n}" for n in range(12))])
    result = run("genre", "learn", str(csv))
    assert "Dr [31mama" in result.output
    assert "\x1b" not in result.output
    assert "\x1b" not in refusal(run, "learn", "gone\x1b[2J.csv")


def test_an_evaluation_is_written_nowhere_else(run: Run, csv: Path, tmp_path: Path) -> None:
    said = refusal(run, "evaluate", str(csv), "--name", "../../evil")
    assert "is no name for a genre model" in said
    assert list(tmp_path.rglob("evil*")) == []


def test_a_model_that_was_tampered_with_is_refused_and_listed_with_its_problem(
    run: Run, home: Path, csv: Path
) -> None:
    for name in ("default", "films"):
        colour_models.model(home, name=name)
    (home / "models" / "genres" / "films" / HEAD).write_bytes(b"\x80\x04.")
    for words in (("predict", str(csv)), ("evaluate", str(csv)), ("learn", "--update")):
        assert "head.npz is a pickle, and pickles are never read; learn it again" in refusal(
            run, *words, "--name", "films"
        )
    listed = run("genre", "list")
    assert (listed.exit_code, "default 3" in listed.output) == (3, True)
    assert "The genre model 'films' cannot be used: its head.npz is a pickle" in listed.output
    listed = run("genre", "list", "--json")
    said = {one["name"]: one for one in json.loads(listed.stdout)}
    assert listed.exit_code == 3
    assert (set(said["films"]), said["default"]["data"]["films"]) == ({"name", "problem"}, 210)


def test_a_threshold_that_was_changed_by_hand_is_refused(run: Run, home: Path) -> None:
    colour_models.model(home)
    path = home / "models" / "genres" / "default" / MANIFEST
    path.write_text(
        path.read_text(encoding="utf-8").replace('"threshold": 0.6', '"threshold": 0.0')
    )
    assert "The genre model 'default' cannot be used: " in refusal(run, "predict", "film.mp4")


def test_a_pickle_beside_a_model_is_refused(run: Run, home: Path) -> None:
    colour_models.model(home)
    (home / "models" / "genres" / "default" / "head.joblib").write_bytes(b"")
    assert "pickles are never read; take it away" in refusal(run, "predict", "film.mp4")


def test_the_examples_of_a_model_cannot_be_changed(run: Run, home: Path, csv: Path) -> None:
    colour_models.model(home)
    (home / "models" / "genres" / "default" / EXAMPLES).write_bytes(b'[{"film": "x"}]')
    assert "examples.json was changed" in refusal(run, "evaluate", str(csv))


def test_no_model_is_no_riddle(run: Run) -> None:
    assert run("genre", "list").output == (
        "There is no genre model yet; `tigertag genre learn` makes one.\n"
    )
    assert run("genre", "list", "--json").output == "[]\n"
    assert "learn one: tigertag genre learn CSV --name x" in refusal(
        run, "predict", "film.mp4", "--name", "x"
    )


def test_of_several_one_that_is_bad_makes_the_exit_code_three(
    run: Run, home: Path, tmp_path: Path
) -> None:
    colour_models.model(home)
    (tmp_path / "red.png").write_bytes(picture("red"))
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    link = "https://www.youtube.com/playlist?list=PL1"
    what = (str(tmp_path / "bad.jpg"), link, str(tmp_path / "red.png"), str(tmp_path / "gone.mp4"))
    result = run("genre", "predict", "--json", *what)
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code, [one["path"] for one in said]) == (3, list(what))
    assert [bool(one.get("error")) for one in said] == [True, True, False, True]
    assert said[2]["genres"][0]["name"] == "Horror"
    shown = run("genre", "predict", *what)
    assert (shown.exit_code, "red.png: Horror\n  0.9" in shown.output) == (3, True)


def test_what_is_not_sure_is_called_so(run: Run, home: Path, tmp_path: Path) -> None:
    colour_models.model(home)
    (tmp_path / "blue.png").write_bytes(picture("blue"))
    result = run("genre", "predict", str(tmp_path / "blue.png"))
    assert (result.exit_code, "blue.png: uncertain\n" in result.output) == (0, True)


def test_an_item_of_a_library_is_named_by_its_title(run: Run, home: Path) -> None:
    colour_models.model(home)
    result = run("genre", "predict", "a.png", "--library", "photos")
    assert (result.exit_code, result.output.startswith("a.png: Horror\n")) == (0, True)
    assert "--section goes with --library." in refusal(run, "predict", "a.png", "--section", "x")


def test_from_learning_to_telling(
    run: Run, csv: Path, own: tuple[str, ...], tmp_path: Path, home: Path
) -> None:
    learned = run("genre", "learn", str(csv), *own)
    assert learned.exit_code == 0, learned.output
    assert "Genre model 'default' is kept: 3 genres, 75 films, 15 of them for testing." in (
        learned.output
    )
    assert max(map(len, learned.stdout.splitlines()[:-1])) <= 80
    assert "random forest of 10 trees" in learned.stdout
    assert run("genre", "list").output.rstrip().endswith(" films.csv")
    told = run("genre", "predict", str(tmp_path / "posters" / "0.png"), "--json")
    assert json.loads(told.stdout)["genres"][0]["name"] == "Horror"
    rewrite(csv, drop=[3], genres={0: "War"})
    updated = run("genre", "learn", "--update")
    assert updated.output.count("1 film with other genres, 0 new, 1 gone.") == 1


def test_json_is_all_that_is_printed(run: Run, csv: Path, own: tuple[str, ...], home: Path) -> None:
    run("genre", "learn", str(csv), *own)
    result = run("genre", "evaluate", str(csv), "--json")
    told = json.loads(result.stdout)
    assert {"macro_ap", "micro_ap", "macro_auc", "ece", "per_genre", "baselines"} <= told.keys()
    assert set(told["per_genre"]["War"]) >= {"ap", "auc", "ece", "brier", "intervals", "threshold"}
    assert result.stderr == "60 rows left out: the model was trained on their films.\n"
    assert Path(told["picture"]) == home / "evaluations" / "default-films.png"
    assert (home / "evaluations" / "default-films.json").exists()


@pytest.mark.parametrize("package", LEARNS)
def test_without_what_learns_it_says_what_to_install(
    run: Run, home: Path, csv: Path, own: tuple[str, ...], package: str
) -> None:
    command = "evaluate" if package == "matplotlib" else "learn"
    if package == "matplotlib":
        run("genre", "learn", str(csv), *own)
        own = ()
    done = without((package,), ("genre", command, str(csv), *own))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        f"Error: Genres can be neither trained nor evaluated: the Python package {package} is not"
        " installed: pip install 'tigertag[genre]'",
    )


def test_a_name_that_looks_like_markup_is_shown_as_it_is(run: Run, home: Path) -> None:
    source = SourceInfo(csv="/films/[bold]mine[red].csv")
    told = colour_models.model(home).manifest.data
    colour_models.model(home, data=told.model_copy(update={"source": source}))
    assert "[bold]mine[red].csv" in "".join(run("genre", "list").output.split())


def test_figures_of_a_genre_that_looks_like_markup_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = cases.evaluated().as_json()
    figures["per_genre"]["we[/ird]"] = figures["per_genre"]["Drama"]
    reporting.print_figures(figures | {"model": "[/]", "untested": []})
    told = capsys.readouterr().out
    assert "we[/ird]" in told
    assert "model [/]" in told


def test_told_to_end_no_trailer_stays_behind(home: Path, tmp_path: Path) -> None:
    colour_models.model(home)
    code = (
        "import time\n"
        "from tigertag.genres import trailers\n"
        "trailers.download = lambda *_, **how: print('on its way', flush=True) or time.sleep(60)\n"
        "from tigertag.cli import main\n"
        "main(['genre', 'predict', 'https://youtu.be/aaaaaaaaaaa'])"
    )
    (tmp_path / "for a while").mkdir()
    env = {**os.environ, "TMPDIR": str(tmp_path / "for a while")}
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on its way\n"
        process.terminate()
        assert process.wait(30) == INTERRUPTED
    assert list((tmp_path / "for a while").iterdir()) == []


def test_telling_needs_nothing_that_learns(run: Run, home: Path, photos: Path) -> None:
    colour_models.model(home)
    commands = (("genre", "predict", str(photos / "a.png")), ("genre", "list"))
    done = without(LEARNS, *commands)
    assert (done.returncode, done.stderr) == (0, "")
    assert "a.png: Horror" in done.stdout


def test_the_engine_needs_nothing_that_learns(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colour_models.model(home)
    monkeypatch.setenv("ENGINE_GENRE_NAME", "tigertag.genre")
    done = without(LEARNS, ("engines", "--check"))
    assert done.returncode == 0, done.stderr
    assert "predicts 2 of 3 genres" in " ".join(done.stdout.split())


def test_help_loads_nothing_that_is_slow() -> None:
    code = (
        "import sys\n"
        "from tigertag.cli import main\n"
        "for words in (['genre'], ['genre', 'learn'], ['genre', 'predict']):\n"
        "    main([*words, '--help'], standalone_mode=False)\n"
        f"sys.exit(str(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == "set()"
    assert max(map(len, done.stdout.splitlines())) <= 80
