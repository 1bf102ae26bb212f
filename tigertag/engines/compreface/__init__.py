"""Faces, recognised by a CompreFace of the user's own."""

import io
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b

from PIL import Image

from tigertag.contracts import (
    NOTICE,
    Capabilities,
    Enrolled,
    Failed,
    Host,
    Labelled,
    Outcome,
    PersonStatus,
    RunContext,
)
from tigertag.engines.compreface.client import (
    MAX_CONCURRENCY,
    SIDE_PX,
    CompreFaceClient,
    DetectedFace,
    Options,
    UnreadableAnswer,
    reserved,
    send_fitting,
)
from tigertag.engines.compreface.enrolment import EnrolmentRun, EnrolmentStore
from tigertag.engines.compreface.people import Gallery, People
from tigertag.engines.http.concurrency import RequestPool
from tigertag.engines.http.jpeg import to_jpeg
from tigertag.engines.http.outage import OutageDetector, plain
from tigertag.errors import EngineError
from tigertag.model import UNKNOWN_FACE, Box, Frame, Kind, Label, Media, Sample
from tigertag.net import cancellable, holding
from tigertag.text import tidy

__all__ = ["CompreFace", "Options", "build"]

MIN_CONFIDENCE = 0.97
MAX_TAGS = 20
MAX_FRAMES = 8
_LEASE_S = 60.0
_TRY_LEASE_AGAIN_S = 0.25


def build(id: str, options: Options, host: Host) -> "CompreFace":
    """Return the engine. Does no I/O."""
    return CompreFace(id, options, host)


