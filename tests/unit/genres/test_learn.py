"""Genre models learned and kept."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.genres.studio import FILMS, Films, Studio, posters, rewrite, write
from tests.unit.media.films import film, made
from tests.unit.media.video.test_bad_input import sound
from tests.world import World
from tigertag.contracts import Sampling
from tigertag.errors import ModelError, NotFound, RequestError, StoreError
from tigertag.genres import dataset, labelled, learn
from tigertag.genres.dataset import Changed
from tigertag.genres.learn import BackboneChoice
from tigertag.genres.manifest import BACKBONE, BASELINES, EXAMPLES, HEAD
from tigertag.genres.models import models_of

pytestmark = pytest.mark.slow


@pytest.fixture
def studio(world: World) -> Studio:
    return Studio(world)


@pytest.fixture
def films(world: World) -> Films:
    made = Films()
    world.library = made
    for number in range(FILMS):
        made.show(number)
    return made


def spoil(folder: Path) -> None:
    """Make nonsense of all posters; nothing shows that but opening them."""
    for path in (folder / "posters").iterdir():
        before = path.stat()
        path.write_bytes(b"\0" * before.st_size)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_name_that_is_none_is_refused_before_anything_is_looked_at(studio: Studio) -> None:
    with pytest.raises(RequestError, match=r"'\.\./x' is no name for a genre model"):
        studio.learn(posters(studio.home, 3), "../x")
    assert studio.records() == {}


@pytest.mark.parametrize(
    ("wanted", "error", "said"),
    [
        (
            BackboneChoice("resnet51"),
            RequestError,
            "no backbone 'resnet51'; did you mean 'resnet50'",
        ),
        (
            BackboneChoice("resnet50", side_px=64),
            RequestError,
            "go with an ONNX file, not resnet50",
        ),
        (BackboneChoice("gone.onnx"), ModelError, r"gone\.onnx cannot be read"),
    ],
)
def test_a_backbone_that_cannot_be_is_refused_before_anything_is_looked_at(
    studio: Studio, wanted: BackboneChoice, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        studio.learn(posters(studio.home, 3), backbone=wanted)
    assert studio.heard.total == 0


def test_rows_of_one_film_only_are_refused_and_what_was_seen_is_kept(studio: Studio) -> None:
    csv = posters(studio.home)
    rows = [f"posters/{number}.png,War,One film" for number in range(12)]
    write(csv, ["path,genres,title", *rows])
    with pytest.raises(RequestError, match="All rows are of one film; a model cannot be tested"):
        studio.learn(csv)
    assert (len(studio.records()), studio.models) == (12, ())


def test_a_genre_of_one_film_is_left_out_and_said(studio: Studio) -> None:
    csv = posters(studio.home)
    rewrite(csv, genres={4: "Western|Biography"})
    told = studio.learn(csv).manifest
    assert (
        "Left out, fewer than 5 films to learn from (the others are held out): Biography (1 of 1)."
        in studio.heard.lines
    )
    assert (told.names, told.data.left_out.genres) == (
        ("Horror", "War", "Western"),
        {"Biography": 1},
    )


def test_videos_in_which_there_is_nothing_are_left_out_and_named(studio: Studio) -> None:
    csv = posters(studio.home)
    for name, content in {
        "black.mp4": made([np.zeros((96, 128, 3), np.uint8)] * 30),
        "sound.mp4": sound(),
        "cut.mkv": made([], form="matroska"),
        "one.mp4": film((1,)),
    }.items():
        (studio.home / name).write_bytes(content)
        write(csv, [*csv.read_text(encoding="utf-8").splitlines(), f"{name},War,{name},1900"])
    told = studio.learn(csv).manifest
    assert (told.data.films, told.data.videos, told.pooling) == (FILMS + 1, 1, "mean")
    said = "\n".join(line for line in studio.heard.lines if "left out" in line)
    for number, name in enumerate(("black.mp4", "sound.mp4", "cut.mkv")):
        assert f"left out (line {FILMS + 2 + number}, {name}): " in said


def test_where_no_genre_has_enough_films_it_says_which_has_most(studio: Studio) -> None:
    with pytest.raises(
        RequestError, match=r"No genre has 50 films to learn from: \w+ has most, 20"
    ):
        studio.learn(posters(studio.home), min_examples=50)
    assert len(studio.records()) == FILMS


def test_a_single_genre_is_no_model(studio: Studio) -> None:
    csv = posters(studio.home)
    rewrite(csv, genres=dict.fromkeys(range(FILMS), "War"))
    with pytest.raises(RequestError, match="All films have War, so nothing tells it from other"):
        studio.learn(csv)
    assert not [line for line in studio.heard.lines if line.startswith("Learning")]


def test_how_far_the_learning_is_can_be_seen(studio: Studio) -> None:
    studio.learn(posters(studio.home))
    first, *between, last = studio.heard.phases
    assert (first, last) == ("Learning", "Measuring")
    assert any("log loss" in phase for phase in between)


def test_a_model_that_cannot_be_kept_is_said_and_what_was_seen_is_kept(studio: Studio) -> None:
    (studio.home / "models").mkdir()
    (studio.home / "models" / "genres").write_bytes(b"")
    with pytest.raises(StoreError, match=r"The genre model cannot be kept in .*genres"):
        studio.learn(posters(studio.home))
    assert len(studio.records()) == FILMS


def test_what_is_learned_tells_genres_and_is_tested_on_the_latest(studio: Studio) -> None:
    told = studio.learn(posters(studio.home)).manifest
    assert told.names == ("Horror", "War", "Western")
    assert told.metrics["macro_ap"] == 1.0
    assert (told.data.films, told.metrics["films"], told.data.split) == (FILMS, 15, "time")
    assert told.data.years == (1930, 1930 + FILMS - 1)
    known = dataset.read_examples(models_of(studio.world.core.host).load_whole("default").examples)
    tested = {int(one.film.split()[1]) for one in known if not one.learned}
    assert tested == set(range(FILMS - 15, FILMS))


def test_where_a_year_is_on_both_sides_it_says_so(studio: Studio) -> None:
    csv = posters(studio.home)
    head, *rows = csv.read_text(encoding="utf-8").splitlines()
    write(csv, [head, *(f"{row[:-4]}{1999 + number % 2}" for number, row in enumerate(rows))])
    assert studio.learn(csv).manifest.data.split == "time and film"
    (said,) = [line for line in studio.heard.lines if line.startswith("Learning ")]
    assert said.endswith(
        " from 60 films; 15 others, the latest (of one year only some), to test it on."
    )


def test_the_network_of_the_classifier_sees_if_no_other_is_named(studio: Studio) -> None:
    told = studio.learn(posters(studio.home), backbone=BackboneChoice()).manifest
    assert (told.backbone.name, told.dimensions) == ("efficientnet-lite0", 1280)
    assert (told.backbone.own, set(told.files)) == (False, {HEAD, BASELINES, EXAMPLES})
    assert told.metrics["macro_auc"] == 1.0


def test_the_second_time_nothing_is_opened_and_the_same_comes_of_it(studio: Studio) -> None:
    csv = posters(studio.home)
    head = studio.learn(csv).manifest.files[HEAD]
    spoil(studio.home)
    assert studio.learn(csv).manifest.files[HEAD] == head


def test_more_rows_open_only_what_is_new(studio: Studio) -> None:
    studio.learn(posters(studio.home))
    spoil(studio.home)
    more = posters(studio.home, 9, name="more.csv", first=FILMS)
    rows = more.read_text(encoding="utf-8").splitlines()[1:]
    csv = studio.home / "films.csv"
    write(csv, [*csv.read_text(encoding="utf-8").splitlines(), *rows])
    assert studio.learn(csv).manifest.data.films == FILMS + 9
    assert not any("left out" in line for line in studio.heard.lines)


def test_videos_are_pooled_with_how_they_are_cut(studio: Studio, films: Films) -> None:
    gathered = labelled.of_section(studio.world.core, "photos", None)
    told = studio.learn(gathered).manifest
    assert (told.pooling, told.data.videos, told.data.pictures) == ("full", FILMS, 0)
    assert (told.sampling, told.data.source.section) == (studio.world.sampling, "1")
    assert told.metrics["macro_ap"] == 1.0


def test_without_a_model_there_is_nothing_to_update(studio: Studio) -> None:
    with pytest.raises(ModelError, match="There is no genre model 'films'; learn one"):
        studio.update("films")


def test_a_csv_that_is_gone_is_one_line_and_the_model_stays(studio: Studio) -> None:
    csv = posters(studio.home)
    before = studio.learn(csv).manifest
    csv.unlink()
    with pytest.raises(RequestError, match=r"There is no file .*films\.csv"):
        studio.update()
    assert models_of(studio.world.core.host).manifest("default") == before


def test_a_library_that_is_gone_is_one_line_and_the_model_stays(
    studio: Studio, films: Films
) -> None:
    studio.learn(labelled.of_section(studio.world.core, "photos", None))
    core = replace(studio.world.core, libraries=())
    with pytest.raises(NotFound, match="There is no library 'photos'"):
        learn.update(core, "default", studio.heard)
    assert studio.models == ("default",)


def test_a_model_whose_list_of_examples_was_changed_is_not_updated(studio: Studio) -> None:
    studio.learn(posters(studio.home))
    (studio.home / "models" / "genres" / "default" / EXAMPLES).write_bytes(b"[]")
    with pytest.raises(ModelError, match=r"examples\.json was changed since it was learned"):
        studio.update()


def test_an_update_takes_in_what_the_user_corrected(studio: Studio, films: Films) -> None:
    studio.learn(labelled.of_section(studio.world.core, "photos", None))
    films.untag("film 0")
    films.tag("film 0", "War", "Comedy", field=films.films["film 0"].field)
    films.show(FILMS)
    del films.held["film 7"], films.held["film 8"]
    learned = studio.update()
    assert learned.changed == Changed(new=1, gone=2, corrected=1)
    known = dataset.read_examples(models_of(studio.world.core.host).load_whole("default").examples)
    (corrected,) = [one for one in known if one.film == "film 0"]
    assert corrected.genres == ("Comedy", "War")


def test_an_update_learns_as_before_whatever_is_set_now(studio: Studio, films: Films) -> None:
    words = studio.home / "words.yaml"
    words.write_text("Noir: [Film Noir]\n", encoding="utf-8")
    gathered = labelled.of_section(studio.world.core, "photos", None)
    before = studio.learn(gathered, words=words, precision=0.8).manifest
    studio.world.sampling = Sampling(by="keyframes", max_frames=3)
    studio.network.unlink()
    after = studio.update().manifest
    assert (after.sampling, after.settings) == (before.sampling, before.settings)
    assert (after.backbone, after.files[BACKBONE]) == (before.backbone, before.files[BACKBONE])


def test_an_update_of_what_has_not_changed_is_the_same(studio: Studio) -> None:
    before = studio.learn(posters(studio.home)).manifest
    learned = studio.update()
    assert learned.changed == Changed(0, 0, 0)
    assert learned.manifest.files[HEAD] == before.files[HEAD]
