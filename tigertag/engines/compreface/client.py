"""What is asked of CompreFace 1.2, in this program's words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

from requests import Session

from tigertag.contracts import Http
from tigertag.engines.compreface import sdk
from tigertag.engines.compreface.listing import is_name
from tigertag.engines.compreface.options import Options
from tigertag.engines.compreface.sdk import Door, Refused
from tigertag.errors import EngineError
from tigertag.remote.gate import Gate

MAX_CONCURRENCY = 3
_PAGE = 200
_MOST_PAGES = 10_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """A face in a picture: its box in pixels, and whom it is most like, if there is anybody."""

    left: float
    top: float
    right: float
    bottom: float
    subject: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Known:
    """A picture of a face that CompreFace keeps."""

    image_id: str
    subject: str


class Malformed(EngineError):
    """CompreFace answered what cannot be understood."""


class Client:
    """One recognition service of a CompreFace. Thread-safe.

    Each method raises `EngineError`. `recognise` and `add` ask once; the others, which may be
    repeated, patiently.
    """

    def __init__(self, id: str, options: Options, http: Http) -> None:
        self.address = options.address
        self._options = options
        self._http = http
        self._session: Session = http.session()
        key_setting = f"ENGINE_{id.upper()}_API_KEY"
        self._door = Door(self._session, Gate(MAX_CONCURRENCY), options.address, key_setting)

    def recognise(self, picture: bytes) -> list[Seen]:
        """Return the faces in a JPEG; none is no error."""
        options = {"limit": 0, "prediction_count": 1} | self._least
        try:
            said = sdk.asked(self._door, lambda: self._service.recognize(_jpeg(picture), options))
        except Refused as exc:
            if exc.code == sdk.NO_FACE:
                return []
            raise
        return _read(lambda: [_seen(one) for one in said["result"]], self.address)

    def add(self, picture: bytes, subject: str) -> str:
        """Add a JPEG of one face to a subject, which is made if need be; return its image_id."""
        named = _quoted(subject)
        said = sdk.asked(self._door, lambda: self._faces.add(_jpeg(picture), named, self._least))
        return _read(lambda: _text(said["image_id"]), self.address)

    def faces(self, *, once: bool = False) -> list[Known]:
        """Return every picture of a face that is there, page by page; `once`: without patience."""
        return list(self._pages(sdk.asked if once else self._patiently))

    def subjects(self) -> list[str]:
        listed = self._service.get_subjects()
        said = self._patiently(self._door, listed.list)
        return _read(lambda: [_text(one) for one in said["subjects"]], self.address)

    def picture(self, image_id: str) -> bytes:
        """Return a picture as it was sent, or nothing where CompreFace does not keep it."""
        try:
            return self._http.retry(lambda: self._door.picture(image_id, key=self._key))
        except Refused:
            return b""

    def delete_face(self, image_id: str) -> None:
        """Delete one picture; it may be gone already."""
        self._delete(lambda: self._faces.delete(_quoted(image_id)))

    def delete_subject(self, subject: str) -> None:
        """Delete one subject with all of its pictures; it may be gone already."""
        named = _quoted(subject)
        self._delete(lambda: self._service.get_subjects().delete(named))

    def close(self) -> None:
        """Close the connections; whoever goes on opens new ones."""
        self._session.close()

    def _delete(self, call: Callable[[], Any]) -> None:
        try:
            self._patiently(self._door, call)
        except Refused as exc:
            if exc.status != 404:
                raise

    def _pages(self, ask: Callable[[Door, Callable[[], Any]], Any]) -> Iterator[Known]:
        for number in range(_MOST_PAGES):
            door = replace(self._door, params={"page": number, "size": _PAGE})
            page, pages = self._page(ask(door, self._faces.list))
            yield from page
            if not page or number + 1 >= pages:
                return

    def _page(self, said: Any) -> tuple[list[Known], int]:
        return _read(
            lambda: ([_known(one) for one in said["faces"]], int(said["total_pages"])),
            self.address,
        )

    def _patiently(self, door: Door, call: Callable[[], Any]) -> Any:
        return self._http.retry(lambda: sdk.asked(door, call))

    @property
    def _least(self) -> dict[str, float]:
        return {"det_prob_threshold": self._options.det_prob}

    @property
    def _key(self) -> str:
        return self._options.api_key.get_secret_value()

    @property
    def _faces(self) -> Any:
        return self._service.get_face_collection()

    @cached_property
    def _service(self) -> Any:
        return sdk.service(self._options.domain, self._options.port, self._key)


def _quoted(name: str) -> str:
    """Quote a name for the SDK, which puts it into the URL as it is."""
    if not is_name(name):
        raise EngineError(f"{name!r} cannot be the name of anybody in CompreFace.")
    return quote(name, safe="")


def _jpeg(picture: bytes) -> bytes:
    """Refuse what the SDK would take for a file's name: a JPEG has zero bytes, a name has none."""
    if b"\0" not in picture:
        raise AssertionError("a picture is sent as a JPEG")
    return picture


def _read(take: Callable[[], T], address: str) -> T:
    try:
        return take()
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as exc:
        message = f"CompreFace at {address} answered what cannot be understood."
        raise Malformed(message) from exc


def _seen(face: Any) -> Seen:
    box = face["box"]
    left, top, right, bottom = (_number(box[one]) for one in ("x_min", "y_min", "x_max", "y_max"))
    subjects = face.get("subjects") or [{"subject": "", "similarity": 0.0}]
    subject, similarity = _text(subjects[0]["subject"]), _number(subjects[0]["similarity"])
    return Seen(left, top, right, bottom, subject, similarity)


def _known(face: Any) -> Known:
    return Known(_text(face["image_id"]), _text(face["subject"]))


def _number(value: Any) -> float:
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError(value)
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
