"""A genre model learned from most films, tested on the others, and kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from tigertag import __version__
from tigertag.contracts import Sampling
from tigertag.core import Core
from tigertag.errors import ModelError, RequestError
from tigertag.genres import dataset, film_list, fitting, labelled
from tigertag.genres.choices import FRAMES, BackboneChoice, LearnRequest
from tigertag.genres.dataset import Dataset, FeatureSettings, LearningProgress
from tigertag.genres.evaluation import Evaluation, evaluate
from tigertag.genres.extraction import Extractor
from tigertag.genres.feature_store import FeatureStore
from tigertag.genres.films import Split, SplitBy, split
from tigertag.genres.fitting import FitTable, Fitted
from tigertag.genres.genre_names import GenreNames
from tigertag.genres.labelled import LabelledSet
from tigertag.genres.manifest import (
    BACKBONE,
    BASELINES,
    EXAMPLES,
    HEAD,
    DataInfo,
    FitSettings,
    GenreInfo,
    LeftOut,
    Manifest,
    SourceInfo,
)
from tigertag.genres.models import check_name, models_of
from tigertag.inference.backbone import Backbone
from tigertag.inference.preprocessing import TILES_VERSION
from tigertag.text import count

_CHOSEN: Final[Mapping[SplitBy, str]] = {
    "time": ", the latest",
    "time and film": ", the latest (of one year only some)",
    "film": "",
}


@dataclass(frozen=True, slots=True)
class Changed:
    """Films that are new, gone, or have other genres than before."""

    new: int
    gone: int
    corrected: int


@dataclass(frozen=True, slots=True)
class Learned:
    """A model that is kept. `changed`: what its update found."""

    manifest: Manifest
    changed: Changed | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What was learned, with what, and what it is worth.

    `data` is all that there was, `few` the genres of too few films.
    """

    data: Dataset
    split: Split
    fitted: Fitted
    evaluation: Evaluation
    few: Mapping[str, int]
    backbone: Backbone
    sampling: Sampling


def learn(
    core: Core, videos: LabelledSet, request: LearnRequest, progress: LearningProgress
) -> Learned:
    """Learn a model and keep it in place of one of the same name. Raises `TigerTagError`."""
    check_name(request.name)
    backbone = request.backbone.backbone(core.host)
    return _keep(core, videos, request, train(core, videos, request, backbone, progress))


def update(core: Core, name: str, progress: LearningProgress) -> Learned:
    """Learn a model again from where it has learned from, as that is now.

    Raises `TigerTagError`.
    """
    whole = models_of(core.host).load_whole(name)
    before = whole.model.manifest
    settings = before.settings
    request = LearnRequest(
        name,
        BackboneChoice.of(before.backbone),
        min_examples=settings.min_examples,
        precision=settings.precision,
        words=Path(settings.words) if settings.words else None,
    )
    earlier = read_examples(whole.examples)
    videos = replace(relisted(core, before.data.source), sampling=before.sampling)
    trained = train(core, videos, request, whole.model.backbone(core.host), progress)
    learned = _keep(core, videos, request, trained)
    return replace(learned, changed=changed(earlier, _examples(trained)))


def relisted(core: Core, source: SourceInfo) -> LabelledSet:
    """List again what a model has learned from. Raises `TigerTagError`."""
    if source.csv is not None:
        return film_list.read(Path(source.csv))
    return labelled.of_section(core, source.library or "", source.section)


def feature_store(core: Core) -> FeatureStore:
    return FeatureStore(core.home / "features", core.store)


def train(
    core: Core,
    videos: LabelledSet,
    request: LearnRequest,
    backbone: Backbone,
    progress: LearningProgress,
) -> Trained:
    """Learn from most films and test on the others; only features are kept.

    Raises `TigerTagError`.
    """
    words = GenreNames.load(request.words)
    sampling = request.frames.over(videos.sampling or FRAMES)
    settings = FeatureSettings(Extractor(backbone), sampling)
    data = dataset.build(videos, words, settings, feature_store(core), progress)
    sides = split(data.films, [row.video.year for row in data.rows])
    learned, few = _learnable(data, sides, request.min_examples, progress)
    progress.note(f"Learning {count(len(learned.genres), 'genre')} from {_sides(data, sides)}.")
    progress.working("Learning")
    fitted = fitting.fit(
        FitTable(learned.vectors, learned.targets, learned.films, learned.genres),
        precision=request.precision,
        report=lambda line: progress.working(f"Learning ({line})"),
    )
    for genre, reason in fitted.left_out.items():
        progress.note(f"{genre} left out: {reason}.")
    progress.working("Measuring")
    evaluation = evaluate(
        data.of_rows(sides.test).of_genres(fitted.genres),
        fitted.head,
        fitted.baselines,
        model=request.name,
        split=sides.by,
        genres=[data.spelling(genre) for genre in fitted.genres],
        thresholds=fitted.thresholds,
    )
    return Trained(data, sides, fitted, evaluation, few, backbone, sampling)


