"""A genre model learned, tested on films that it has not seen, and kept."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tigertag import __version__
from tigertag.contracts import Sampling
from tigertag.core import Core
from tigertag.genres import archive, backbones, dataset, examples, material, shelves, training
from tigertag.genres.dataset import Lens
from tigertag.genres.genres import Genres
from tigertag.genres.manifest import (
    ARCHIVE,
    BACKBONE,
    EXAMPLES,
    HEAD,
    DataOf,
    GenreOf,
    LeftOut,
    Manifest,
    SamplingOf,
    SettingsOf,
    SourceOf,
)
from tigertag.genres.material import Gathered
from tigertag.genres.model_backbones import of_model
from tigertag.genres.models import named
from tigertag.genres.training import Trained
from tigertag.genres.wanted import FRAMES, Wanted
from tigertag.genres.watch import Watch
from tigertag.inference.backbone import Backbone
from tigertag.inference.tiles import TILES_VERSION


@dataclass(frozen=True, slots=True)
class Learned:
    """A model that is kept. `changed`: what its update found."""

    manifest: Manifest
    changed: examples.Changed | None = None


def learn(core: Core, gathered: Gathered, wanted: Wanted, watch: Watch) -> Learned:
    """Learn a model and keep it in place of one of the same name. Raises `TigerTagError`."""
    named(wanted.name)
    course = train(core, gathered, wanted, backbones.asked(core, wanted.backbone), watch)
    return _kept(core, gathered, wanted, course)


def update(core: Core, name: str, watch: Watch) -> Learned:
    """Learn a model anew from where it has learned from, as that is now. Raises `TigerTagError`."""
    kept = shelves.whole(core, name)
    before = kept.model
    settings, data = before.manifest.settings, before.manifest.data
    wanted = Wanted(
        name,
        backbones.of_model(before),
        min_examples=settings.min_examples,
        precision=settings.precision,
        words=Path(settings.words) if settings.words else None,
    )
    earlier = examples.read(kept.examples)
    found = material.of_source(core, data.source.model_dump(exclude_none=True))
    gathered = replace(found, sampling=before.manifest.sampling.taken)
    course = train(core, gathered, wanted, of_model(before, core.host), watch)
    learned = _kept(core, gathered, wanted, course)
    return replace(learned, changed=examples.changed(earlier, examples.of(course.trained)))


@dataclass(frozen=True, slots=True)
class Course:
    """A head, and with what it was learned."""

    trained: Trained
    backbone: Backbone
    sampling: Sampling


def train(
    core: Core, gathered: Gathered, wanted: Wanted, backbone: Backbone, watch: Watch
) -> Course:
    """Learn and test; nothing is kept but what was seen. Raises `TigerTagError`."""
    words = Genres.load(wanted.words)
    sampling = wanted.frames.over(gathered.sampling or FRAMES)
    lens = Lens(backbones.extractor(backbone), sampling)
    data = dataset.read(gathered, words, lens, shelves.shelf(core), watch)
    trained = training.train(
        data,
        wanted.name,
        min_examples=wanted.min_examples,
        precision=wanted.precision,
        watch=watch,
    )
    return Course(trained, backbone, sampling)


def _kept(core: Core, gathered: Gathered, wanted: Wanted, course: Course) -> Learned:
    trained, fitted = course.trained, course.trained.fitted
    manifest = Manifest(
        name=wanted.name,
        made_at=datetime.now(UTC),
        backbone=backbones.noted(course.backbone, wanted.backbone),
        sampling=SamplingOf.noted(course.sampling),
        view=TILES_VERSION,
        pooling=trained.data.pooling,
        dimensions=trained.data.dimensions,
        genres=tuple(_genres(trained)),
        data=_data(gathered, trained),
        settings=SettingsOf(
            c=fitted.c,
            folds=fitted.folds,
            precision=wanted.precision,
            min_examples=wanted.min_examples,
            words=str(wanted.words.absolute()) if wanted.words else None,
        ),
        metrics=trained.evaluation.as_json(),
        program=__version__,
    )
    files = {
        HEAD: trained.head,
        ARCHIVE: archive.dump(fitted),
        EXAMPLES: examples.written(examples.of(trained)),
    }
    own = course.backbone.onnx()
    if own is not None:
        files[BACKBONE] = own
    return Learned(shelves.models(core).save(manifest, files).manifest)


def _genres(trained: Trained) -> Iterator[GenreOf]:
    learned = trained.learned
    for genre, threshold in zip(learned.genres, trained.fitted.thresholds, strict=True):
        yield GenreOf(
            name=training.spelled(learned, genre),
            canonical=genre,
            films=learned.films_of(genre),
            threshold=threshold,
        )


def _data(gathered: Gathered, trained: Trained) -> DataOf:
    data = trained.data
    years = [year for year in data.years if year is not None]
    return DataOf(
        source=SourceOf.model_validate(gathered.source),
        films=len(set(data.films)),
        tested=trained.evaluation.films,
        examples=len(data.films),
        videos=data.videos,
        pictures=len(data.films) - data.videos,
        years=(min(years), max(years)) if years else None,
        left_out=LeftOut(words=data.unknown, genres=dict(trained.few)),
        footage=gathered.footage,
        split=trained.split.by,
    )
