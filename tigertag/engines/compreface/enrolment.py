"""Bringing CompreFace up to date with `faces.yaml`, by difference.

What is written down before each step makes it safe to be killed between any two: a picture that may
have arrived is looked for before it is sent again, and only an image_id that TigerTag was given, or
whose picture is byte for byte what it sent, is ever deleted.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from tigertag.contracts import Enrolled, Http, RunContext
from tigertag.engines.compreface import sdk
from tigertag.engines.compreface.client import Client, Known
from tigertag.engines.compreface.gallery import Gallery, People, Picture
from tigertag.engines.compreface.listing import Finding
from tigertag.engines.compreface.records import Record, Records, ids_of, key_of
from tigertag.engines.compreface.sdk import Refused
from tigertag.engines.compreface.sending import SIDE_PX, fitting, reserved
from tigertag.errors import ItemError
from tigertag.remote.once import Passing

_REASONS: Mapping[int | None, str] = {
    sdk.NO_FACE: "CompreFace finds no face in it",
    sdk.SEVERAL_FACES: "CompreFace finds more than one face in it",
    sdk.TOO_BIG: "it is too big for CompreFace, or for a proxy before it",
}

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Enrolment:
    """One go, made while nobody else is at it. `host` is where the pictures go.

    `by_itself`: nobody has asked for it, so a file that names nobody, perhaps another one than it
    was, removes nobody.
    """

    client: Client
    gallery: Gallery
    records: Records
    http: Http
    run: RunContext
    det_prob: float
    host: str
    by_itself: bool = False
    _added: int = 0
    _removed: int = 0
    _problems: list[str] = field(default_factory=list)
    _there: dict[str, Known] = field(default_factory=dict)

    def go(self, people: People) -> Enrolled:
        """Remove what is named no more, then send what is missing. Raises `EngineError`."""
        known = self.records.all()
        if people.pictures or known:
            self._look()
        known = self._recovered(known)
        if people.tags or not known or not self.by_itself:
            for key, record in _unwanted(people, known):
                if self.run.cancelled():
                    break
                self._remove(key, record)
            else:
                self._clear_subjects(people)
        else:
            self._problems.append(
                f"faces.yaml names nobody; the {len(known)} pictures that were sent stay in"
                " CompreFace until `tigertag faces enrol` takes them out."
            )
        for picture in people.pictures:
            if self.run.cancelled():
                break
            self._bring(picture)
        return Enrolled(self._added, self._removed, tuple(self._problems))

    def _look(self, *, once: bool = False) -> None:
        self._there = {one.image_id: one for one in self.client.faces(once=once)}

    def _recovered(self, known: Mapping[str, Record]) -> dict[str, Record]:
        """Add to the records what arrived without our having heard of it."""
        found = dict(known)
        for key, record in known.items():
            for image_id in self._arrived(record):
                found[key] = record = record.with_id(image_id)
                self.records.put(key, record)
        return found

    def _arrived(self, record: Record) -> list[str]:
        """Return where the picture is that was on its way: the bytes tell, none else is ours."""
        if not record.sending:
            return []
        ours = ids_of(self.records.all().values())
        return [
            one.image_id
            for one in self._of(record.subject)
            if one.image_id not in ours
            and sha256(self.client.picture(one.image_id)).hexdigest() == record.sending
        ]

    def _of(self, subject: str) -> list[Known]:
        """Return the pictures of a subject; CompreFace takes no notice of case."""
        word = subject.casefold()
        return [one for one in self._there.values() if one.subject.casefold() == word]

    def _remove(self, key: str, record: Record) -> None:
        for image_id in record.ids:
            if self._there.pop(image_id, None) is not None:
                self.client.delete_face(image_id)
                self._removed += 1
                logger.info("removed %s, a picture of %s", record.name, record.subject)
        self.records.drop(key)

    def _clear_subjects(self, people: People) -> None:
        """Delete the subjects that TigerTag made, that nobody is named by and that are empty."""
        named = {tag.casefold() for tag in people.tags}
        for subject, made in self.records.made().items():
            if subject.casefold() in named:
                continue
            if made:
                self._delete_empty(subject)
            self.records.forget(subject)

    def _delete_empty(self, subject: str) -> None:
        self._look()
        if self._of(subject) or subject.casefold() not in self._known_subjects():
            return
        try:
            self.client.delete_subject(subject)
        except Refused as exc:
            self._problems.append(f"{subject} is left in CompreFace without any picture: {exc}")

    def _bring(self, picture: Picture) -> None:
        if picture.problem:
            self._tell(picture, picture.problem)
            return
        key = key_of(picture)
        before = self.records.get(key) or Record(picture.tag, picture.name)
        record = replace(before, name=picture.name)
        if self._there.keys() & set(record.ids):
            if record != before:
                self.records.put(key, record)
        elif record.refused and record.det_prob == self.det_prob:
            self._tell(picture, f"{picture.name} is left out: {record.refused}.")
        else:
            self._send(key, record, picture)

    def _send(self, key: str, record: Record, picture: Picture) -> None:
        try:
            frame = self.gallery.load(picture, SIDE_PX)
        except (ItemError, OSError) as exc:
            self._tell(picture, f"{picture.name}: {exc}")
            return
        self._note(picture.tag)
        try:
            image_id = fitting(frame, lambda jpeg: self._add(key, record, jpeg))
        except Refused as exc:
            self._refuse(key, record, picture, exc)
            return
        self.records.put(key, record.with_id(image_id))
        self._there[image_id] = Known(image_id, picture.tag)
        self._added += 1
        logger.info("sent %s, a picture of %s", picture.name, picture.tag)

    def _add(self, key: str, record: Record, jpeg: bytes) -> str:
        """Send a picture until it is there; before each further try look whether it is."""
        record = replace(record, sending=sha256(jpeg).hexdigest())
        self.records.put(key, record)
        in_doubt = False

        def attempt() -> str:
            nonlocal in_doubt
            if in_doubt:
                self._look(once=True)
                if arrived := self._arrived(record):
                    return arrived[0]
            try:
                with reserved(self.run, record.name, host=self.host, picture=jpeg):
                    return self.client.add(jpeg, record.subject)
            except Passing as exc:
                in_doubt = in_doubt or exc.in_doubt
                raise

        return self.http.retry(attempt, cancelled=self.run.cancelled)

    def _note(self, subject: str) -> None:
        """Write down whether it is we who make the subject, before we do."""
        if self._of(subject) and subject in self.records.made():
            return
        made = subject.casefold() not in self._known_subjects()
        self.records.note(subject, made=made)

    def _known_subjects(self) -> set[str]:
        return {one.casefold() for one in self.client.subjects()}

    def _refuse(self, key: str, record: Record, picture: Picture, exc: Refused) -> None:
        """Tell of it; remember it where it is the picture's fault, and will be the next time."""
        known = _REASONS.get(exc.status) or _REASONS.get(exc.code)
        if known:
            self.records.put(key, replace(record, refused=known, det_prob=self.det_prob))
        reason = known or f"CompreFace does not take it ({exc.told})"
        self._tell(picture, f"{picture.name} is left out: {reason}.")

    def _tell(self, picture: Picture, text: str) -> None:
        self._problems.append(self.gallery.said(Finding(picture.line, text)))


def _unwanted(people: People, known: Mapping[str, Record]) -> Iterator[tuple[str, Record]]:
    """Yield what is named no more; a picture whose file cannot be read now still is named."""
    wanted = {key_of(one) for one in people.pictures if one.sha256}
    unread = {(one.tag, one.name) for one in people.pictures if not one.sha256}
    for key, record in known.items():
        if key not in wanted and (record.subject, record.name) not in unread:
            yield key, record
