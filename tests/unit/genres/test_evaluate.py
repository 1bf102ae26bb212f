"""What models are worth on films that they have not learned from."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.genres.studio import FILMS, Studio, posters, rewrite, write
from tests.world import World
from tigertag.errors import ModelError, RequestError
from tigertag.genres import evaluate as evaluating
from tigertag.genres import film_list
from tigertag.genres.evaluate import Evaluated
from tigertag.genres.manifest import BASELINES

pytestmark = pytest.mark.slow

KEYS = {"macro_ap", "micro_ap", "macro_auc", "ece", "per_genre", "baselines", "picture"}


@pytest.fixture
def studio(world: World) -> Studio:
    return Studio(world)


def evaluate(
    studio: Studio, csv: Path, name: str = "default", *, folder: Path | None = None
) -> Evaluated:
    gathered = film_list.read(csv)
    return evaluating.evaluate(studio.world.core, gathered, name, studio.heard, folder=folder)


def another(studio: Studio, *numbers: int) -> Path:
    """A CSV of the same pictures, of which each is said to be of another film."""
    rows = [f"posters/{n}.png,{genre},Other {n}" for n, genre in _genres(studio, *numbers)]
    return write(studio.home / "other.csv", ["path,genres,title", *rows])


def _genres(studio: Studio, *numbers: int) -> list[tuple[int, str]]:
    _head, *rows = (studio.home / "films.csv").read_text(encoding="utf-8").splitlines()
    return [(number, rows[number].split(",")[1]) for number in numbers]


def test_a_name_that_is_none_writes_nothing_elsewhere(studio: Studio) -> None:
    with pytest.raises(RequestError, match="is no name for a genre model"):
        evaluate(studio, posters(studio.home, 12), "../../evil")
    assert studio.heard.lines == []


def test_where_all_films_were_learned_from_there_is_nothing_to_say(studio: Studio) -> None:
    csv = posters(studio.home)
    studio.learn(csv)
    rewrite(csv, drop=range(FILMS - 15, FILMS))
    with pytest.raises(RequestError, match="Model 'default' was trained on all of these; give"):
        evaluate(studio, csv)


def test_a_film_is_known_by_its_content_whatever_it_is_called(studio: Studio) -> None:
    studio.learn(posters(studio.home))
    with pytest.raises(RequestError, match="was trained on all of these"):
        evaluate(studio, another(studio, 0, 1, 2))


def test_a_film_is_known_by_its_name_whatever_file_it_is_in(studio: Studio) -> None:
    csv = posters(studio.home)
    studio.learn(csv)
    for path in (studio.home / "posters").iterdir():
        path.write_bytes(path.read_bytes() + b"another file")
    assert evaluate(studio, csv).as_json()["films"] == 15


def test_a_film_is_known_by_its_number_and_by_title_and_year(studio: Studio) -> None:
    csv = posters(studio.home)
    _head, *rows = csv.read_text(encoding="utf-8").splitlines()
    write(csv, ["path,genres,title,year,imdb_id", *(f"{row},tt000{row[-4:]}" for row in rows)])
    studio.learn(csv)
    posters(studio.home, FILMS, name="new.csv", first=200)
    numbers = ("https://www.imdb.com/title/tt1931/", "1931")
    for said in (*(f"{number},," for number in numbers), ",FILM  1,1931", ",film 1,"):
        rows = ["path,genres,imdb_id,title,year", f"posters/201.png,War,{said}"]
        other = write(studio.home / "other.csv", rows)
        with pytest.raises(RequestError, match="was trained on all of these"):
            evaluate(studio, other)


def test_a_film_of_which_one_file_was_learned_from_is_known_with_all_its_files(
    studio: Studio,
) -> None:
    studio.learn(posters(studio.home))
    posters(studio.home, 1, name="new.csv", first=200)
    rows = [f"posters/{n}.png,War,Another name" for n in (0, 200)]
    other = write(studio.home / "other.csv", ["path,genres,title", *rows])
    with pytest.raises(RequestError, match="was trained on all of these"):
        evaluate(studio, other)


def test_an_item_of_a_library_is_known_in_a_csv(studio: Studio) -> None:
    csv = posters(studio.home)
    gathered = film_list.read(csv)
    of_library = [
        replace(one, film=f"imdb:tt{number:07}", names=())
        for number, one in enumerate(gathered.videos)
    ]
    studio.learn(replace(gathered, videos=tuple(of_library)))
    all_films = _genres(studio, *range(FILMS))
    posters(studio.home, FILMS, name="new.csv", first=200)
    rows = [f"posters/{200 + n}.png,{genre},tt{n:07}" for n, genre in all_films]
    told = evaluate(studio, write(csv, ["path,genres,imdb_id", *rows])).as_json()
    assert (told["films"], told["left_out"], told["split"]) == (15, 60, "time")


def test_the_split_is_called_what_it_is(studio: Studio) -> None:
    csv = posters(studio.home)
    studio.learn(csv)
    _head, *known = csv.read_text(encoding="utf-8").splitlines()
    new = posters(studio.home, 12, name="new.csv", first=200)
    others = new.read_text(encoding="utf-8").splitlines()
    for more, split, left_out in (
        (known[:1], "other films", 1),
        (known[-1:], "time, other films", 0),
        ([known[0], known[-1]], "time, other films", 1),
    ):
        told = evaluate(studio, write(new, [*others, *more])).as_json()
        assert (told["split"], told["left_out"]) == (split, left_out)


def test_baselines_that_were_changed_is_refused(studio: Studio) -> None:
    csv = posters(studio.home)
    studio.learn(csv)
    path = studio.home / "models" / "genres" / "default" / BASELINES
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match=r"baselines\.npz was changed since it was learned"):
        evaluate(studio, csv)


def test_a_folder_that_cannot_be_written_is_one_line(studio: Studio) -> None:
    csv = posters(studio.home)
    studio.learn(csv)
    (studio.home / "taken").write_bytes(b"")
    seen = studio.heard.done
    with pytest.raises(RequestError, match=r"taken cannot be written: .*; name another with --out"):
        evaluate(studio, csv, folder=studio.home / "taken")
    assert studio.heard.done == seen


def test_what_was_measured_with_other_films_is_not_written_over(studio: Studio) -> None:
    studio.learn(posters(studio.home))
    done = [
        evaluate(studio, posters(studio.home, 12, name=name, first=200))
        for name in ("other.csv", "Some more?.csv")
    ]
    assert [one.json_file.name for one in done] == [
        "default-other.json",
        "default-Some-more.json",
    ]
    assert all(one.json_file.exists() and one.picture_file.exists() for one in done)


def test_a_model_is_measured_on_what_it_was_tested_with(studio: Studio) -> None:
    csv = posters(studio.home)
    metrics = studio.learn(csv).manifest.metrics
    told = evaluate(studio, csv).as_json()
    assert {key: told[key] for key in metrics} == metrics
    assert "60 rows left out: the model was trained on their films." in studio.heard.lines


def test_other_films_are_all_measured(studio: Studio) -> None:
    studio.learn(posters(studio.home))
    told = evaluate(studio, posters(studio.home, 12, name="other.csv", first=200)).as_json()
    assert (told["films"], told["split"], told["macro_ap"]) == (12, "other films", 1.0)


def test_a_genre_that_no_film_of_the_test_bears_is_told_apart(studio: Studio) -> None:
    studio.learn(posters(studio.home))
    csv = posters(studio.home, 12, name="other.csv", first=200)
    rewrite(csv, drop=[n for n in range(12) if (200 + n) % 3 == 0])
    assert evaluate(studio, csv).as_json()["untested"] == ["Horror"]


def test_figures_and_a_picture_are_written(studio: Studio) -> None:
    csv = posters(studio.home)
    studio.learn(csv)
    done = evaluate(studio, csv, folder=studio.home / "new" / "folder")
    written = json.loads(done.json_file.read_text(encoding="utf-8"))
    assert done.as_json().keys() >= KEYS
    assert written.keys() == done.as_json().keys() - {"picture"}
    assert done.picture_file.read_bytes().startswith(b"\x89PNG")
    assert set(written["baselines"]) == {"prevalence", "random_forest"}


def test_without_a_model_one_is_learned_for_this_alone(studio: Studio) -> None:
    csv = posters(studio.home, 240)
    done = evaluate(studio, csv, "new")
    assert (done.as_json()["films"], done.as_json()["macro_ap"] > 0.9) == (48, True)
    assert studio.models == ()
    assert studio.heard.lines[0].startswith("There is no model 'new': one is trained for this")
