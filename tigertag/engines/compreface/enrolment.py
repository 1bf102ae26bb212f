"""Bringing CompreFace up to date with `faces.yaml`, by difference.

What is stored before each step makes it safe to be killed between any two: a picture that may have
arrived is looked for before it is sent again, and only an image_id that TigerTag was given, or
whose picture is byte for byte what it sent, is ever deleted.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b, sha256

from pydantic import TypeAdapter

from tigertag.contracts import Enrolled, PluginState, RunContext
from tigertag.engines.compreface import sdk
from tigertag.engines.compreface.client import (
    SIDE_PX,
    CompreFaceClient,
    StoredFace,
    reserved,
    send_fitting,
)
from tigertag.engines.compreface.people import FacePicture, FileProblem, Gallery, People
from tigertag.engines.http.errors import RequestRefused, ServiceUnavailable
from tigertag.errors import ItemError

_REASONS: Mapping[int | str | None, str] = {
    sdk.NO_FACE: "CompreFace finds no face in it",
    sdk.SEVERAL_FACES: "CompreFace finds more than one face in it",
    sdk.TOO_BIG: "it is too big for CompreFace, or for a proxy before it",
}
_FACE, _SUBJECT = "face/", "subject/"
_MOST_IDS = 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SentPicture:
    """One picture of one person, as the engine's store keeps it.

    `ids`: the image_ids that it ever got, here or at another CompreFace. `sending`: the SHA-256 of
    the JPEG that is on its way, or of one that may still arrive a second time. `refused`: why
    CompreFace does not take it, with faces that are found from `det_prob` on.
    """

    subject: str
    name: str
    ids: tuple[str, ...] = ()
    sending: str = ""
    refused: str = ""
    det_prob: float = 0.0

    def with_id(self, image_id: str) -> "SentPicture":
        others = (other for other in self.ids if other != image_id)
        return SentPicture(self.subject, self.name, (*others, image_id)[-_MOST_IDS:])


_SENT = TypeAdapter(SentPicture)


class EnrolmentStore:
    """What TigerTag did at CompreFace: pictures, and the subjects that it made. Thread-safe."""

    def __init__(self, state: PluginState) -> None:
        self._state = state
        self.drop = state.drop

    def all(self) -> dict[str, SentPicture]:
        return {key: _SENT.validate_json(text) for key, text in self._state.under(_FACE).items()}

    def ids(self) -> set[str]:
        """Return the image_ids that TigerTag was ever given."""
        return {image_id for sent in self.all().values() for image_id in sent.ids}

    def get(self, key: str) -> SentPicture | None:
        text = self._state.get(key)
        return None if text is None else _SENT.validate_json(text)

    def put(self, key: str, sent: SentPicture) -> None:
        self._state.put(key, _SENT.dump_json(sent).decode())

    def subjects(self) -> dict[str, bool]:
        """Return the subjects that hold pictures of ours, and whether TigerTag made each."""
        values = map(json.loads, self._state.under(_SUBJECT).values())
        return {value["subject"]: bool(value["made"]) for value in values}

    def put_subject(self, subject: str, *, made: bool) -> None:
        value = json.dumps({"subject": subject, "made": made}, ensure_ascii=False)
        self._state.put(_SUBJECT + _digest(subject), value)

    def drop_subject(self, subject: str) -> None:
        self._state.drop(_SUBJECT + _digest(subject))


@dataclass(slots=True)
class EnrolmentRun:
    """One enrolment, made while no other is.

    `by_itself`: no user asked for it, so a file that names nobody, perhaps another one than before,
    removes nobody.
    """

    client: CompreFaceClient
    gallery: Gallery
    store: EnrolmentStore
    run: RunContext
    by_itself: bool = False
    _added: int = 0
    _removed: int = 0
    _problems: list[str] = field(default_factory=list)
    _stored: dict[str, StoredFace] = field(default_factory=dict)

    def enrol(self, people: People) -> Enrolled:
        """Remove what is named no more, then send what is missing. Raises `EngineError`."""
        sent = self.store.all()
        if people.pictures or sent:
            self._look()
        sent = self._with_arrived(sent)
        if people.tags or not sent or not self.by_itself:
            self._remove_unwanted(people, sent)
        else:
            self._problems.append(
                f"faces.yaml names nobody; the {len(sent)} pictures that were sent stay in"
                " CompreFace until `tigertag faces enrol` removes them."
            )
        for picture in people.pictures:
            if self.run.cancelled():
                break
            self._bring(picture)
        return Enrolled(self._added, self._removed, tuple(self._problems))

    def _look(self, *, once: bool = False) -> None:
        self._stored = {face.image_id: face for face in self.client.faces(once=once)}

    def _with_arrived(self, sent: Mapping[str, SentPicture]) -> dict[str, SentPicture]:
        """Add the ids of pictures that arrived without our having heard of it."""
        updated = dict(sent)
        for key, picture in sent.items():
            for image_id in self._arrived(picture):
                picture = picture.with_id(image_id)
            if picture.sending and picture.ids:
                picture = replace(picture, sending="")
            if picture != sent[key]:
                updated[key] = picture
                self.store.put(key, picture)
        return updated

    def _arrived(self, sent: SentPicture) -> list[str]:
        """Return where the picture is that was on its way: the bytes tell, none else is ours."""
        if not sent.sending:
            return []
        ours = self.store.ids()
        return [
            face.image_id
            for face in self._faces_of(sent.subject)
            if face.image_id not in ours
            and sha256(self.client.picture(face.image_id)).hexdigest() == sent.sending
        ]

    def _faces_of(self, subject: str) -> list[StoredFace]:
        """Return the pictures of a subject; CompreFace ignores case."""
        name = subject.casefold()
        return [face for face in self._stored.values() if face.subject.casefold() == name]

    def _remove_unwanted(self, people: People, sent: Mapping[str, SentPicture]) -> None:
        for key, picture in _unwanted(people, sent):
            if self.run.cancelled():
                return
            for image_id in picture.ids:
                if self._stored.pop(image_id, None) is not None:
                    self.client.delete_face(image_id)
                    self._removed += 1
                    logger.info("removed %s, a picture of %s", picture.name, picture.subject)
            self.store.drop(key)
        self._clear_subjects(people)

    def _clear_subjects(self, people: People) -> None:
        """Delete the subjects that TigerTag made, that the file does not name and are empty."""
        named = {tag.casefold() for tag in people.tags}
        for subject, made in self.store.subjects().items():
            if subject.casefold() in named:
                continue
            # The user may have added a picture meanwhile: look again, as close to it as can be.
            if made and self._is_empty(subject):
                try:
                    self.client.delete_subject(subject)
                except RequestRefused as exc:
                    problem = f"{subject} is left in CompreFace without any picture: {exc}"
                    self._problems.append(problem)
            self.store.drop_subject(subject)

    def _is_empty(self, subject: str) -> bool:
        self._look()
        return not self._faces_of(subject) and self._is_known(subject)

    def _bring(self, picture: FacePicture) -> None:
        if picture.problem:
            self._report(picture, picture.problem)
            return
        key = _key_of(picture)
        before = self.store.get(key) or SentPicture(picture.tag, picture.name)
        sent = replace(before, name=picture.name)
        if self._stored.keys() & set(sent.ids):
            if sent != before:
                self.store.put(key, sent)
        elif sent.refused and sent.det_prob == self.client.options.det_prob:
            self._report(picture, f"{picture.name} is left out: {sent.refused}.")
        else:
            self._send(key, sent, picture)

    def _send(self, key: str, sent: SentPicture, picture: FacePicture) -> None:
        try:
            frame = self.gallery.load(picture, SIDE_PX)
        except (ItemError, OSError) as exc:
            self._report(picture, f"{picture.name}: {exc}")
            return
        self._note_subject(picture.tag)
        try:
            added = send_fitting(frame, lambda jpeg: self._add(key, sent, jpeg))
        except RequestRefused as exc:
            self._refuse(key, sent, picture, exc)
            return
        self.store.put(key, added)
        image_id = added.ids[-1]
        self._stored[image_id] = StoredFace(image_id=image_id, subject=picture.tag)
        self._added += 1
        logger.info("sent %s, a picture of %s", picture.name, picture.tag)

    def _add(self, key: str, sent: SentPicture, jpeg: bytes) -> SentPicture:
        """Send a picture until it is there; before each further try look whether it is.

        A busy CompreFace may still be at work on a request that timed out when we look, so a
        picture that was sent again is looked for once more at the next enrolment: one that nobody
        knows of would outlive its person.
        """
        sent = replace(sent, sending=sha256(jpeg).hexdigest())
        self.store.put(key, sent)
        in_doubt = False

        def attempt() -> str:
            nonlocal in_doubt
            if in_doubt:
                self._look(once=True)
                if arrived := self._arrived(sent):
                    return arrived[0]
            try:
                with reserved(self.run, sent.name, host=self.client.options.host, picture=jpeg):
                    return self.client.add(jpeg, sent.subject)
            except ServiceUnavailable as exc:
                in_doubt = in_doubt or exc.fault.in_doubt
                raise

        image_id = self.client.http.retry(attempt, cancelled=self.run.cancelled)
        return replace(sent.with_id(image_id), sending=sent.sending if in_doubt else "")

    def _note_subject(self, subject: str) -> None:
        """Store whether TigerTag makes the subject, before it does."""
        if self._faces_of(subject) and subject in self.store.subjects():
            return
        self.store.put_subject(subject, made=not self._is_known(subject))

    def _is_known(self, subject: str) -> bool:
        return subject.casefold() in map(str.casefold, self.client.subjects())

    def _refuse(
        self, key: str, sent: SentPicture, picture: FacePicture, exc: RequestRefused
    ) -> None:
        """Report it; remember it where the picture is to blame, and will be the next time."""
        lasting = _REASONS.get(exc.fault.status) or _REASONS.get(exc.fault.code)
        if lasting:
            self.store.put(
                key, replace(sent, refused=lasting, det_prob=self.client.options.det_prob)
            )
        reason = lasting or f"CompreFace does not take it ({exc.fault})"
        self._report(picture, f"{picture.name} is left out: {reason}.")

    def _report(self, picture: FacePicture, text: str) -> None:
        self._problems.append(self.gallery.describe(FileProblem(picture.line, text)))


def _unwanted(people: People, sent: Mapping[str, SentPicture]) -> Iterator[tuple[str, SentPicture]]:
    """Yield what is named no more; a picture whose file cannot be read now is still named."""
    wanted = {_key_of(picture) for picture in people.pictures if picture.sha256}
    unread = {(picture.tag, picture.name) for picture in people.pictures if not picture.sha256}
    for key, picture in sent.items():
        if key not in wanted and (picture.subject, picture.name) not in unread:
            yield key, picture


def _key_of(picture: FacePicture) -> str:
    """Return the name under which a picture of a person is stored; its file's name is no part."""
    return f"{_FACE}{picture.sha256}/{_digest(picture.tag)}"


def _digest(name: str) -> str:
    return blake2b(name.encode(), digest_size=8).hexdigest()
