"""What TigerTag did at CompreFace, as the engine's store keeps it."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b

from tigertag.contracts import PluginState
from tigertag.engines.compreface.gallery import Picture

_FACE, _SUBJECT = "face/", "subject/"
_MOST_IDS = 20


@dataclass(frozen=True, slots=True)
class Record:
    """One picture of one person.

    `ids`: the image_ids that it ever got, here or at another CompreFace. `sending`: the SHA-256 of
    the JPEG that is on its way; whether it arrived is not known. `refused`: why CompreFace does not
    take it, with faces that are found from `det_prob` on.
    """

    subject: str
    name: str
    ids: tuple[str, ...] = ()
    sending: str = ""
    refused: str = ""
    det_prob: float = 0.0

    def with_id(self, image_id: str) -> "Record":
        ids = (*(one for one in self.ids if one != image_id), image_id)
        return Record(self.subject, self.name, ids[-_MOST_IDS:])


class Records:
    """The records by picture, and the subjects that TigerTag made. Thread-safe."""

    def __init__(self, kept: PluginState) -> None:
        self._kept = kept

    def all(self) -> dict[str, Record]:
        return {key: _record(text) for key, text in self._kept.under(_FACE).items()}

    def get(self, key: str) -> Record | None:
        text = self._kept.get(key)
        return None if text is None else _record(text)

    def put(self, key: str, record: Record) -> None:
        self._kept.put(key, json.dumps(asdict(record), ensure_ascii=False))

    def drop(self, key: str) -> None:
        self._kept.drop(key)

    def made(self) -> dict[str, bool]:
        """Return the subjects that hold pictures of ours, and whether TigerTag made each."""
        kept = self._kept.under(_SUBJECT).values()
        return {one["subject"]: bool(one["made"]) for one in map(json.loads, kept)}

    def note(self, subject: str, *, made: bool) -> None:
        value = json.dumps({"subject": subject, "made": made}, ensure_ascii=False)
        self._kept.put(_SUBJECT + _digest(subject), value)

    def forget(self, subject: str) -> None:
        self._kept.drop(_SUBJECT + _digest(subject))


def key_of(picture: Picture) -> str:
    """Return the name under which a picture of a person is kept; its file's name is no part."""
    return f"{_FACE}{picture.sha256}/{_digest(picture.tag)}"


def ids_of(records: Iterable[Record]) -> set[str]:
    return {image_id for one in records for image_id in one.ids}


def _record(text: str) -> Record:
    said = json.loads(text)
    return Record(**said | {"ids": tuple(said["ids"])})


def _digest(name: str) -> str:
    return blake2b(name.encode(), digest_size=8).hexdigest()
