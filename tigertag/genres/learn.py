"""A genre model learned from most films, tested on the others, and kept. Needs scikit-learn."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tigertag import __version__
from tigertag.contracts import Host, Sampling
from tigertag.core import Core
from tigertag.errors import RequestError
from tigertag.genres import dataset, film_list, fitting, labelled
from tigertag.genres.dataset import (
    Changed,
    Dataset,
    FeatureSettings,
    LearningProgress,
    changed,
    dump_examples,
    known_examples,
    read_examples,
)
from tigertag.genres.extraction import Extractor, FeatureStore
from tigertag.genres.films import Split, SplitBy, split
from tigertag.genres.fitting import FitTable, Fitted
from tigertag.genres.genre_names import GenreNames
from tigertag.genres.labelled import LabelledSet
from tigertag.genres.manifest import (
    BACKBONE,
    BASELINES,
    EXAMPLES,
    HEAD,
    BackboneInfo,
    DataInfo,
    FitSettings,
    GenreInfo,
    LeftOutFilms,
    Manifest,
    SourceInfo,
)
from tigertag.genres.metrics import Evaluation, evaluate
from tigertag.genres.models import check_name, models_of
from tigertag.inference import backbone
from tigertag.inference.backbone import ONNX, Backbone
from tigertag.inference.preprocessing import TILES_VERSION, Colours, Scaling
from tigertag.inference.weights import PUBLISHED
from tigertag.text import count, did_you_mean

FRAMES: Final = Sampling(max_frames=60, exact=True)
"""How frames are chosen where no library says it: trailers are short enough to see all of them."""
_PICKLES: Final = {".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth"}
_CHOSEN: Final[Mapping[SplitBy, str]] = {
    "time": ", the latest",
    "time and film": ", the latest (of one year only some)",
    "film": "",
}


@dataclass(frozen=True, slots=True)
class BackboneChoice:
    """The network that embeds frames. All but `name` is of an own file only; None: as usual."""

    name: str = "efficientnet-lite0"
    mean: Colours | None = None
    deviation: Colours | None = None
    side_px: int | None = None

    def backbone(self, host: Host) -> Backbone:
        """Raises `RequestError`; opens nothing."""
        if self.name.endswith(ONNX):
            scaling = Scaling.of(self.mean, self.deviation)
            return backbone.OnnxBackbone(Path(self.name), scaling, self.side_px)
        if self.name not in PUBLISHED:
            raise RequestError(_unknown_backbone(self.name))
        if self != BackboneChoice(self.name):
            raise RequestError(f"--mean, --std and --size go with an ONNX file, not {self.name}.")
        return backbone.PublishedBackbone(self.name, host)

    def info(self, chosen: Backbone) -> BackboneInfo:
        """Describe the chosen network for a manifest."""
        own = chosen.onnx() is not None
        scaling = Scaling.of(self.mean, self.deviation)
        return BackboneInfo(
            name=chosen.name,
            fingerprint=chosen.fingerprint(),
            side_px=chosen.side_px,
            own=own,
            mean=scaling.mean if own else None,
            deviation=scaling.deviation if own else None,
        )


def _unknown_backbone(name: str) -> str:
    kind = Path(name).suffix.lower()
    if kind in _PICKLES:
        return (
            f"{name} is not opened: a {kind} file is a pickle, which may run any program."
            f" Export the network to ONNX, and name that file, with {ONNX} at its end."
        )
    guess = did_you_mean(name, PUBLISHED)
    return f"There is no backbone {name!r}{guess} An ONNX file is taken, too: FILE{ONNX}."


@dataclass(frozen=True, slots=True)
class LearnRequest:
    """See `genre learn`. `frames`: fields of `Sampling` that differ from the usual ones.

    Frames are usually chosen as in the library's scans, else as in `FRAMES`.
    """

    name: str
    backbone: BackboneChoice = field(default_factory=BackboneChoice)
    frames: Mapping[str, Any] = field(default_factory=dict)
    min_examples: int = 50
    precision: float = 0.7
    words: Path | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """A model that was saved. `changed`: how the films of an update differ."""

    manifest: Manifest
    changed: Changed | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A model in memory, and what it is worth.

    `data`: all rows; `few`: the genres of too few films.
    """

    data: Dataset
    split: Split
    fitted: Fitted
    evaluation: Evaluation
    few: Mapping[str, int]
    sampling: Sampling


