"""What TigerTag asks of CompreFace 1.2, and the settings that say where and how."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    FiniteFloat,
    SecretStr,
    StrictStr,
    ValidationError,
    field_validator,
    model_validator,
)

from tigertag.contracts import Host, RunContext
from tigertag.engines.compreface import sdk
from tigertag.engines.compreface.people import is_name
from tigertag.engines.compreface.sdk import SdkTransport
from tigertag.engines.http import ServiceOptions, checked_address
from tigertag.engines.http.concurrency import ConcurrencyLimiter
from tigertag.engines.http.errors import RequestRefused, Service, settle_failed
from tigertag.engines.http.jpeg import to_jpeg
from tigertag.errors import EngineError
from tigertag.model import Frame

MAX_CONCURRENCY = 3
SIDE_PX = 1080
_MOST_BYTES = 5_000_000
_SMALLER_SIDE_PX, _SMALLER_BYTES = 720, 1_000_000
_PAGE = 200
_MOST_PAGES = 10_000
_EXAMPLE = "http://nas"

Port = Annotated[int, Field(ge=1, le=65535)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class Options(ServiceOptions):
    """The engine's own options; docs/engines/compreface.md explains each."""

    agrees_by: ClassVar[str] = (
        "set the same API_URL, FACES_CONFIG and FACES_FOLDER, and copy the file and the folder that"
        " they name, or let both share them"
    )
    api_key: Annotated[SecretStr, Field(min_length=1)]
    api_url: str = "http://localhost"
    api_port: Port = 8000
    faces_folder: Path = Path("faces")
    faces_config: Path = Path("faces.yaml")
    det_prob: Probability = 0.8

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr) -> SecretStr:
        if not (key.get_secret_value().isascii() and key.get_secret_value().isprintable()):
            raise ValueError("it must be the key as CompreFace shows it")
        return key

    @field_validator("api_url")
    @classmethod
    def _is_a_host(cls, url: str) -> str:
        if urlsplit(url).path.strip("/"):
            raise ValueError(f"should be a scheme and a host, such as {_EXAMPLE}")
        return checked_address(url, example=_EXAMPLE)

    @model_validator(mode="after")
    def _agree_on_the_port(self) -> Self:
        port = urlsplit(self.api_url).port
        if port is not None and "api_port" in self.model_fields_set and port != self.api_port:
            raise ValueError("API_URL and API_PORT name two ports; leave one out")
        return self

    @property
    def port(self) -> int:
        return urlsplit(self.api_url).port or self.api_port

    @property
    def domain(self) -> str:
        """Scheme and host, without the port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{urlsplit(self.api_url).scheme}://{host}"

    @property
    def host(self) -> str:
        return urlsplit(self.api_url).hostname or ""

    @property
    def address(self) -> str:
        return f"{self.domain}:{self.port}"


class _FaceBox(BaseModel):
    """In pixels of the picture that was sent."""

    x_min: FiniteFloat
    y_min: FiniteFloat
    x_max: FiniteFloat
    y_max: FiniteFloat


class _Likeness(BaseModel):
    subject: StrictStr = ""
    similarity: FiniteFloat = 0.0


class DetectedFace(BaseModel):
    """A face in a picture: where it is, and whom it is like, the most similar first."""

    box: _FaceBox
    subjects: Annotated[tuple[_Likeness, ...], BeforeValidator(lambda given: given or ())] = ()

    @property
    def best(self) -> _Likeness:
        return self.subjects[0] if self.subjects else _Likeness()


class StoredFace(BaseModel):
    """A picture of a face that CompreFace keeps."""

    image_id: StrictStr
    subject: StrictStr


class _Added(BaseModel):
    image_id: StrictStr


class _Recognised(BaseModel):
    result: tuple[DetectedFace, ...]


class _FacesPage(BaseModel):
    faces: tuple[StoredFace, ...]
    total_pages: int


class _Subjects(BaseModel):
    subjects: tuple[StrictStr, ...]


class UnreadableAnswer(EngineError):
    """CompreFace gave an answer that cannot be read."""


class CompreFaceClient:
    """One recognition service of a CompreFace. Thread-safe.

    Each method raises `EngineError`. `recognise` and `add` ask once; the others, which may be
    repeated, are tried again.
    """

    def __init__(self, id: str, options: Options, host: Host) -> None:
        stem = f"ENGINE_{id.upper()}_"
        self.service = Service(
            f"CompreFace at {options.address}",
            sdk.meaning,
            credentials=f"{stem}API_KEY (the key of a *recognition* service)",
            address=f"{stem}API_URL and {stem}API_PORT",
            request="the log of CompreFace",
        )
        self.options = options
        self.http = host.http
        self._key = options.api_key.get_secret_value()
        self._least = {"det_prob_threshold": options.det_prob}
        self._session = host.http.session()
        limiter = ConcurrencyLimiter(MAX_CONCURRENCY, host.slots)
        self._transport = SdkTransport(self.service, self._session, limiter, options.address)

    def recognise(self, picture: bytes) -> list[DetectedFace]:
        """Return the faces in a JPEG; none is no error."""
        options = {"limit": 0, "prediction_count": 1} | self._least
        try:
            answer = self._once(lambda: self._service.recognize(_jpeg(picture), options))
        except RequestRefused as exc:
            if exc.fault.code == sdk.NO_FACE:
                return []
            raise
        return list(self._read(_Recognised, answer).result)

    def add(self, picture: bytes, subject: str) -> str:
        """Add a JPEG of one face to a subject, which is made if need be; return its image_id."""
        name = _quoted(subject)
        answer = self._once(lambda: self._faces.add(_jpeg(picture), name, self._least))
        return self._read(_Added, answer).image_id

    def faces(self, *, once: bool = False) -> list[StoredFace]:
        """Return every picture of a face that is there, page by page; `once`: with no retry."""
        ask, faces = self._once if once else self._retried, list[StoredFace]()
        for number in range(_MOST_PAGES):
            answer = ask(lambda: self._faces.list(), page=number, size=_PAGE)
            page = self._read(_FacesPage, answer)
            faces += page.faces
            if not page.faces or number + 1 >= page.total_pages:
                break
        return faces

    def subjects(self) -> list[str]:
        answer = self._retried(lambda: self._service.get_subjects().list())
        return list(self._read(_Subjects, answer).subjects)

    def picture(self, image_id: str) -> bytes:
        """Return a picture as it was sent, or nothing where CompreFace does not keep it."""
        try:
            return self.http.retry(lambda: self._transport.picture(image_id, key=self._key))
        except RequestRefused:
            return b""

    def delete_face(self, image_id: str) -> None:
        """Delete one picture; it may be gone already."""
        name = _quoted(image_id)
        self._retried(lambda: self._faces.delete(name))

    def delete_subject(self, subject: str) -> None:
        """Delete one subject with all of its pictures; it may be gone already."""
        name = _quoted(subject)
        self._retried(lambda: self._service.get_subjects().delete(name))

    def close(self) -> None:
        """Close the connections; whoever goes on opens new ones."""
        self._session.close()

    def _once(self, method: Callable[[], Any], **params: int) -> Any:
        return sdk.call(replace(self._transport, params=params), method)

    def _retried(self, method: Callable[[], Any], **params: int) -> Any:
        return self.http.retry(lambda: self._once(method, **params))

    def _read(self, model: type[M], answer: Any) -> M:
        try:
            return model.model_validate(answer)
        except ValidationError as exc:
            message = f"{self.service.label} gave an answer that cannot be read."
            raise UnreadableAnswer(message) from exc

    @property
    def _faces(self) -> Any:
        return self._service.get_face_collection()

    @cached_property
    def _service(self) -> Any:
        return sdk.recognition(self.options.domain, self.options.port, self._key)


def send_fitting(frame: Frame, send: Callable[[bytes], T]) -> T:
    """Send a picture; where a proxy on the way finds it too big, a smaller one, once."""
    try:
        return send(to_jpeg(frame, short_side_px=SIDE_PX, max_bytes=_MOST_BYTES))
    except RequestRefused as exc:
        if exc.fault.status != sdk.TOO_BIG:
            raise
    return send(to_jpeg(frame, short_side_px=_SMALLER_SIDE_PX, max_bytes=_SMALLER_BYTES))


@contextmanager
def reserved(run: RunContext, sample: str, *, host: str, picture: bytes) -> Iterator[None]:
    """Reserve a call that carries a picture; settle it where it is known what came of it."""
    call = run.calls.reserve(sample, host=host, size_bytes=len(picture))
    try:
        yield
    except EngineError as exc:
        settle_failed(call, exc)
        raise
    call.settle(units=0, cost_usd=0.0)


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