class CompreFace:
    """One recognition service. Keeps to `Engine`, `Checkable`, `Enrolling`, `KnowingFaces`."""

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id
        self._options = options
        self._host = host
        self._client = CompreFaceClient(id, options, host)
        self._gallery = Gallery(options.faces_config, options.faces_folder)
        self._store = EnrolmentStore(host.state)
        self._pool = RequestPool(id, MAX_CONCURRENCY)
        self._outage = OutageDetector(self._client.service)
        self._lock = threading.Lock()
        self._tags: Mapping[str, str] | None = None

    @property
    def fingerprint(self) -> str:
        """See `Engine`. Where the people cannot be read it says so; `open` then raises."""
        try:
            digest = self._gallery.people().digest
        except EngineError:
            return "compreface:unreadable"
        facts = [self._options.address, self._options.det_prob, SIDE_PX, digest]
        return f"compreface:{blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()}"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            media=frozenset({Media.PHOTO, Media.VIDEO}),
            short_side_px=SIDE_PX,
            max_frames=MAX_FRAMES,
            max_concurrency=MAX_CONCURRENCY,
            min_confidence=MIN_CONFIDENCE,
            max_tags=MAX_TAGS,
        )

    def open(self) -> None:
        """See `Engine`. Reads the people, and tries the key."""
        with holding(self._lock):
            if self._tags is None:
                people = self._gallery.people()
                self._client.subjects()
                self._tags = _as_spelt(people)

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`. A label a face and frame; an unknown person's is an `UNKNOWN_FACE`."""
        if self._tags is None:
            raise EngineError(f"Engine {self.id} is not open.")
        yield from self._pool.tag(batch, self._ask, run)

    def close(self) -> None:
        """End the threads and the connections."""
        self._pool.close()
        self._client.close()
        self._tags = None

    def enrol(self, run: RunContext, *, by_itself: bool = False) -> Enrolled:
        """See `Enrolling`. Waits while another process enrols, then does what is left."""
        while True:
            with self._host.state.alone("enrol", lease_s=_LEASE_S) as alone:
                if alone:
                    with cancellable(run.cancelled):
                        return self._enrol(run, by_itself=by_itself)
            if run.cancelled():
                return Enrolled()
            time.sleep(_TRY_LEASE_AGAIN_S)

    def check(self) -> str:
        """See `Checkable`. Changes nothing."""
        self._gallery.people()
        faces = self._client.faces()
        subjects = {subject.casefold() for subject in self._client.subjects()}
        ids = self._store.ids()
        ours = [face for face in faces if face.image_id in ids]
        people = {face.subject.casefold() for face in ours}
        return (
            f"CompreFace at {self._options.address}: {_count(len(subjects), 'person')},"
            f" {_count(len(faces), 'picture')} known there ({_count(len(people), 'person')},"
            f" {_count(len(ours), 'picture')} by TigerTag)."
        )

    def check_people(self) -> tuple[list[str], list[str]]:
        """See `KnowingFaces`. Raises `EngineError` where there is no file, or no folder."""
        problems = [*self._gallery.look().problems, *self._gallery.unreadable(SIDE_PX)]
        problems.sort(key=lambda problem: problem.line)
        wrong = [
            self._gallery.describe(problem) for problem in problems if problem.severity != "odd"
        ]
        odd = [self._gallery.describe(problem) for problem in problems if problem.severity == "odd"]
        return wrong, odd

    def people(self) -> list[PersonStatus]:
        """See `KnowingFaces`. The people of the file and those that CompreFace knows."""
        people, faces, ids = self._gallery.people(), self._client.faces(), self._store.ids()
        names = {name.casefold(): name for name in self._client.subjects()} | _as_spelt(people)
        statuses = []
        for word, name in sorted(names.items()):
            stored = [face for face in faces if face.subject.casefold() == word]
            ours = sum(face.image_id in ids for face in stored)
            in_file = sum(picture.tag == name for picture in people.pictures)
            statuses.append(PersonStatus(name, in_file, ours, len(stored)))
        return statuses

    def _enrol(self, run: RunContext, *, by_itself: bool) -> Enrolled:
        people = self._gallery.people()
        enrolment = EnrolmentRun(self._client, self._gallery, self._store, run, by_itself)
        done = enrolment.enrol(people)
        with self._lock:
            if self._tags is not None:
                self._tags = _as_spelt(people)
        left_out = f"; left out: {len(done.problems)}" if done.problems else ""
        tags, pictures = _count(len(people.tags), "person"), _count(len(people.pictures), "picture")
        self._host.state.put(NOTICE, f"{tags}, {pictures} in the file{left_out}.")
        return done

    def _ask(self, sample: Sample, run: RunContext) -> Outcome:
        since_s = time.monotonic()
        labels: list[Label] = []
        frames: list[float] = []
        failures: list[tuple[float, Failed]] = []
        for frame in sample.frames:
            answer = self._labels(frame, sample.id, run)
            if isinstance(answer, Failed):
                failures.append((frame.at_s or 0.0, answer))
                continue
            labels += answer
            if frame.at_s is not None:
                frames.append(frame.at_s)
        if failures and len(failures) == len(sample.frames):
            return failures[0][1]
        return Labelled(
            sample.id,
            tuple(labels),
            "CompreFace",
            took_s=time.monotonic() - since_s,
            failed_frames=tuple(at_s for at_s, _failed in failures),
            frames=tuple(frames),
        )

    def _labels(self, frame: Frame, sample: str, run: RunContext) -> list[Label] | Failed:
        def ask(picture: bytes) -> list[Label]:
            faces = self._host.http.retry(
                lambda: self._recognised(picture, sample, run), cancelled=run.cancelled
            )
            self._outage.answered()
            size = Image.open(io.BytesIO(picture)).size
            return [_label(face, size, frame.at_s, self._tags or {}) for face in faces]

        def probe() -> None:
            (grey,) = plain(sample).frames
            self._recognised(to_jpeg(grey, short_side_px=SIDE_PX), sample, run)

        try:
            return self._outage.outcome(sample, partial(send_fitting, frame, ask), probe)
        except UnreadableAnswer as exc:
            return Failed(sample, str(exc), retryable=True)

    def _recognised(self, picture: bytes, sample: str, run: RunContext) -> list[DetectedFace]:
        with reserved(run, sample, host=self._options.host, picture=picture):
            return self._client.recognise(picture)


def _label(
    face: DetectedFace, size_px: tuple[int, int], at_s: float | None, tags: Mapping[str, str]
) -> Label:
    """Return the label of a face in a picture of this size; its box is cut off at the edges.

    `tags` are the tags of the file by their case-folded names.
    """
    name = tags.get(face.best.subject.casefold()) or tidy(face.best.subject)
    confidence = min(1.0, max(0.0, face.best.similarity))
    if not name or confidence == 0.0:
        name, confidence = UNKNOWN_FACE, 0.0
    (width, height), box = size_px, face.box
    left, right = (min(1.0, max(0.0, edge / width)) for edge in (box.x_min, box.x_max))
    top, bottom = (min(1.0, max(0.0, edge / height)) for edge in (box.y_min, box.y_max))
    is_within = left < right and top < bottom
    part = Box(left, top, right, bottom) if is_within else None
    return Label(name, confidence, kind=Kind.FACE, box=part, at_s=at_s)


def _as_spelt(people: People) -> dict[str, str]:
    """The tags as the file spells them: CompreFace ignores case."""
    return {tag.casefold(): tag for tag in people.tags}


def _count(number: int, what: str) -> str:
    plural = "people" if what == "person" else f"{what}s"
    return f"{number} {what if number == 1 else plural}"