def learn(
    core: Core, videos: LabelledSet, request: LearnRequest, progress: LearningProgress
) -> Learned:
    """Learn a model and keep it in place of one of the same name. Raises `TigerTagError`."""
    check_name(request.name)
    chosen = request.backbone.backbone(core.host)
    trained = train(core, videos, request, chosen, progress)
    manifest = _manifest(videos, request, trained, request.backbone.info(chosen))
    return Learned(_save(core, manifest, trained, chosen.onnx()))


def update(core: Core, name: str, progress: LearningProgress) -> Learned:
    """Learn a model again from where it was learned from, as that is now.

    Raises `TigerTagError`.
    """
    whole = models_of(core.host).load_whole(name)
    before = whole.model.manifest
    settings = before.settings
    request = LearnRequest(
        name,
        min_examples=settings.min_examples,
        precision=settings.precision,
        words=Path(settings.words) if settings.words else None,
    )
    earlier = read_examples(whole.examples)
    videos = replace(relisted(core, before.data.source), sampling=before.sampling)
    chosen = whole.model.backbone(core.host)
    trained = train(core, videos, request, chosen, progress)
    manifest = _manifest(videos, request, trained, before.backbone)
    saved = _save(core, manifest, trained, chosen.onnx())
    return Learned(saved, changed(earlier, known_examples(trained.data, trained.split.learn)))


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
    chosen: Backbone,
    progress: LearningProgress,
) -> Trained:
    """Learn from most films and test on the others; only features are kept.

    Raises `TigerTagError`.
    """
    names = GenreNames.load(request.words)
    sampling = replace(videos.sampling or FRAMES, **request.frames)
    settings = FeatureSettings(Extractor(chosen), sampling)
    data = dataset.build(videos, names, settings, feature_store(core), progress)
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
    return Trained(data, sides, fitted, evaluation, few, sampling)


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
            " films, or lower --min-examples. Their features are kept."
        )
    if learned.targets.all():
        raise RequestError(
            f"All films have {', '.join(learned.genres)}, so nothing tells it from other genres:"
            " give films that do not. Their features are kept."
        )
    return learned, few


def _sides(data: Dataset, sides: Split) -> str:
    learned = len(set(data.of_rows(sides.learn).films))
    tested = len(set(data.of_rows(sides.test).films))
    return f"{count(learned, 'film')}; {count(tested, 'other')}{_CHOSEN[sides.by]}, to test it on"


def _manifest(
    videos: LabelledSet, request: LearnRequest, trained: Trained, info: BackboneInfo
) -> Manifest:
    fitted, data = trained.fitted, trained.data
    learned = data.of_rows(trained.split.learn)
    genres = (
        GenreInfo(
            name=data.spelling(genre),
            canonical=genre,
            films=learned.films_of(genre),
            threshold=threshold,
        )
        for genre, threshold in zip(fitted.genres, fitted.thresholds, strict=True)
    )
    return Manifest(
        name=request.name,
        made_at=datetime.now(UTC),
        backbone=info,
        sampling=trained.sampling,
        view=TILES_VERSION,
        pooling=data.pooling,
        dimensions=data.dimensions,
        genres=tuple(genres),
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


def _save(core: Core, manifest: Manifest, trained: Trained, own: bytes | None) -> Manifest:
    files = {
        HEAD: trained.fitted.head.to_npz(),
        BASELINES: trained.fitted.baselines.to_npz(),
        EXAMPLES: dump_examples(known_examples(trained.data, trained.split.learn)),
    }
    if own is not None:
        files[BACKBONE] = own
    return models_of(core.host).save(manifest, files).manifest


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
        left_out=LeftOutFilms(words=dict(data.unknown), genres=dict(trained.few)),
        footage=videos.footage,
        split=trained.split.by,
    )
