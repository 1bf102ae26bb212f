"""One request to the fake CompreFace, and its answer."""

import re
import time
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from uuid import UUID

from tests.compreface.drawing import Face, faces_in
from tests.service import HTML, Route, ServiceHandler, find_route

if TYPE_CHECKING:
    from tests.compreface.server import CompreFaceServer

_NGINX_BYTES = 10 * 1024 * 1024
_FILE_BYTES = 5 * 1024 * 1024
_ROOT = "/api/v1/recognition"
_PARAMS = {
    "recognize": {"limit", "prediction_count", "det_prob_threshold", "status", "face_plugins"},
    "add": {"subject", "det_prob_threshold"},
    "faces": {"page", "size", "subject"},
}


class Refused(Exception):
    """The server answers with this status, and JSON with this code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.said = {"message": message, "code": code}


class Handler(ServiceHandler):
    @property
    def fake(self) -> "CompreFaceServer":
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def serve(self) -> None:
        line = f"{self.command} {self.path}"
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with self.fake.lock:
            self.fake.log.append(line)
            self.fake.bodies.append(body)
        self._check_manners()
        fault = self.fake.faults.take(line)
        if fault == "too big" or len(body) > _NGINX_BYTES:
            self._page(413, "Request Entity Too Large")
        elif isinstance(fault, int):
            code = 41 if fault == 500 else self.fake.code
            self.send(fault, {"message": "Out of order", "code": code})
        elif fault is not None:
            self._misbehave(fault, body)
        else:
            self._answer(body)

    def _check_manners(self) -> None:
        if self.fake.key in unquote(self.path):
            self.fake.violations.append("the key was sent in a URL")
        if self.headers.get("Transfer-Encoding"):
            self.fake.violations.append("a body came in chunks")

    def _answer(self, body: bytes) -> None:
        try:
            status, said = self._done(body)
        except Refused as exc:
            status, said = exc.status, exc.said
        if isinstance(said, bytes):
            self.send(status, said, kind="application/octet-stream")
        elif isinstance(said, str):
            self._page(status, said)
        else:
            self.send(status, said)

    def _done(self, body: bytes) -> tuple[int, Any]:
        self._check_key()
        path, _mark, query = self.path.partition("?")
        params = dict(parse_qsl(query, keep_blank_values=True))
        found = find_route(_ROUTES, f"{self.command} {path}")
        if found is None:
            self.fake.violations.append(f"{self.command} {path} is nothing")
            raise Refused(404, 0, "No message available")
        name, match, answer = found
        self.fake.counts[name] += 1
        self._check_params(name, params)
        return answer(self, match, params, body)

    def _check_key(self) -> None:
        key = self.headers.get("x-api-key")
        if key is None:
            raise Refused(400, 20, "Missing header: x-api-key")
        try:
            UUID(key)
        except ValueError:
            raise Refused(400, 26, "UUID required in header: x-api-key") from None
        if key != self.fake.key:
            raise Refused(404, 10, f"Model with key {key} does not exist")

    def _check_params(self, name: str, params: dict[str, str]) -> None:
        unknown = params.keys() - _PARAMS.get(name, set())
        if unknown:
            self.fake.violations.append(f"{name} had the parameters {sorted(unknown)}")

    def _misbehave(self, fault: str, body: bytes) -> None:
        match fault:
            case "html":
                self._page(200, "Welcome")
            case "down":
                self._page(502, "Bad Gateway")
            case "empty":
                self.send(200, b"")
            case "nonsense":
                self.send(200, {"result": [{"box": None}], "faces": 1, "subjects": [1]})
            case "garbled":
                self.send(200, b'{"result":[{"box":{"x_m')
            case "silent":
                self.keep_silent()
            case "late":
                self.keep_silent()
                self._done(body)
            case "lost":
                self._done(body)
                self.reset()
            case _:
                self.reset()

    def recognize(
        self, _found: re.Match[str], params: dict[str, str], body: bytes
    ) -> tuple[int, Any]:
        with self.fake.recognitions.counted():
            time.sleep(self.fake.answer_s)
            faces = self._faces(body, params)
            count = int(params.get("prediction_count", "1"))
            most = int(params.get("limit", "0")) or len(faces)
            with self.fake.lock:
                return 200, {"result": [self._seen(one, count) for one in faces[:most]]}

    def _seen(self, face: Face, count: int) -> dict[str, Any]:
        alike = {
            one.subject: self.fake.similarity if one.person == face.person else self.fake.likeness
            for one in sorted(
                self.fake.examples.values(), key=lambda one: one.person == face.person
            )
        }
        best = sorted(alike.items(), key=lambda pair: -pair[1])[:count]
        box = {
            "probability": self.fake.probability,
            "x_max": face.x_max,
            "y_max": face.y_max,
            "x_min": face.x_min,
            "y_min": face.y_min,
        }
        subjects = [{"subject": name, "similarity": round(how, 5)} for name, how in best]
        return {"box": box, "subjects": subjects}

    def add(self, _found: re.Match[str], params: dict[str, str], body: bytes) -> tuple[int, Any]:
        if not params.get("subject", "").strip():
            raise Refused(400, 33, "Missing request parameter: subject")
        faces = self._faces(body, params)
        if len(faces) > 1:
            raise Refused(400, 31, "Found more than one face in the given image")
        image_id = self.fake.add(params["subject"], faces[0].person, self._file(body))
        return 201, {"image_id": image_id, "subject": params["subject"]}

    def faces(self, _found: re.Match[str], params: dict[str, str], _body: bytes) -> tuple[int, Any]:
        page, size = int(params.get("page", "0")), int(params.get("size", "20"))
        with self.fake.lock:
            kept = list(self.fake.examples.values())
        shown = kept[page * size : (page + 1) * size]
        return 200, {
            "faces": [{"image_id": one.image_id, "subject": one.subject} for one in shown],
            "page_number": page,
            "page_size": size,
            "total_pages": -(-len(kept) // size),
            "total_elements": len(kept),
        }

    def picture(self, found: re.Match[str], _params: object, _body: bytes) -> tuple[int, Any]:
        kept = self.fake.examples.get(found[1])
        return 200, kept.picture if kept and self.fake.keeps_pictures else b""

    def delete_face(self, found: re.Match[str], _params: object, _body: bytes) -> tuple[int, Any]:
        with self.fake.lock:
            gone = self.fake.examples.pop(found[1], None)
        if gone is None:
            raise Refused(404, 11, f"Image {found[1]} not found")
        return 200, {"image_id": gone.image_id, "subject": gone.subject}

    def subjects(self, _found: object, _params: object, _body: bytes) -> tuple[int, Any]:
        with self.fake.lock:
            return 200, {"subjects": list(self.fake.subjects.values())}

    def delete_subject(
        self, found: re.Match[str], _params: object, _body: bytes
    ) -> tuple[int, Any]:
        """Tomcat refuses brackets, quoted or not (CompreFace's issue 899)."""
        name = unquote(found[1])
        if set(name) & set("[]"):
            return 400, "Bad Request"
        with self.fake.lock:
            if name.casefold() not in self.fake.subjects:
                raise Refused(404, 0, f"Subject {name} not found")
            name = self.fake.subjects.pop(name.casefold())
            kept = self.fake.examples.items()
            self.fake.examples = {key: one for key, one in kept if one.subject != name}
        return 200, {"subject": name}

    def wipe(self, _found: object, _params: object, _body: bytes) -> tuple[int, Any]:
        self.fake.wiped += 1
        self.fake.violations.append(f"{self.command} {self.path} wipes the collection")
        self.fake.forget_everything()
        return 200, {"deleted": 1}

    def _faces(self, body: bytes, params: dict[str, str]) -> list[Face]:
        """The faces in what was sent; what cannot be decoded has none, as at the real one."""
        least = float(params.get("det_prob_threshold", "0"))
        try:
            faces = faces_in(self._file(body)) if self.fake.probability >= least else []
        except OSError:
            faces = []
        if not faces:
            raise Refused(400, 28, "No face is found in the given image")
        return faces

    def _file(self, body: bytes) -> bytes:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = list(BytesParser(policy=HTTP).parsebytes(head + body).iter_parts())
        if [part.get_param("name", header="content-disposition") for part in parts] != ["file"]:
            raise Refused(400, 0, "Something went wrong, please try again")
        file = parts[0].get_payload(decode=True)
        assert isinstance(file, bytes)
        if len(file) > _FILE_BYTES:
            raise Refused(400, 0, "Something went wrong, please try again")
        return file

    def _page(self, status: int, title: str) -> None:
        page = (
            f"<!doctype html><html><head><title>{title}</title></head><body>{title}</body></html>"
        )
        self.send(status, page.encode(), kind=HTML)


_Answer = Callable[[Handler, re.Match[str], dict[str, str], bytes], tuple[int, Any]]
_ID = r"([0-9a-f-]{36})"
_ROUTES: tuple[Route[_Answer], ...] = (
    (rf"POST {_ROOT}/recognize", "recognize", Handler.recognize),
    (rf"POST {_ROOT}/faces", "add", Handler.add),
    (rf"GET {_ROOT}/faces", "faces", Handler.faces),
    (rf"GET {_ROOT}/faces/{_ID}/img", "picture", Handler.picture),
    (rf"DELETE {_ROOT}/faces/{_ID}", "face", Handler.delete_face),
    (rf"GET {_ROOT}/subjects/?", "subjects", Handler.subjects),
    (rf"DELETE {_ROOT}/subjects/([^/]+)", "subject", Handler.delete_subject),
    (rf"DELETE {_ROOT}/(?:faces|subjects)/?", "wipe", Handler.wipe),
)
