"""Faces, recognised by a CompreFace of the user's own."""

import io
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    RunContext,
)
from tigertag.engines.compreface.client import MAX_CONCURRENCY, Client, Malformed, Seen
from tigertag.engines.compreface.enrolment import Enrolment
from tigertag.engines.compreface.gallery import Gallery, People
from tigertag.engines.compreface.labels import label
from tigertag.engines.compreface.options import Options
from tigertag.engines.compreface.records import Records, ids_of
from tigertag.engines.compreface.sdk import Refused
from tigertag.engines.compreface.sending import SIDE_PX, fitting, reserved
from tigertag.errors import EngineError
from tigertag.model import Frame, Label, Media, Sample
from tigertag.net import heeding, holding
from tigertag.remote.crew import Crew
from tigertag.remote.jpeg import jpeg
from tigertag.remote.once import Passing
from tigertag.remote.stumbling import Stumbling, may_be_of_one, plain, stumbled

MIN_CONFIDENCE = 0.97
MAX_TAGS = 20
MAX_FRAMES = 8
_MODEL = "CompreFace"
_LEASE_S = 60.0
_ASK_AGAIN_S = 0.25


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands: pictures named in the file, ours and all that are there."""

    name: str
    in_file: int
    ours: int
    there: int


class CompreFace:
    """One recognition service of a CompreFace. Keeps to `Engine`, `Checkable`, `Enrolling`."""

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id
        self._options = options
        self._host = host
        self._client = Client(id, options, host.http)
        self._gallery = Gallery(options.faces_config, options.faces_folder)
        self._records = Records(host.kept)
        self._crew = Crew(id, MAX_CONCURRENCY)
        self._lock = threading.Lock()
        self._tags: Mapping[str, str] | None = None
        self._stumbling = Stumbling()

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
                self._tags = _spelt(people)

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`. A label a face and frame; one of nobody known is an `UNKNOWN_FACE`."""
        tags = self._tags
        if tags is None:
            raise EngineError(f"Engine {self.id} is not open.")

        def ask(sample: Sample, run: RunContext) -> Outcome:
            return self._outcome(sample, run, tags)

        yield from self._crew.tag(batch, ask, run)

    def close(self) -> None:
        """Let go of the threads and the connections."""
        self._crew.close()
        self._client.close()
        self._tags = None

    def enrol(self, run: RunContext, *, by_itself: bool = False) -> Enrolled:
        """See `Enrolling`. Waits while another process is at it, then does what is left."""
        while True:
            with self._host.kept.alone("enrol", lease_s=_LEASE_S) as alone:
                if alone:
                    with heeding(run.cancelled):
                        return self._enrolled(run, by_itself=by_itself)
            if run.cancelled():
                return Enrolled()
            time.sleep(_ASK_AGAIN_S)

    def check(self) -> str:
        """See `Checkable`. Changes nothing."""
        self._gallery.people()
        faces = self._client.faces()
        subjects = {one.casefold() for one in self._client.subjects()}
        ids = ids_of(self._records.all().values())
        ours = [one for one in faces if one.image_id in ids]
        people = {one.subject.casefold() for one in ours}
        return (
            f"CompreFace at {self._options.address}: {_count(len(subjects), 'person')},"
            f" {_count(len(faces), 'picture')} known there ({_count(len(people), 'person')},"
            f" {_count(len(ours), 'picture')} by TigerTag)."
        )

    def findings(self) -> tuple[list[str], list[str]]:
        """Look at the file and each picture, asking nobody: what is wrong, and what is odd.

        Raises `EngineError` where there is no file, or no folder.
        """
        found = [*self._gallery.look().findings, *self._gallery.unreadable(SIDE_PX)]
        found.sort(key=lambda one: one.line)
        wrong = [self._gallery.said(one) for one in found if one.weight != "odd"]
        return wrong, [self._gallery.said(one) for one in found if one.weight == "odd"]

    def standings(self) -> list[Standing]:
        """Return the people of the file and those known there. Raises `EngineError`."""
        people, faces = self._gallery.people(), self._client.faces()
        ids = ids_of(self._records.all().values())
        names = {one.casefold(): one for one in self._client.subjects()} | _spelt(people)
        return [
            Standing(
                name,
                sum(one.tag == name for one in people.pictures),
                sum(one.subject.casefold() == word and one.image_id in ids for one in faces),
                sum(one.subject.casefold() == word for one in faces),
            )
            for word, name in sorted(names.items())
        ]

    def _enrolled(self, run: RunContext, *, by_itself: bool) -> Enrolled:
        people = self._gallery.people()
        enrolment = Enrolment(
            self._client,
            self._gallery,
            self._records,
            self._host.http,
            run,
            self._options.det_prob,
            self._options.host,
            by_itself,
        )
        done = enrolment.go(people)
        with self._lock:
            if self._tags is not None:
                self._tags = _spelt(people)
        self._host.kept.put(NOTICE, _notice(people, done))
        return done

    def _outcome(self, sample: Sample, run: RunContext, tags: Mapping[str, str]) -> Outcome:
        started = time.monotonic()
        labels: list[Label] = []
        seen: list[Frame] = []
        failures: list[tuple[float, Failed]] = []
        for frame in sample.frames:
            looked = self._looked(frame, sample.id, run, tags)
            if isinstance(looked, Failed):
                failures.append((frame.at_s or 0.0, looked))
            else:
                seen.append(frame)
                labels += looked
        if failures and len(failures) == len(sample.frames):
            return failures[0][1]
        return Labelled(
            sample.id,
            tuple(labels),
            _MODEL,
            took_s=time.monotonic() - started,
            failed_frames=tuple(at_s for at_s, _failed in failures),
            frames=tuple(frame.at_s for frame in seen if frame.at_s is not None),
        )

    def _looked(
        self, frame: Frame, sample: str, run: RunContext, tags: Mapping[str, str]
    ) -> list[Label] | Failed:
        def ask(picture: bytes) -> list[Label]:
            seen = self._host.http.patiently(
                lambda: self._seen(picture, sample, run), cancelled=run.cancelled
            )
            self._stumbling.answered()
            size = Image.open(io.BytesIO(picture)).size
            return [label(one, size, frame.at_s, tags) for one in seen]

        since_s = time.monotonic()
        probe = partial(self._is_plain_one_taken, sample, run)
        try:
            return fitting(frame, ask)
        except Passing as exc:
            if run.cancelled() or not may_be_of_one(exc):
                raise
            # It may have gone down only just now, over this picture.
            if not self._stumbling.others_are_answered(probe, since_s=time.monotonic()):
                raise
            return Failed(sample, stumbled("CompreFace", exc), retryable=False)
        except Refused as exc:
            if not self._stumbling.others_are_answered(probe, since_s=since_s):
                raise EngineError(f"{str(exc).rstrip('.')}, whatever the picture.") from exc
            return Failed(sample, str(exc), retryable=exc.may_pass)
        except Malformed as exc:
            return Failed(sample, str(exc), retryable=True)

    def _is_plain_one_taken(self, sample: str, run: RunContext) -> bool:
        (frame,) = plain(sample).frames
        try:
            self._seen(jpeg(frame, short_side_px=SIDE_PX), sample, run)
        except Refused:
            return False
        return True

    def _seen(self, picture: bytes, sample: str, run: RunContext) -> list[Seen]:
        with reserved(run, sample, host=self._options.host, picture=picture):
            return self._client.recognise(picture)


def _spelt(people: People) -> dict[str, str]:
    """The tags as the file spells them: CompreFace takes no notice of case."""
    return {tag.casefold(): tag for tag in people.tags}


def _notice(people: People, done: Enrolled) -> str:
    notice = f"{_count(len(people.tags), 'person')}, {_count(len(people.pictures), 'picture')}"
    left_out = f"; left out: {len(done.problems)}" if done.problems else ""
    return f"{notice} in the file{left_out}."


def _count(number: int, what: str) -> str:
    plural = "people" if what == "person" else f"{what}s"
    return f"{number} {what if number == 1 else plural}"