def _learnable(
    data: Dataset, sides: Split, least: int, progress: LearningProgress
) -> tuple[Dataset, Mapping[str, int]]:
    """Return the rows to learn from, of the genres that have enough films; and the other genres."""
    learned = data.of_rows(sides.learn)
    films = {genre: learned.films_of(genre) for genre in data.genres}
    few = {genre: number for genre, number in films.items() if number < least}
    if few:
        named = ", ".join(f"{genre} ({few[genre]} of {data.films_of(genre)})" for genre in few)
        progress.note(
            f"Left out, fewer than {least} films to learn from (the others are held out): {named}."
        )
    learned = learned.of_genres([genre for genre in films if genre not in few])
    if not learned.genres:
        most = max(films, key=lambda genre: films[genre])
        raise RequestError(
            f"No genre has {least} films to learn from: {most} has most, {films[most]}. Give more"
            " films, or lower --min-examples. What was seen of them is kept."
        )
    if learned.targets.all():
        raise RequestError(
            f"All films have {', '.join(learned.genres)}, so nothing tells it from other genres:"
            " give films that do not. What was seen of them is kept."
        )
    return learned, few


def _sides(data: Dataset, sides: Split) -> str:
    learned = len(set(data.of_rows(sides.learn).films))
    tested = len(set(data.of_rows(sides.test).films))
    return f"{count(learned, 'film')}; {count(tested, 'other')}{_CHOSEN[sides.by]}, to test it on"


def _keep(core: Core, videos: LabelledSet, request: LearnRequest, trained: Trained) -> Learned:
    fitted = trained.fitted
    manifest = Manifest(
        name=request.name,
        made_at=datetime.now(UTC),
        backbone=request.backbone.noted(trained.backbone),
        sampling=trained.sampling,
        view=TILES_VERSION,
        pooling=trained.data.pooling,
        dimensions=trained.data.dimensions,
        genres=tuple(_genres(trained)),
        data=_data(videos, trained),
        settings=FitSettings(
            c=fitted.c,
            folds=fitted.folds,
            precision=request.precision,
            min_examples=request.min_examples,
            words=str(request.words.absolute()) if request.words else None,
        ),
        metrics=trained.evaluation.as_json(),
        program=__version__,
    )
    files = {
        HEAD: fitted.head.to_npz(),
        BASELINES: fitted.baselines.to_npz(),
        EXAMPLES: written_examples(_examples(trained)),
    }
    own = trained.backbone.onnx()
    if own is not None:
        files[BACKBONE] = own
    return Learned(models_of(core.host).save(manifest, files).manifest)


def _genres(trained: Trained) -> Iterator[GenreInfo]:
    data, fitted = trained.data, trained.fitted
    learned = data.of_rows(trained.split.learn)
    for genre, threshold in zip(fitted.genres, fitted.thresholds, strict=True):
        yield GenreInfo(
            name=data.spelling(genre),
            canonical=genre,
            films=learned.films_of(genre),
            threshold=threshold,
        )


def _data(videos: LabelledSet, trained: Trained) -> DataInfo:
    data = trained.data
    years = [row.video.year for row in data.rows if row.video.year is not None]
    return DataInfo(
        source=videos.source,
        films=len(set(data.films)),
        tested=len(set(trained.evaluation.films)),
        examples=len(data.films),
        videos=data.videos,
        pictures=len(data.films) - data.videos,
        years=(min(years), max(years)) if years else None,
        left_out=LeftOut(words=dict(data.unknown), genres=dict(trained.few)),
        footage=videos.footage,
        split=trained.split.by,
    )


@dataclass(frozen=True, slots=True)
class KnownExample:
    """One example, as it is kept beside a model. `learned`: else the model was tested with it.

    `names`: all that its film is called, `film` among them.
    """

    film: str
    names: tuple[str, ...]
    content: str
    genres: tuple[str, ...]
    learned: bool


_EXAMPLES: Final = TypeAdapter(list[KnownExample])


def _examples(trained: Trained) -> list[KnownExample]:
    """Return all examples, those with which the model was tested among them."""
    learned = set(trained.split.learn)
    return [
        KnownExample(
            row.video.film,
            tuple(sorted(row.names)),
            row.content,
            tuple(sorted(row.video.genres)),
            number in learned,
        )
        for number, row in enumerate(trained.data.rows)
    ]


def written_examples(examples: Sequence[KnownExample]) -> bytes:
    return _EXAMPLES.dump_json(list(examples))


def read_examples(data: bytes) -> list[KnownExample]:
    """Raises `ModelError`."""
    try:
        return _EXAMPLES.validate_json(data)
    except ValueError as exc:
        raise ModelError("The list of the model's examples is broken; learn it again.") from exc


def changed(before: Sequence[KnownExample], after: Sequence[KnownExample]) -> Changed:
    """Compare film by film."""
    were, are = _genres_by_film(before), _genres_by_film(after)
    corrected = sum(were[film] != are[film] for film in were.keys() & are.keys())
    return Changed(len(are.keys() - were.keys()), len(were.keys() - are.keys()), corrected)


def _genres_by_film(examples: Sequence[KnownExample]) -> dict[str, set[str]]:
    films: dict[str, set[str]] = {}
    for example in examples:
        films.setdefault(example.film, set()).update(example.genres)
    return films
